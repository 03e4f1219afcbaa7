import { statSync } from 'node:fs';
import { openErrorFrom } from './capture-open-error.js';
import { type RangeOutcome, readFileBlocks } from './read-file-blocks.js';
import { type CaptureFormat, type ParserState, sameState } from './record-parser.js';

/*
 * Reading one file with several workers. Nobody knows where a record begins in the middle of a capture, nor, in pcapng,
 * what interfaces are described before it. So the file is divided blindly; each worker supposes that what holds at the
 * first packet holds for its chunk, and guesses its first record. Afterwards each seam is checked: the chunk before it
 * must have ended, in the same state, exactly where the chunk behind it began. By induction from the first chunk, which
 * guesses nothing, the frames are then those of reading the file from end to end. A chunk that fails is read again from
 * where the one before it ended (`knownStart`). If a chunk holds an error, those behind it are void: reading in one go
 * would have ended there.
 */

export interface ByteRange {
  startOffset: number;
  /** Behind the last byte. */
  endOffset: number;
}

/**
 * Divides a file evenly.
 *
 * @param chunkBytes greatest length of a chunk, at least 1
 * @throws CaptureOpenError if there is no such file
 */
export function planChunks(path: string, chunkBytes: number): ByteRange[] {
  if (!(chunkBytes >= 1)) throw new RangeError(`chunkBytes must be at least 1, not ${chunkBytes}`);
  const sizeBytes = fileSize(path);
  const count = Math.max(1, Math.ceil(sizeBytes / chunkBytes));
  const ranges: ByteRange[] = [];
  for (let index = 0; index < count; index++) {
    ranges.push({
      startOffset: Math.floor((sizeBytes * index) / count),
      endOffset: Math.floor((sizeBytes * (index + 1)) / count),
    });
  }
  return ranges;
}

export interface CaptureProbe {
  format: CaptureFormat;
  sizeBytes: number;
  /** What holds at the first packet: the `assumedState` of all chunks. Null if the file header cannot be read. */
  state: ParserState | null;
}

/**
 * Reads an uncompressed capture as far as its first packet.
 *
 * @throws CaptureOpenError
 */
export function probeCapture(path: string): CaptureProbe {
  const reader = readFileBlocks(path, { blockCapacity: 1 });
  let state: ParserState | null = null;
  for (const _block of reader) {
    state = reader.parser?.state() ?? null;
    break;
  }
  state ??= reader.parser?.state() ?? null;
  return { format: reader.format!, sizeBytes: fileSize(path), state };
}

/**
 * Checks the seam between two adjoining chunks.
 *
 * @param before outcome that is known to be right
 * @param after outcome of the chunk behind it, which guessed
 * @returns true if `after` is what reading on from `before` gives
 */
export function rangeFollows(before: RangeOutcome, after: RangeOutcome): boolean {
  return (
    before.error === null &&
    before.nextRecordOffset !== null &&
    before.nextRecordOffset === after.firstRecordOffset &&
    sameState(before.endState, after.startState)
  );
}

/**
 * @param before outcome that is known to be right
 * @returns where to begin reading the chunk behind it again; null if reading ends with `before`
 */
export function continuationOf(before: RangeOutcome): { offset: number; state: ParserState } | null {
  if (before.error !== null || before.nextRecordOffset === null || before.endState === null) return null;
  return { offset: before.nextRecordOffset, state: before.endState };
}

function fileSize(path: string): number {
  try {
    return statSync(path).size;
  } catch (cause) {
    throw openErrorFrom(path, cause);
  }
}
