import { type ByteRange, planChunks, probeCapture } from '../capture/capture-chunks.js';
import type { CaptureSource } from '../capture/capture-source.js';
import type { ParserState } from '../capture/record-parser.js';

/** Below this, starting a thread costs more than it saves. */
const MIN_CHUNK_BYTES = 8 * 1024 * 1024;
/** Above this, progress would come in leaps and a chunk read twice would hurt. */
const MAX_CHUNK_BYTES = 128 * 1024 * 1024;
/** Chunks per thread, so that one slow thread does not keep the others waiting at the end. */
const CHUNKS_PER_WORKER = 4;

/** How a file is to be spread over threads. */
export interface FilePlan {
  ranges: ByteRange[];
  /** What holds at the file's first packet, assumed at the start of each range. */
  state: ParserState;
}

/**
 * Divides a file, if that is worth it.
 * @returns null if one thread is to read it from end to end
 */
export function planFile(source: CaptureSource, workers: number): FilePlan | null {
  if (!source.seekable || source.sizeBytes === null || workers < 2) return null;
  const chunkBytes = Math.min(
    MAX_CHUNK_BYTES,
    Math.max(MIN_CHUNK_BYTES, Math.ceil(source.sizeBytes / (workers * CHUNKS_PER_WORKER))),
  );
  if (source.sizeBytes <= chunkBytes) return null;
  const { state } = probeCapture(source.path);
  return state === null ? null : { ranges: planChunks(source.path, chunkBytes), state };
}
