import type { FrameBlock } from '../packet/frame-block.js';
import { createDropTally, type DropTally } from './drop-tally.js';
import {
  type CaptureError,
  cutOffError,
  MAX_CAPTURED_BYTES,
  type PcapState,
  type RecordParser,
} from './record-parser.js';

/*
 * File header (24 bytes)                    Record header (16 bytes; 24 after Kuznetzov's patch)
 *  0  magic, tells byte order and unit       0  seconds
 *  4  version 2, 4                           4  microseconds or nanoseconds
 *  8  time zone, accuracy: unused            8  captured length
 * 16  snapshot length                       12  wire length
 * 20  link type (16 bits)                   16  interface, protocol, packet type (patch only)
 */
export const PCAP_FILE_HEADER_BYTES = 24;

/** By the file's first four bytes read as a little-endian number. */
const MAGICS = new Map([
  [0xa1b2c3d4, { littleEndian: true, nanosecond: false, recordHeaderBytes: 16 }],
  [0xd4c3b2a1, { littleEndian: false, nanosecond: false, recordHeaderBytes: 16 }],
  [0xa1b23c4d, { littleEndian: true, nanosecond: true, recordHeaderBytes: 16 }],
  [0x4d3cb2a1, { littleEndian: false, nanosecond: true, recordHeaderBytes: 16 }],
  [0xa1b2cd34, { littleEndian: true, nanosecond: false, recordHeaderBytes: 24 }],
  [0x34cdb2a1, { littleEndian: false, nanosecond: false, recordHeaderBytes: 24 }],
]);

/** @param magic the first four bytes of a file as a little-endian number */
export function isPcapMagic(magic: number): boolean {
  return MAGICS.has(magic);
}

/** Reads classic pcap of either byte order (draft-ietf-opsawg-pcap). */
export class PcapParser implements RecordParser {
  readonly format = 'pcap';
  offset: number;
  stopOffset = Number.POSITIVE_INFINITY;
  frameCount = 0;
  lastFrameNumber = 0;
  neededBytes = PCAP_FILE_HEADER_BYTES;
  error: CaptureError | null = null;
  readonly linkTypes = new Set<number>();
  commentCount = 0;
  drops: DropTally = createDropTally();

  #state: PcapState | null;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array | null = null;

  /**
   * @param state of a parser that has read the file header; without it the stream must begin with that header
   * @param offset stream offset of the first byte that `parse` will get
   */
  constructor(state: PcapState | null = null, offset = 0) {
    this.#state = state === null ? null : { ...state };
    this.offset = offset;
    if (state !== null) this.linkTypes.add(state.linkType);
  }

  state(): PcapState | null {
    return this.#state === null ? null : { ...this.#state };
  }

  finish(remainingBytes: number): void {
    if (this.error !== null) return;
    if (remainingBytes > 0 || this.#state === null) this.error = cutOffError(this, remainingBytes);
  }

  parse(data: Uint8Array, start: number, end: number, block: FrameBlock): number {
    block.data = data;
    block.count = 0;
    if (this.error !== null) return start;
    if (this.#viewed !== data) {
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      this.#viewed = data;
    }
    if (this.#state !== null) return this.#parseRecords(this.#state, start, end, block);
    if (end - start < PCAP_FILE_HEADER_BYTES) {
      this.neededBytes = PCAP_FILE_HEADER_BYTES;
      return start;
    }
    this.#state = this.#parseFileHeader(start);
    if (this.#state === null) return start;
    this.offset += PCAP_FILE_HEADER_BYTES;
    return this.#parseRecords(this.#state, start + PCAP_FILE_HEADER_BYTES, end, block);
  }

  #parseFileHeader(at: number): PcapState | null {
    const variant = MAGICS.get(this.#view.getUint32(at, true));
    if (variant === undefined) {
      this.error = { message: `no pcap file header at offset ${this.offset}`, offset: this.offset };
      return null;
    }
    const le = variant.littleEndian;
    const linkType = this.#view.getUint32(at + 20, le) & 0xffff;
    this.linkTypes.add(linkType);
    return {
      format: 'pcap',
      ...variant,
      linkType,
      snapLength: this.#view.getUint32(at + 16, le),
      referenceSeconds: null,
    };
  }

  /** The hot loop: everything it touches is a local. */
  #parseRecords(state: PcapState, start: number, end: number, block: FrameBlock): number {
    const view = this.#view;
    const {
      offset,
      capturedLength,
      wireLength,
      timeSeconds,
      timeNanoseconds,
      linkType,
      frameNumber,
      capacity,
    } = block;
    const le = state.littleEndian;
    const headerBytes = state.recordHeaderBytes;
    const fractionsPerSecond = state.nanosecond ? 1_000_000_000 : 1_000_000;
    const nanosecondsPerFraction = state.nanosecond ? 1 : 1000;
    const link = state.linkType;
    const frameBase = this.lastFrameNumber + 1;
    const stop = Math.min(end, start + (this.stopOffset - this.offset));
    let count = 0;
    let at = start;
    let needed = headerBytes;
    while (at < stop && count < capacity) {
      const body = at + headerBytes;
      if (body > end) break;
      const captured = view.getUint32(at + 8, le);
      const next = body + captured;
      if (captured > MAX_CAPTURED_BYTES || next > end) {
        needed = headerBytes + captured;
        break;
      }
      let seconds = view.getUint32(at, le);
      let fraction = view.getUint32(at + 4, le);
      if (fraction >= fractionsPerSecond) {
        seconds += Math.floor(fraction / fractionsPerSecond);
        fraction %= fractionsPerSecond;
      }
      const wire = view.getUint32(at + 12, le);
      offset[count] = body;
      capturedLength[count] = captured;
      wireLength[count] = Math.max(wire, captured);
      timeSeconds[count] = seconds;
      timeNanoseconds[count] = fraction * nanosecondsPerFraction;
      linkType[count] = link;
      frameNumber[count] = frameBase + count;
      count++;
      at = next;
    }
    block.count = count;
    this.frameCount += count;
    this.lastFrameNumber += count;
    this.offset += at - start;
    this.neededBytes = needed;
    if (count > 0) state.referenceSeconds ??= timeSeconds[0]!;
    if (needed - headerBytes > MAX_CAPTURED_BYTES) this.#fail(needed - headerBytes);
    return at;
  }

  #fail(claimedBytes: number): void {
    this.error = {
      message:
        `record claims ${claimedBytes} captured bytes at offset ${this.offset}, more than ${MAX_CAPTURED_BYTES}: ` +
        'the file is damaged there; everything before that was read',
      offset: this.offset,
    };
  }
}
