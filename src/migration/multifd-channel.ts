import { readUint32, readUint64 } from './big-endian.js';
import type { MultifdOrder, MultifdPacket } from './multifd-order.js';
import type { PageSink } from './page-sink.js';
import type { RamBlock, RamBlocks } from './ram-blocks.js';
import type { StreamConsumer } from './tcp-stream.js';

/*
 * A channel begins with a message of 64 bytes, then come packets (QEMU migration/multifd.h: MultiFDInit_t,
 * MultiFDPacket_t):
 *
 *  0       4         8            24   25             64
 *  | magic | version | uuid (16)  | id | zeros        |
 *
 *  0       4         8       12      16       20          24           32      36     64            320
 *  | magic | version | flags | alloc | normal | next size | packet no. | zero  | 0    | block (256) | alloc offsets, 8 each
 *
 * `normal` of the offsets are of pages whose content follows, `next size` bytes of it; `zero` (QEMU 9.0) more are of zero
 * pages. A packet without pages only synchronises; its size field then holds what an earlier packet left there. Device
 * state (flag bit 12, QEMU 10.0) has another header: block name, instance, size behind the flags, 276 bytes in all.
 */

export const MULTIFD_MAGIC = 0x1122_3344;
export const MULTIFD_VERSION = 1;
export const INITIAL_BYTES = 64;

const FLAG_SYNC = 1;
const FLAG_COMPRESSION = 0x3e;
const FLAG_DEVICE_STATE = 1 << 12;
const COMMON_BYTES = 12;
const HEADER_BYTES = 320;
const DEVICE_HEADER_BYTES = 276;
const NAME_AT = 64;
const NAME_BYTES = 256;
/** Of offsets in a packet: 512 KiB of the smallest pages, four times over. */
const MAX_PAGES = 4096;

const Step = { initial: 0, common: 1, header: 2, offsets: 3, deviceHeader: 4, content: 5, lost: 6 } as const;

/** Whether a packet header, or the initial message, begins at `at`. */
export function isMultifdMagic(data: Uint8Array, at: number): boolean {
  return readUint32(data, at) === MULTIFD_MAGIC && readUint32(data, at + 4) === MULTIFD_VERSION;
}

/** Reads one multifd channel. */
export class MultifdChannel implements StreamConsumer {
  /** Of the initial message. */
  id = -1;
  uuid = '';
  position = 0;
  gapCount = 0;
  gapBytes = 0;
  lostCount = 0;
  foundCount = 0;
  lastNs: number;
  private readonly blocks: RamBlocks;
  private readonly order: MultifdOrder;
  private readonly sink: PageSink | null;
  private readonly member: number;
  private step: number = Step.initial;
  private readonly scratch = new Uint8Array(HEADER_BYTES);
  private have = 0;
  private packet: MultifdPacket;
  private offsetsRead = 0;
  private alloc = 0;
  private used = 0;
  private contentBytes = 0;
  private contentRead = 0;
  private epoch = 0;

  constructor(blocks: RamBlocks, order: MultifdOrder, sink: PageSink | null, timeNs: number) {
    this.blocks = blocks;
    this.order = order;
    this.sink = sink;
    this.lastNs = timeNs;
    this.member = order.join();
    this.packet = order.create(this.member);
  }

  data(data: Uint8Array, offset: number, length: number, timeNs: number): void {
    this.lastNs = timeNs;
    const end = offset + length;
    let at = offset;
    while (at < end) {
      const next = this.read(data, at, end);
      this.position += next - at;
      at = next;
    }
  }

  gap(bytes: number, timeNs: number): void {
    this.lastNs = timeNs;
    this.gapCount += 1;
    this.gapBytes += bytes;
    this.position += bytes;
    if (this.step === Step.content && bytes <= this.contentBytes - this.contentRead) {
      this.missPages(this.contentRead + bytes);
      this.packet.bytes += bytes;
      this.contentRead += bytes;
      if (this.contentRead === this.contentBytes) this.endPacket();
    } else this.lose();
  }

