import type { RecordParser } from '../../../src/capture/record-parser.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { fullLines } from './frame-lines.js';

/** Frames of a capture in memory, block by block, and the end of the stream told to the parser. */
export function parseAll(parser: RecordParser, data: Uint8Array, capacity = 64): string[] {
  const block = new FrameBlock(data, capacity);
  const lines: string[] = [];
  let start = 0;
  do {
    start = parser.parse(data, start, data.length, block);
    lines.push(...fullLines(block));
  } while (block.count === capacity);
  parser.finish(data.length - start);
  return lines;
}

/** Drops what tshark does not print: link type and digest. */
export function withoutBytes(lines: readonly string[]): string[] {
  return lines.map((line) => line.split('\t').slice(0, 4).join('\t'));
}
