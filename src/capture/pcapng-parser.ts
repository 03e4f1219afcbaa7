import type { FrameBlock } from '../packet/frame-block.js';
import { createDropTally, type DropTally, recordDrops, startSection } from './drop-tally.js';
import {
  BlockType,
  BYTE_ORDER_MAGIC,
  FixedBytes,
  MIN_BLOCK_BYTES,
  NUMBERED_BLOCK_TYPES,
  OptionCode,
  paddedBytes,
} from './pcapng-format.js';
import { createPcapngClock, DEFAULT_RESOLUTION, type PcapngClock, storeTime } from './pcapng-time.js';
import {
  type CaptureError,
  cutOffError,
  MAX_CAPTURED_BYTES,
  type PcapngInterfaceState,
  type PcapngState,
  type RecordParser,
} from './record-parser.js';

/** A packet at the limit with room for its options. */
export const MAX_BLOCK_BYTES = MAX_CAPTURED_BYTES + 1024 * 1024;

/** Real files have a few, `mergecap` makes hundreds; a file of nothing but interfaces must not fill the memory. */
export const MAX_INTERFACES = 65_536;

interface PcapngInterface {
  state: PcapngInterfaceState;
  clock: PcapngClock;
}

/** What a block handler tells: how many frames it added, or that the block is broken. */
const BROKEN = -1;

/**
 * Reads pcapng (draft-ietf-opsawg-pcapng): several sections of either byte order, several interfaces each.
 *
 * Frames come from enhanced, simple and the obsolete packet blocks. A simple packet has no time: its frame gets 0.
 * Blocks of unknown type are skipped.
 */
export class PcapngParser implements RecordParser {
  readonly format = 'pcapng';
  offset: number;
  stopOffset = Number.POSITIVE_INFINITY;
  frameCount = 0;
  lastFrameNumber = 0;
  neededBytes = MIN_BLOCK_BYTES;
  error: CaptureError | null = null;
  readonly linkTypes = new Set<number>();
  commentCount = 0;
  drops: DropTally = createDropTally();

  #inSection: boolean;
  #littleEndian: boolean;
  #interfaces: PcapngInterface[] = [];
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | null = null;

  /**
   * @param state of a parser in the same section; without it the stream must begin with a section header
   * @param offset stream offset of the first byte that `parse` will get
   */
  constructor(state: PcapngState | null = null, offset = 0) {
    this.offset = offset;
    this.#inSection = state !== null;
    this.#littleEndian = state?.littleEndian ?? true;
    for (const declared of state?.interfaces ?? []) this.#addInterface({ ...declared });
  }

