import { createHash } from 'node:crypto';
import type { FrameBlock } from '../../../src/packet/frame-block.js';

/** What the golden expectations print of a frame, from tshark. */
export const TSHARK_FRAME_FIELDS = [
  ...['-n', '-T', 'fields', '-e', 'frame.number', '-e', 'frame.time_epoch'],
  ...['-e', 'frame.len', '-e', 'frame.cap_len'],
];

/** Frame `index` as tshark prints {@link TSHARK_FRAME_FIELDS}. */
export function frameLine(block: FrameBlock, index: number): string {
  const nanoseconds = String(block.timeNanoseconds[index]).padStart(9, '0');
  const time = `${block.timeSeconds[index]}.${nanoseconds}`;
  return `${block.frameNumber[index]}\t${time}\t${block.wireLength[index]}\t${block.capturedLength[index]}`;
}

/** Everything about the frames of a block, to compare two ways of reading. Numbers may be shifted by `numberBase`. */
export function fullLines(block: FrameBlock, numberBase = 0): string[] {
  const lines: string[] = [];
  for (let index = 0; index < block.count; index++) {
    const start = block.offset[index]!;
    const bytes = block.data.subarray(start, start + block.capturedLength[index]!);
    const digest = createHash('md5').update(bytes).digest('hex');
    block.frameNumber[index]! += numberBase;
    lines.push(`${frameLine(block, index)}\t${block.linkType[index]}\t${digest}`);
  }
  return lines;
}