  /** Hands over a packet that was cut by the end of the capture. */
  finish(): void {
    if (this.step === Step.content) this.missPages(this.contentBytes);
    if (this.packet.bytes > 0) this.endPacket();
    this.order.leave(this.member);
  }

  private read(data: Uint8Array, at: number, to: number): number {
    switch (this.step) {
      case Step.content:
        return this.readContent(data, at, to);
      case Step.offsets:
        return this.gather(data, at, to, 8);
      case Step.lost:
      case Step.common:
        return this.gather(data, at, to, COMMON_BYTES);
      case Step.header:
        return this.gather(data, at, to, HEADER_BYTES);
      case Step.deviceHeader:
        return this.gather(data, at, to, DEVICE_HEADER_BYTES);
      default:
        return this.gather(data, at, to, INITIAL_BYTES);
    }
  }

  private gather(data: Uint8Array, at: number, to: number, need: number): number {
    const count = Math.min(to - at, need - this.have);
    const { scratch } = this;
    for (let i = 0; i < count; i++) scratch[this.have + i] = data[at + i]!;
    if (this.have === 0 && this.step === Step.common) this.packet.startNs = this.lastNs;
    this.have += count;
    if (this.step !== Step.initial && this.step !== Step.lost) this.packet.bytes += count;
    if (this.have === need) this.parse();
    return at + count;
  }

  private parse(): void {
    switch (this.step) {
      case Step.initial:
        this.parseInitial();
        return;
      case Step.common:
        this.parseCommon();
        return;
      case Step.header:
        this.parseHeader();
        return;
      case Step.offsets:
        this.parseOffset();
        return;
      case Step.deviceHeader:
        this.startContent(readUint32(this.scratch, DEVICE_HEADER_BYTES - 4));
        return;
      default:
        this.lookForHeader();
    }
  }

  private parseInitial(): void {
    this.uuid = Buffer.from(this.scratch.subarray(8, 24)).toString('hex');
    this.id = this.scratch[24]!;
    if (isMultifdMagic(this.scratch, 0)) this.startPacket();
    else this.lose();
  }

  private startPacket(): void {
    this.have = 0;
    this.step = Step.common;
  }

  private parseCommon(): void {
    const { scratch } = this;
    const flags = readUint32(scratch, 8);
    if (!isMultifdMagic(scratch, 0) || flags > 2 * FLAG_DEVICE_STATE) this.lose();
    else this.step = (flags & FLAG_DEVICE_STATE) !== 0 ? Step.deviceHeader : Step.header;
  }

  private parseHeader(): void {
    const { scratch, packet } = this;
    const flags = readUint32(scratch, 8);
    this.alloc = readUint32(scratch, 12);
    packet.normal = readUint32(scratch, 16);
    packet.number = readUint64(scratch, 24);
    const zero = readUint32(scratch, 32);
    this.used = packet.normal + zero;
    packet.isSync = (flags & FLAG_SYNC) !== 0;
    packet.isCompressed = (flags & FLAG_COMPRESSION) !== 0;
    this.contentBytes = packet.normal === 0 ? 0 : readUint32(scratch, 20);
    const limit = 2 * this.alloc * this.blocks.pageBytes + 65_536;
    packet.block = this.used === 0 ? null : this.readBlock();
    if (
      this.alloc > MAX_PAGES ||
      this.used > this.alloc ||
      this.contentBytes > limit ||
      (this.used > 0 && packet.block === null)
    ) {
      this.lose();
      return;
    }
    packet.pages = 0;
    packet.alloc = this.alloc;
    if (this.used > packet.offsets.length) packet.offsets = new Float64Array(MAX_PAGES);
    this.offsetsRead = 0;
    this.have = 0;
    this.step = Step.offsets;
    if (this.alloc === 0) this.startContent(this.contentBytes);
  }

  private readBlock(): RamBlock | null {
    const { scratch } = this;
    let length = 0;
    while (length < NAME_BYTES && scratch[NAME_AT + length] !== 0) length += 1;
    return this.blocks.find(scratch, NAME_AT, length);
  }