  state(): PcapngState | null {
    if (!this.#inSection) return null;
    return {
      format: 'pcapng',
      littleEndian: this.#littleEndian,
      interfaces: this.#interfaces.map(({ state }) => ({ ...state })),
    };
  }

  finish(remainingBytes: number): void {
    if (this.error !== null) return;
    if (remainingBytes > 0 || !this.#inSection) this.error = cutOffError(this, remainingBytes);
  }

  parse(data: Uint8Array, start: number, end: number, block: FrameBlock): number {
    block.data = data;
    block.count = 0;
    if (this.error !== null) return start;
    if (this.#viewed !== data) {
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      this.#viewed = data;
    }
    const stop = Math.min(end, start + (this.stopOffset - this.offset));
    let at = start;
    while (at < stop && block.count < block.capacity) {
      const next = this.#readPlainPackets(at, stop, end, block);
      this.offset += next - at;
      at = next;
      if (at >= stop || block.count >= block.capacity) break;
      const blockBytes = this.#measureBlock(at, end);
      if (blockBytes === 0) break;
      const added = this.#readBlock(at, blockBytes, block);
      if (added === BROKEN) break;
      if (added > 0) {
        block.frameNumber[block.count] = ++this.lastFrameNumber;
        block.count += added;
      }
      at += blockBytes;
      this.offset += blockBytes;
    }
    this.frameCount += block.count;
    return at;
  }

  /**
   * The hot loop: enhanced packets without options, as long as nothing about them is remarkable. All else, broken or
   * not, is left to the slower way.
   *
   * @returns index of the first block not read
   */
  #readPlainPackets(start: number, stop: number, end: number, block: FrameBlock): number {
    if (!this.#inSection) return start;
    const view = this.#view;
    const le = this.#littleEndian;
    const { offset, capturedLength, wireLength, linkType, frameNumber, capacity } = block;
    const interfaces = this.#interfaces;
    let lastFrameNumber = this.lastFrameNumber;
    let count = block.count;
    let at = start;
    while (at < stop && count < capacity && at + FixedBytes.enhancedPacket <= end) {
      if (view.getUint32(at, le) !== BlockType.enhancedPacket) break;
      const captured = view.getUint32(at + 20, le);
      if (captured > MAX_CAPTURED_BYTES) break;
      const blockBytes = FixedBytes.enhancedPacket + paddedBytes(captured);
      if (at + blockBytes > end || view.getUint32(at + 4, le) !== blockBytes) break;
      if (view.getUint32(at + blockBytes - 4, le) !== blockBytes) break;
      const interfaceId = view.getUint32(at + 8, le);
      if (interfaceId >= interfaces.length) break;
      const source = interfaces[interfaceId]!;
      offset[count] = at + 28;
      capturedLength[count] = captured;
      wireLength[count] = Math.max(view.getUint32(at + 24, le), captured);
      linkType[count] = source.state.linkType;
      frameNumber[count] = ++lastFrameNumber;
      storeTime(source.clock, view.getUint32(at + 12, le), view.getUint32(at + 16, le), block, count);
      count++;
      at += blockBytes;
    }
    block.count = count;
    this.lastFrameNumber = lastFrameNumber;
    return at;
  }

  /** @returns length of the whole block at `at`; 0 if it is broken or `end` cuts it */
  #measureBlock(at: number, end: number): number {
    const view = this.#view;
    this.neededBytes = MIN_BLOCK_BYTES;
    if (at + MIN_BLOCK_BYTES > end) return 0;
    let le = this.#littleEndian;
    if (view.getUint32(at, true) === BlockType.sectionHeader) {
      le = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      if (!le && view.getUint32(at + 8, false) !== BYTE_ORDER_MAGIC) {
        return this.#fail('section header has no byte-order magic');
      }
    } else if (!this.#inSection) {
      return this.#fail('no section header');
    }
    const blockBytes = view.getUint32(at + 4, le);
    if (blockBytes < MIN_BLOCK_BYTES || blockBytes > MAX_BLOCK_BYTES || (blockBytes & 3) !== 0) {
      return this.#fail(`block claims ${blockBytes} bytes`);
    }
    this.neededBytes = blockBytes;
    if (at + blockBytes > end) return 0;
    const repeated = view.getUint32(at + blockBytes - 4, le);
    if (repeated !== blockBytes) {
      return this.#fail(`block claims ${blockBytes} bytes at its beginning and ${repeated} at its end`);
    }
    return blockBytes;
  }

  #readBlock(at: number, blockBytes: number, block: FrameBlock): number {
    const type = this.#view.getUint32(at, this.#littleEndian);
    switch (type) {
      case BlockType.enhancedPacket:
        return this.#readEnhancedPacket(at, blockBytes, block);
      case BlockType.interfaceDescription:
        return this.#readInterface(at, blockBytes);
      case BlockType.interfaceStatistics:
        return this.#readStatistics(at, blockBytes);
      case BlockType.simplePacket:
        return this.#readSimplePacket(at, blockBytes, block);
      case BlockType.packet:
        return this.#readObsoletePacket(at, blockBytes, block);
      case BlockType.sectionHeader:
        return this.#readSectionHeader(at, blockBytes);
      default:
        if (NUMBERED_BLOCK_TYPES.has(type)) this.lastFrameNumber++;
        return 0;
    }
  }

