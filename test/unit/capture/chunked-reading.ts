import {
  type ByteRange,
  continuationOf,
  planChunks,
  probeCapture,
  rangeFollows,
} from '../../../src/capture/capture-chunks.js';
import { type DropTally, joinDropTallies, totalDrops } from '../../../src/capture/drop-tally.js';
import {
  type RangeOutcome,
  type ReadFileOptions,
  readFileBlocks,
} from '../../../src/capture/read-file-blocks.js';
import { fullLines } from './frame-lines.js';

export interface ChunkedReading {
  lines: string[];
  error: RangeOutcome['error'];
  drops: number | null;
  comments: number;
  chunks: number;
  /** Chunks whose guess was wrong. */
  redone: number;
}

/** Reads a file in chunks as parallel workers do, one after another, and checks the seams. */
export function readInChunks(
  path: string,
  chunkBytes: number,
  options: ReadFileOptions = {},
): ChunkedReading {
  const { state } = probeCapture(path);
  const ranges = planChunks(path, chunkBytes);
  const reading: ChunkedReading = { lines: [], error: null, drops: null, comments: 0, chunks: 0, redone: 0 };
  let before: RangeOutcome | null = null;
  let lastNumber = 0;
  for (const range of ranges) {
    if (range.startOffset > 0 && state === null) break;
    let chunk = readRange(
      path,
      range,
      state === null ? options : { ...options, assumedState: state },
      lastNumber,
    );
    if (before !== null && !rangeFollows(before, chunk.outcome)) {
      const knownStart = continuationOf(before);
      if (knownStart === null) break;
      chunk = readRange(path, range, { ...options, knownStart }, lastNumber);
      reading.redone++;
    }
    reading.chunks++;
    reading.lines.push(...chunk.lines);
    lastNumber += chunk.outcome.lastFrameNumber;
    const drops: DropTally =
      before === null ? chunk.outcome.drops : joinDropTallies(before.drops, chunk.outcome.drops);
    reading.comments += chunk.outcome.commentCount;
    before = { ...chunk.outcome, drops };
    if (before.error !== null) break;
  }
  return { ...reading, error: before!.error, drops: totalDrops(before!.drops) };
}

function readRange(path: string, range: ByteRange, options: ReadFileOptions, numberBase: number) {
  const reader = readFileBlocks(path, { ...options, ...range });
  const lines: string[] = [];
  for (const block of reader) if (reader.warmupFrames === 0) lines.push(...fullLines(block, numberBase));
  return { lines, outcome: reader.outcome() };
}
