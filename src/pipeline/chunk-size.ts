/** Below this, starting a thread costs more than it saves. */
export const MIN_CHUNK_BYTES = 8 * 1024 * 1024;
/** Above this, progress would come in leaps and a chunk read twice would hurt. */
const MAX_CHUNK_BYTES = 128 * 1024 * 1024;
/** Chunks per thread, so that one slow thread does not keep the others waiting at the end. */
const CHUNKS_PER_WORKER = 4;

/** How much of a file of that size one thread is to take at a time. */
export function chunkSize(fileBytes: number, workers: number): number {
  const even = Math.ceil(fileBytes / (workers * CHUNKS_PER_WORKER));
  return Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, even));
}
