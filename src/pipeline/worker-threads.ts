import { statSync } from 'node:fs';
import type { Piscina } from 'piscina';
import type { RangeResult } from './analyze-range.js';
import { MIN_CHUNK_BYTES } from './chunk-size.js';
import type { WorkerTask } from './worker.js';

/** Threads that run `worker.ts`. */
export type WorkerThreads = Piscina<WorkerTask, RangeResult>;

/**
 * Starts worker threads if one of the files is large enough to be divided. Small on its own, so that threads load their
 * modules while this thread loads its.
 * @param count of threads
 * @returns null if there is no work for threads
 */
export async function startWorkerThreads(
  paths: readonly string[],
  count: number,
): Promise<WorkerThreads | null> {
  if (count < 2 || !paths.some((path) => sizeOf(path) > MIN_CHUNK_BYTES)) return null;
  const { Piscina } = await import('piscina');
  return new Piscina<WorkerTask, RangeResult>({
    filename: new URL('./worker.js', import.meta.url).href,
    minThreads: count,
    maxThreads: count,
  });
}

/** 0 for what is no file; opening it will tell why. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