  private parseOffset(): void {
    const { packet } = this;
    this.have = 0;
    if (this.offsetsRead < this.used) {
      const offset = readUint64(this.scratch, 0);
      if (offset >= packet.block!.bytes || offset >= 2 ** 52) {
        this.lose();
        return;
      }
      packet.offsets[packet.pages++] = offset;
    }
    this.offsetsRead += 1;
    if (this.offsetsRead === this.alloc) this.startContent(this.contentBytes);
  }

  private startContent(bytes: number): void {
    this.contentBytes = bytes;
    this.contentRead = 0;
    this.step = Step.content;
    this.have = 0;
    if (bytes === 0) this.endPacket();
  }

  private readContent(data: Uint8Array, at: number, to: number): number {
    const count = Math.min(to - at, this.contentBytes - this.contentRead);
    if (this.sink !== null && this.packet.block !== null && !this.packet.isCompressed) {
      this.offer(this.sink, data, at, count);
    }
    this.contentRead += count;
    this.packet.bytes += count;
    if (this.contentRead === this.contentBytes) this.endPacket();
    return at + count;
  }

  /** Cuts content into pages. */
  private offer(sink: PageSink, data: Uint8Array, from: number, count: number): void {
    const { pageBytes } = this.blocks;
    for (let done = 0; done < count; ) {
      const page = Math.floor((this.contentRead + done) / pageBytes);
      const inPage = (this.contentRead + done) % pageBytes;
      const length = Math.min(count - done, pageBytes - inPage);
      if (page >= this.packet.normal) return;
      const offset = this.packet.offsets[page]!;
      const { name } = this.packet.block!;
      sink.content(name, offset, data, from + done, length, inPage, this.lastNs, this.epoch);
      done += length;
    }
  }

  private endPacket(): void {
    const { packet } = this;
    packet.endNs = this.lastNs;
    packet.epoch = this.epoch;
    if (this.sink !== null) this.offerWhole(this.sink);
    if (packet.isSync) this.epoch += 1;
    this.order.add(packet);
    this.packet = this.order.create(this.member);
    this.startPacket();
  }

  /** Pages without content, and those whose content was not read. */
  private offerWhole(sink: PageSink): void {
    const { block, normal, pages, offsets, isCompressed } = this.packet;
    if (block === null) return;
    for (let i = 0; isCompressed && i < normal; i++) sink.unread?.(block.name, offsets[i]!);
    for (let i = normal; i < pages; i++) sink.fill(block.name, offsets[i]!, 0, this.lastNs, this.epoch);
  }

  /** Pages that lie wholly between what was read and `until` were sent, but not captured. */
  private missPages(until: number): void {
    const { sink, blocks, packet } = this;
    if (sink === null || packet.block === null || packet.isCompressed) return;
    const end = Math.min(packet.normal, Math.floor(until / blocks.pageBytes));
    for (let i = Math.ceil(this.contentRead / blocks.pageBytes); i < end; i++) {
      sink.unread?.(packet.block.name, packet.offsets[i]!);
    }
  }

  private lose(): void {
    if (this.step !== Step.lost) this.lostCount += 1;
    if (this.step === Step.content) this.missPages(this.contentBytes);
    this.order.drop(this.packet);
    this.packet = this.order.create(this.member);
    this.step = Step.lost;
    this.have = 0;
  }

  /** Twelve bytes of a header, and of them 64 bits fixed: in other bytes they turn up once in 2^70. */
  private lookForHeader(): void {
    const { scratch } = this;
    if (isMultifdMagic(scratch, 0) && readUint32(scratch, 8) < 2 * FLAG_DEVICE_STATE) {
      this.foundCount += 1;
      this.epoch = Math.max(this.epoch, this.order.epoch);
      this.packet.bytes = COMMON_BYTES;
      this.packet.startNs = this.lastNs;
      this.step = Step.common;
      this.parseCommon();
      return;
    }
    scratch.copyWithin(0, 1, COMMON_BYTES);
    this.have = COMMON_BYTES - 1;
  }
}