  #readSectionHeader(at: number, blockBytes: number): number {
    if (blockBytes < FixedBytes.sectionHeader) return this.#broken('section header', blockBytes);
    this.#littleEndian = this.#view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
    this.#inSection = true;
    this.#interfaces = [];
    startSection(this.drops);
    return 0;
  }

  #readInterface(at: number, blockBytes: number): number {
    if (blockBytes < FixedBytes.interfaceDescription)
      return this.#broken('interface description', blockBytes);
    if (this.#interfaces.length >= MAX_INTERFACES) {
      this.#fail(`more than ${MAX_INTERFACES} interfaces in one section`);
      return BROKEN;
    }
    const view = this.#view;
    const le = this.#littleEndian;
    const declared: PcapngInterfaceState = {
      linkType: view.getUint16(at + 8, le),
      snapLength: view.getUint32(at + 12, le),
      resolution: DEFAULT_RESOLUTION,
      timeOffsetSeconds: 0,
    };
    const end = at + blockBytes - 4;
    for (let option = at + 16; option + 4 <= end; ) {
      const code = view.getUint16(option, le);
      const length = view.getUint16(option + 2, le);
      if (code === OptionCode.end) break;
      if (option + 4 + length > end) {
        this.#fail(`option ${code} of an interface description is longer than its block`);
        return BROKEN;
      }
      if (code === OptionCode.ifTsresol && length >= 1) declared.resolution = view.getUint8(option + 4);
      if (code === OptionCode.ifTsoffset && length >= 8) {
        declared.timeOffsetSeconds = Number(view.getBigInt64(option + 4, le));
      }
      option += 4 + paddedBytes(length);
    }
    this.#addInterface(declared);
    return 0;
  }

  #addInterface(state: PcapngInterfaceState): void {
    this.linkTypes.add(state.linkType);
    this.#interfaces.push({ state, clock: createPcapngClock(state.resolution, state.timeOffsetSeconds) });
  }

  #readStatistics(at: number, blockBytes: number): number {
    if (blockBytes < FixedBytes.interfaceStatistics) return this.#broken('interface statistics', blockBytes);
    const view = this.#view;
    const le = this.#littleEndian;
    const interfaceId = view.getUint32(at + 8, le);
    if (interfaceId >= this.#interfaces.length) return 0;
    const end = at + blockBytes - 4;
    let dropped: number | null = null;
    for (let option = at + 20; option + 4 <= end; ) {
      const code = view.getUint16(option, le);
      const length = view.getUint16(option + 2, le);
      if (code === OptionCode.end || option + 4 + length > end) break;
      if ((code === OptionCode.isbIfdrop || code === OptionCode.isbOsdrop) && length === 8) {
        dropped = (dropped ?? 0) + Number(view.getBigUint64(option + 4, le));
      }
      option += 4 + paddedBytes(length);
    }
    if (dropped !== null) recordDrops(this.drops, interfaceId, dropped);
    return 0;
  }

  #readEnhancedPacket(at: number, blockBytes: number, block: FrameBlock): number {
    if (blockBytes < FixedBytes.enhancedPacket) return this.#broken('enhanced packet', blockBytes);
    return this.#readTimedPacket(at, blockBytes, this.#view.getUint32(at + 8, this.#littleEndian), block);
  }

  #readObsoletePacket(at: number, blockBytes: number, block: FrameBlock): number {
    if (blockBytes < FixedBytes.packet) return this.#broken('packet', blockBytes);
    return this.#readTimedPacket(at, blockBytes, this.#view.getUint16(at + 8, this.#littleEndian), block);
  }

  /** From the time on, enhanced and obsolete packet blocks are the same. */
  #readTimedPacket(at: number, blockBytes: number, interfaceId: number, block: FrameBlock): number {
    const view = this.#view;
    const le = this.#littleEndian;
    const source = this.#interfaces[interfaceId];
    if (source === undefined) return this.#unknownInterface(interfaceId);
    const captured = view.getUint32(at + 20, le);
    const optionsAt = 28 + paddedBytes(captured);
    // Compared as it was claimed: rounding up may wrap.
    if (captured > blockBytes - FixedBytes.enhancedPacket) return this.#tooLong(captured, blockBytes);
    const wire = view.getUint32(at + 24, le);
    const index = block.count;
    block.offset[index] = at + 28;
    block.capturedLength[index] = captured;
    block.wireLength[index] = Math.max(wire, captured);
    block.linkType[index] = source.state.linkType;
    storeTime(source.clock, view.getUint32(at + 12, le), view.getUint32(at + 16, le), block, index);
    if (optionsAt + 8 <= blockBytes) this.#countComments(at + optionsAt, at + blockBytes - 4);
    return 1;
  }

  #readSimplePacket(at: number, blockBytes: number, block: FrameBlock): number {
    if (blockBytes < FixedBytes.simplePacket) return this.#broken('simple packet', blockBytes);
    const source = this.#interfaces[0];
    if (source === undefined) return this.#unknownInterface(0);
    const wire = this.#view.getUint32(at + 8, this.#littleEndian);
    const snapLength = source.state.snapLength;
    const kept = snapLength === 0 ? wire : Math.min(wire, snapLength);
    const index = block.count;
    block.offset[index] = at + 12;
    block.capturedLength[index] = Math.min(kept, blockBytes - FixedBytes.simplePacket);
    block.wireLength[index] = wire;
    block.linkType[index] = source.state.linkType;
    block.timeSeconds[index] = 0;
    block.timeNanoseconds[index] = 0;
    return 1;
  }

  #countComments(start: number, end: number): void {
    const view = this.#view;
    for (let option = start; option + 4 <= end; ) {
      const code = view.getUint16(option, this.#littleEndian);
      const length = view.getUint16(option + 2, this.#littleEndian);
      if (code === OptionCode.end || option + 4 + length > end) return;
      if (code === OptionCode.comment) this.commentCount++;
      option += 4 + paddedBytes(length);
    }
  }

  #broken(kind: string, blockBytes: number): number {
    this.#fail(`${kind} block of ${blockBytes} bytes is too short for its fixed fields`);
    return BROKEN;
  }

  #tooLong(captured: number, blockBytes: number): number {
    this.#fail(`packet claims ${captured} captured bytes in a block of ${blockBytes}`);
    return BROKEN;
  }

  #unknownInterface(interfaceId: number): number {
    this.#fail(`packet names interface ${interfaceId}, of ${this.#interfaces.length} described`);
    return BROKEN;
  }

  #fail(what: string): 0 {
    this.error = {
      message: `${what} at offset ${this.offset}: the file is damaged there; everything before that was read`,
      offset: this.offset,
    };
    return 0;
  }
}
