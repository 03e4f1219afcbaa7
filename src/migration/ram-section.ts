import { readUint16, readUint32, readUint64 } from './big-endian.js';
import type { PageSink } from './page-sink.js';
import type { RamBlock, RamBlocks } from './ram-blocks.js';
import { PageKind } from './stage-log.js';

/*
 *  0                                        8
 *  | page offset, flags in the low 10 bits  | unless CONTINUE: length (1), block name | by flag ...
 *
 *   ZERO              fill byte (1)
 *   PAGE              content of the page
 *   XBZRLE            0x01 (1), length (2), differences
 *   COMPRESS_PAGE     length (4), deflated content
 *   MEM_SIZE          the offset is RAM's total size; a list of blocks follows: length (1), name, size (8), and in some
 *                     migrations a page size (8) and an address (8)
 *   EOS, HOOK, MULTIFD_FLUSH   nothing
 *
 * (QEMU migration/ram.c: ram_load_precopy, parse_ramblocks, load_xbzrle, save_page_header)
 */

export const RamFlag = {
  zero: 0x02,
  memSize: 0x04,
  page: 0x08,
  eos: 0x10,
  continue: 0x20,
  xbzrle: 0x40,
  hook: 0x80,
  compressPage: 0x100,
  multifdFlush: 0x200,
} as const;

const MAX_FLAG_MASK = 0xfff;
/** ENCODING_FLAG_XBZRLE */
const XBZRLE_ENCODED = 1;

const Step = {
  header: 0,
  nameLength: 1,
  name: 2,
  fill: 3,
  xbzrleLength: 4,
  compressedLength: 5,
  body: 6,
  listLength: 7,
  listName: 8,
  listBytes: 9,
  listRest: 10,
  listExtra: 11,
} as const;

/** What a RAM section says, as it is read. */
export interface RamEvents {
  /** @param position in the stream of the page's header */
  page(kind: number, block: RamBlock, offset: number, position: number, nameBytes: number): void;
  /** All multifd channels are in step here. */
  multifdFlush(position: number): void;
  /** For the sink; undefined: what comes is the last that comes. */
  readonly sinkEpoch: number | undefined;
}

/** Reads what is between a RAM section's header and its footer. */
export class RamSection {
  isDone = false;
  /** What was read cannot be a RAM section. */
  isLost = false;
  /** The capture began in the middle: a header may continue a block whose name was not seen. */
  mayContinue = false;
  /** Time of what is being read, for the sink. */
  timeNs = 0;
  private readonly blocks: RamBlocks;
  private readonly events: RamEvents;
  private readonly sink: PageSink | null;
  private step: number = Step.header;
  private readonly scratch = new Uint8Array(512);
  private have = 0;
  private headerPosition = 0;
  private flags = 0;
  private offset = 0;
  private block: RamBlock | null = null;
  private nameLength = 0;
  private bodyBytes = 0;
  private bodyRead = 0;
  private bodyKind: number = PageKind.normal;
  /** Of the list of blocks: what its sizes must still add up to. */
  private listBytes = 0;

  constructor(blocks: RamBlocks, events: RamEvents, sink: PageSink | null) {
    this.blocks = blocks;
    this.events = events;
    this.sink = sink;
  }

  /** At the beginning of a section's content, or at a page header that was found again. */
  begin(): void {
    this.isDone = false;
    this.isLost = false;
    this.step = Step.header;
    this.have = 0;
  }

  /**
   * @param position in the stream of `data[from]`
   * @returns where it stopped: at `to`, or behind the section's end, or where it was lost
   */
  read(data: Uint8Array, from: number, to: number, position: number): number {
    const shift = position - from;
    let at = from;
    while (at < to && !this.isDone && !this.isLost) {
      switch (this.step) {
        case Step.body:
          at = this.skipBody(data, at, to);
          break;
        case Step.header:
          if (this.have === 0) {
            this.headerPosition = at + shift;
            if (to - at >= 8) {
              this.startPage(data, at);
              at += 8;
              break;
            }
          }
          at = this.gather(data, at, to, 8);
          if (this.have === 8) this.startPage(this.scratch, 0);
          break;
        default:
          at = this.readRest(data, at, to);
      }
    }
    return at;
  }

