import { Piscina } from 'piscina';
import type { SweepBatch } from './sweep-batch.js';
import type { SweepRequest } from './sweep-plan.js';
import type { SweepTask } from './sweep-worker.js';

export interface SweepRun {
  /** Points in the grid. */
  readonly points: number;
  /** Index of the first point that is not done yet. */
  readonly from: number;
  readonly workers: number;
}

/** A batch is to take about so long: progress shows, and handing it over costs little beside it. */
const BATCH_MS = 100;
const MAX_BATCH = 5000;
/** Batches in the hands of each worker or waiting for an earlier one. */
const AHEAD_PER_WORKER = 4;

/**
 * Calculates the points of a sweep on worker threads and gives them in the grid's order. What a point comes to does not
 * depend on the number of workers, nor on how points are batched.
 */
export async function* runSweep(
  request: SweepRequest,
  { points, from, workers }: SweepRun,
): AsyncGenerator<SweepBatch> {
  if (from >= points) return;
  const threads = Math.min(workers, points - from);
  const pool = new Piscina<SweepTask, SweepBatch>({
    filename: new URL('./sweep-worker.js', import.meta.url).href,
    workerData: request,
    minThreads: threads,
    maxThreads: threads,
    // Batches wait here, not in the threads: the next free one takes the next batch.
    concurrentTasksPerWorker: 1,
  });
  const size = new BatchSize();
  const waiting: Promise<SweepBatch>[] = [];
  let next = from;
  const start = (): void => {
    const left = points - next;
    const to = next + Math.min(left, size.points(left, threads));
    const batch = pool.run({ from: next, to });
    // An error must not go unhandled while batches before this one are still awaited.
    batch.catch(() => {});
    waiting.push(batch);
    next = to;
  };
  try {
    while (next < points && waiting.length < threads * AHEAD_PER_WORKER) start();
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      const done = await batch;
      size.learn(done.rows.length, done.milliseconds);
      if (next < points) start();
      yield done;
    }
  } finally {
    await pool.destroy();
  }
}

/** How many points make a batch: few at first, then as many as take `BATCH_MS`, and few again towards the end. */
class BatchSize {
  #millisecondsPerPoint: number | null = null;

  learn(points: number, milliseconds: number): void {
    const measured = milliseconds / points;
    this.#millisecondsPerPoint =
      this.#millisecondsPerPoint === null ? measured : (this.#millisecondsPerPoint + measured) / 2;
  }

  /** @param left points not yet handed out */
  points(left: number, threads: number): number {
    const fitting =
      this.#millisecondsPerPoint === null ? 1 : Math.round(BATCH_MS / this.#millisecondsPerPoint);
    const share = Math.ceil(left / (2 * threads));
    return Math.max(1, Math.min(fitting, share, MAX_BATCH));
  }
}
