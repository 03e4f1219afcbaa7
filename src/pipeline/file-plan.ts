import { type ByteRange, planChunks, probeCapture } from '../capture/capture-chunks.js';
import type { CaptureSource } from '../capture/capture-source.js';
import type { ParserState } from '../capture/record-parser.js';
import { chunkSize } from './chunk-size.js';

/** How a file is to be spread over threads. */
export interface FilePlan {
  ranges: ByteRange[];
  /** What holds at the file's first packet, assumed at the start of each range. */
  state: ParserState;
}

/**
 * Divides a file, if that is worth it.
 * @param chunkBytes greatest range; default what suits the file
 * @returns null if one thread is to read it from end to end
 */
export function planFile(source: CaptureSource, workers: number, chunkBytes?: number): FilePlan | null {
  if (!source.seekable || source.sizeBytes === null || workers < 2) return null;
  const rangeBytes = chunkBytes ?? chunkSize(source.sizeBytes, workers);
  if (source.sizeBytes <= rangeBytes) return null;
  const { state } = probeCapture(source.path);
  return state === null ? null : { ranges: planChunks(source.path, rangeBytes), state };
}