  /** Passes over bytes that all belong to the page under way, and do not end it. @returns false if they must be read */
  skipWithin(bytes: number): boolean {
    if (this.sink !== null || this.step !== Step.body || this.bodyRead + bytes >= this.bodyBytes)
      return false;
    this.bodyRead += bytes;
    return true;
  }

  /** Leaves bytes out that were not captured. @returns false if a header was among them */
  skipGap(bytes: number): boolean {
    if (this.step !== Step.body || this.bodyBytes - this.bodyRead < bytes) return false;
    if (bytes === this.bodyBytes) this.sink?.unread?.(this.block!.name, this.offset);
    this.bodyRead += bytes;
    if (this.bodyRead === this.bodyBytes) this.endPage();
    return true;
  }

  private gather(data: Uint8Array, at: number, to: number, need: number): number {
    const { scratch } = this;
    let from = at;
    while (from < to && this.have < need) scratch[this.have++] = data[from++]!;
    return from;
  }

  private startPage(data: Uint8Array, at: number): void {
    this.have = 0;
    const low = readUint32(data, at + 4);
    const mask = (this.blocks.pageBytes - 1) & MAX_FLAG_MASK;
    const flags = low & mask;
    this.flags = flags;
    this.offset = readUint32(data, at) * 0x1_0000_0000 + (low - flags);
    this.nameLength = 0;
    switch (flags) {
      case RamFlag.page | RamFlag.continue:
      case RamFlag.zero | RamFlag.continue:
      case RamFlag.xbzrle | RamFlag.continue:
      case RamFlag.compressPage | RamFlag.continue:
        this.continueBlock();
        return;
      case RamFlag.page:
      case RamFlag.zero:
      case RamFlag.xbzrle:
      case RamFlag.compressPage:
        this.step = Step.nameLength;
        return;
      case RamFlag.memSize:
        this.listBytes = this.offset;
        this.step = this.listBytes > 0 ? Step.listLength : Step.header;
        return;
      case RamFlag.eos:
        this.isDone = true;
        return;
      case RamFlag.multifdFlush:
        this.events.multifdFlush(this.headerPosition);
        return;
      case RamFlag.hook:
        return;
      default:
        this.isLost = true;
    }
  }

  private continueBlock(): void {
    if (this.block === null && this.mayContinue) this.block = this.blocks.nameless;
    if (this.block === null) this.isLost = true;
    else this.enterPage(this.block);
  }

  /** The header is whole: what follows depends on the flag. */
  private enterPage(block: RamBlock): void {
    if (this.offset >= block.bytes) {
      this.isLost = true;
      return;
    }
    this.block = block;
    if ((this.flags & RamFlag.page) !== 0) {
      this.startBody(PageKind.normal, this.blocks.pageBytes);
    } else if ((this.flags & RamFlag.zero) !== 0) this.step = Step.fill;
    else this.step = (this.flags & RamFlag.xbzrle) !== 0 ? Step.xbzrleLength : Step.compressedLength;
  }

  private startBody(kind: number, bytes: number): void {
    this.events.page(kind, this.block!, this.offset, this.headerPosition, this.nameLength);
    this.bodyKind = kind;
    this.bodyBytes = bytes;
    this.bodyRead = 0;
    if (bytes === 0) this.endPage();
    else this.step = Step.body;
  }

  private skipBody(data: Uint8Array, at: number, to: number): number {
    const count = Math.min(to - at, this.bodyBytes - this.bodyRead);
    if (this.sink !== null) this.offer(this.sink, data, at, count);
    this.bodyRead += count;
    if (this.bodyRead === this.bodyBytes) this.endPage();
    return at + count;
  }

