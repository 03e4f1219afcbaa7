import { parentPort, workerData } from 'node:worker_threads';
import { FuzzReach, runFuzzIteration } from './fuzz-iteration.js';
import { readFuzzSeeds } from './fuzz-seeds.js';

export interface FuzzTask {
  readonly seed: number;
  readonly firstIteration: number;
  readonly seconds: number;
  readonly maxIterations: number;
  /** One 32-bit integer: the iteration at hand, for the watchdog. */
  readonly progress: SharedArrayBuffer;
}

export interface FuzzReport {
  readonly reach: FuzzReach;
  readonly iterations: number;
  /** Largest resident set seen, and what the first hundred iterations had taken. */
  readonly peakBytes: number;
  readonly settledBytes: number;
  readonly failure: { readonly iteration: number; readonly text: string } | null;
}

const SETTLED_AFTER = 100;

const task = workerData as FuzzTask;
const progress = new Int32Array(task.progress);
parentPort?.postMessage(await fuzz());

async function fuzz(): Promise<FuzzReport> {
  const seeds = readFuzzSeeds();
  const reach = new FuzzReach();
  const end = performance.now() + task.seconds * 1000;
  let peakBytes = 0;
  let settledBytes = 0;
  let iterations = 0;
  while (iterations < task.maxIterations && performance.now() < end) {
    const iteration = task.firstIteration + iterations;
    Atomics.store(progress, 0, iteration);
    try {
      await runFuzzIteration(seeds, task.seed, iteration, reach);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { reach, iterations, peakBytes, settledBytes, failure: { iteration, text } };
    }
    iterations++;
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    if (iterations <= SETTLED_AFTER) settledBytes = peakBytes;
  }
  return { reach, iterations, peakBytes, settledBytes, failure: null };
}
