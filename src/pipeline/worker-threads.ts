import { statSync } from 'node:fs';
import type { Piscina } from 'piscina';
import type { RangeResult } from './analyze-range.js';
import { MIN_CHUNK_BYTES } from './chunk-size.js';
import type { WorkerTask } from './worker.js';

/** Much longer than V8 takes to compile what was running. */
const REST_MS = 250;

/** Threads that run `worker.ts`. */
export type WorkerThreads = Piscina<WorkerTask, RangeResult>;

/**
 * Starts worker threads if one of the files is large enough to be divided. Small on its own, so that threads load their
 * modules while this thread loads its.
 * @param count of threads
 * @param chunkBytes a file no larger than this is not divided
 * @returns null if there is no work for threads
 */
export async function startWorkerThreads(
  paths: readonly string[],
  count: number,
  chunkBytes = MIN_CHUNK_BYTES,
): Promise<WorkerThreads | null> {
  if (count < 2 || !paths.some((path) => sizeOf(path) > chunkBytes)) return null;
  const { Piscina } = await import('piscina');
  return new Piscina<WorkerTask, RangeResult>({
    filename: new URL('./worker.js', import.meta.url).href,
    minThreads: count,
    maxThreads: count,
  });
}

/**
 * Ends threads that have nothing to do any more, a little later. Node 20 aborts now and then when a thread is ended while V8 still
 * compiles code for it in the background (`NodePlatform::ForIsolate`); at rest it does not. Nobody waits for that: idle threads do
 * not keep the process alive.
 */
export function endAtRest(threads: WorkerThreads): void {
  setTimeout(() => void threads.destroy(), REST_MS).unref();
}

/** 0 for what is no file; opening it will tell why. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