  private offer(sink: PageSink, data: Uint8Array, at: number, count: number): void {
    const { offset, bodyRead, bodyKind, timeNs } = this;
    const { name } = this.block!;
    if (bodyKind === PageKind.normal) {
      sink.content(name, offset, data, at, count, bodyRead, timeNs, this.events.sinkEpoch);
      return;
    }
    const encoding = bodyKind === PageKind.xbzrle ? 'xbzrle' : 'deflated';
    sink.encoded?.(name, offset, encoding, data, at, count, bodyRead, this.bodyBytes);
  }

  private endPage(): void {
    this.step = Step.header;
    this.have = 0;
  }

  /** Everything but page headers and bodies. */
  private readRest(data: Uint8Array, at: number, to: number): number {
    const { scratch } = this;
    switch (this.step) {
      case Step.nameLength:
        this.nameLength = data[at]! + 1;
        this.step = Step.name;
        if (this.nameLength === 1) this.isLost = true;
        return at + 1;
      case Step.name: {
        const next = this.gather(data, at, to, this.nameLength - 1);
        if (this.have < this.nameLength - 1) return next;
        const block = this.blocks.find(scratch, 0, this.have);
        this.have = 0;
        if (block === null) this.isLost = true;
        else this.enterPage(block);
        return next;
      }
      case Step.fill:
        this.events.page(PageKind.zero, this.block!, this.offset, this.headerPosition, this.nameLength);
        this.sink?.fill(this.block!.name, this.offset, data[at]!, this.timeNs, this.events.sinkEpoch);
        this.endPage();
        return at + 1;
      case Step.xbzrleLength: {
        const next = this.gather(data, at, to, 3);
        if (this.have < 3) return next;
        const bytes = readUint16(scratch, 1);
        this.have = 0;
        if (scratch[0] !== XBZRLE_ENCODED || bytes > this.blocks.pageBytes) this.isLost = true;
        else this.startBody(PageKind.xbzrle, bytes);
        return next;
      }
      case Step.compressedLength: {
        const next = this.gather(data, at, to, 4);
        if (this.have < 4) return next;
        const bytes = readUint32(scratch, 0);
        this.have = 0;
        if (bytes === 0 || bytes > 2 * this.blocks.pageBytes) this.isLost = true;
        else this.startBody(PageKind.compressed, bytes);
        return next;
      }
      default:
        return this.readList(data, at, to);
    }
  }

  private readList(data: Uint8Array, at: number, to: number): number {
    const { scratch } = this;
    switch (this.step) {
      case Step.listLength:
        this.nameLength = data[at]!;
        this.step = Step.listName;
        this.isLost = this.nameLength === 0;
        return at + 1;
      case Step.listName: {
        const next = this.gather(data, at, to, this.nameLength + 8);
        if (this.have < this.nameLength + 8) return next;
        this.have = 0;
        const bytes = readUint64(scratch, this.nameLength);
        this.isLost = bytes > this.listBytes || !this.blocks.declare(scratch, 0, this.nameLength, bytes);
        this.listBytes -= bytes;
        this.step = Step.listRest;
        return next;
      }
      case Step.listRest:
        // A name is never empty, so a zero begins a 64-bit number: a page size, an address, or flags behind the list.
        if (data[at] !== 0 && this.listBytes > 0) this.step = Step.listLength;
        else this.step = Step.listExtra;
        return at;
      default: {
        const next = this.gather(data, at, to, 8);
        if (this.have < 8) return next;
        this.have = 0;
        const isFlags = this.listBytes === 0 && (readUint16(scratch, 6) & MAX_FLAG_MASK) !== 0;
        if (this.listBytes === 0) this.blocks.isListed = true;
        this.step = Step.listRest;
        if (!isFlags) return next;
        this.step = Step.header;
        this.startPage(scratch, 0);
        return next;
      }
    }
  }
}
