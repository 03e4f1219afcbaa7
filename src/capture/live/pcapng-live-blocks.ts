import { BlockType, BYTE_ORDER_MAGIC, FixedBytes, OptionCode, paddedBytes } from '../pcapng-format.js';
import type { CaptureCounts } from './native-addon.js';

/** Times are written as 10^-9 s. */
const RESOLUTION = 9;
const MAX_OPTION_BYTES = 0xffff;
const OPTION_HEADER_BYTES = 4;
/** Behind a block's body. */
const TRAILER_BYTES = 4;
/** `if_filter` begins with what language it is in: 0 is libpcap's. */
const FILTER_IN_TEXT = 0;

/** What a file tells about the interface it was captured on. */
export interface CapturedInterface {
  readonly device: string;
  readonly filter: string;
  readonly linkType: number;
  readonly snapLength: number;
}

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

/** Section header and interface description: what a file of one interface begins with. */
export function renderFileStart(captured: CapturedInterface): Uint8Array {
  const section = Buffer.alloc(FixedBytes.sectionHeader - TRAILER_BYTES);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 8);
  section.writeUInt16LE(1, 12);
  // Section length -1: not given.
  section.fill(0xff, 16, 24);
  const description = Buffer.alloc(FixedBytes.interfaceDescription - TRAILER_BYTES);
  description.writeUInt16LE(captured.linkType, 8);
  description.writeUInt32LE(captured.snapLength, 12);
  return Buffer.concat([
    finishBlock(BlockType.sectionHeader, section, [textOption(OptionCode.shbUserApplication, 'tare')]),
    finishBlock(BlockType.interfaceDescription, description, [
      textOption(OptionCode.ifName, captured.device),
      ...filterOption(captured.filter),
      { code: OptionCode.ifTsresol, value: Uint8Array.of(RESOLUTION) },
    ]),
  ]);
}

/** What became of the packets of one file. */
export interface FileStatistics {
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly written: number;
  /** Of the time from start to end. */
  readonly counts: CaptureCounts;
}

/** Interface statistics: what a file ends with. All are of one length. */
export function renderFileEnd({ startNs, endNs, written, counts }: FileStatistics): Uint8Array {
  const block = Buffer.alloc(FixedBytes.interfaceStatistics - TRAILER_BYTES);
  time(endNs).copy(block, 12);
  return finishBlock(BlockType.interfaceStatistics, block, [
    { code: OptionCode.isbStarttime, value: time(startNs) },
    { code: OptionCode.isbEndtime, value: time(endNs) },
    countOption(OptionCode.isbIfdrop, counts.interfaceDrops),
    countOption(OptionCode.isbFilteraccept, counts.received),
    countOption(OptionCode.isbOsdrop, counts.kernelDrops),
    countOption(OptionCode.isbUsrdeliv, written),
  ]);
}

function finishBlock(type: number, start: Buffer, options: readonly Option[]): Buffer {
  const parts: Buffer[] = [start];
  for (const { code, value } of options) {
    const option = Buffer.alloc(OPTION_HEADER_BYTES + paddedBytes(value.length));
    option.writeUInt16LE(code, 0);
    option.writeUInt16LE(value.length, 2);
    option.set(value, OPTION_HEADER_BYTES);
    parts.push(option);
  }
  // End of options, and the block's length once more.
  parts.push(Buffer.alloc(OPTION_HEADER_BYTES + TRAILER_BYTES));
  const block = Buffer.concat(parts);
  block.writeUInt32LE(type, 0);
  block.writeUInt32LE(block.length, 4);
  block.writeUInt32LE(block.length, block.length - TRAILER_BYTES);
  return block;
}

function textOption(code: number, text: string): Option {
  return { code, value: Buffer.from(text, 'utf8').subarray(0, MAX_OPTION_BYTES) };
}

function filterOption(filter: string): Option[] {
  if (filter === '') return [];
  const text = textOption(OptionCode.ifFilter, filter).value.subarray(0, MAX_OPTION_BYTES - 1);
  return [{ code: OptionCode.ifFilter, value: Buffer.concat([Uint8Array.of(FILTER_IN_TEXT), text]) }];
}

function countOption(code: number, count: number): Option {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(count));
  return { code, value };
}

/** Times are two words, the upper one first, whatever the byte order. */
function time(ns: bigint): Buffer {
  const words = Buffer.alloc(8);
  words.writeUInt32LE(Number(ns >> 32n), 0);
  words.writeUInt32LE(Number(ns & 0xffff_ffffn), 4);
  return words;
}
