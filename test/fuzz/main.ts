// npm run fuzz -- [--seconds 60] [--seed 1] [--iteration N]
//
// Mutates bundled captures and analyses what comes out. Fails on an exception, on a summary that contradicts itself, on an
// input that takes longer than it may, on memory that grows, and if AH, ESP, reassembly or pcapng options were not reached:
// a fuzzer that never gets there finds nothing. --iteration repeats one input alone.

import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { FuzzReach } from './fuzz-iteration.js';
import type { FuzzReport, FuzzTask } from './fuzz-worker.js';

/** Inputs are smaller than 100 kB and take milliseconds. */
const HANG_SECONDS = 20;
const MAX_GROWTH_BYTES = 512 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    iteration: { type: 'string' },
  },
});
const seed = Number(values.seed);
const isSingle = values.iteration !== undefined;
const task: FuzzTask = {
  seed,
  firstIteration: Number(values.iteration ?? 0),
  seconds: Number(values.seconds),
  maxIterations: isSingle ? 1 : Number.POSITIVE_INFINITY,
  progress: new SharedArrayBuffer(4),
};
if (![seed, task.firstIteration, task.seconds].every((value) => Number.isFinite(value) && value >= 0)) {
  console.error('--seconds, --seed and --iteration take numbers');
  process.exit(2);
}
process.exit(report(await runWatched(task)));

/** Runs in a thread, because a loop that does not end leaves this one able to say so. */
function runWatched(task: FuzzTask): Promise<FuzzReport> {
  const worker = new Worker(new URL('fuzz-worker.js', import.meta.url), { workerData: task });
  const progress = new Int32Array(task.progress);
  let seen = -1;
  let still = 0;
  return new Promise((resolve, reject) => {
    const watchdog = setInterval(() => {
      const now = Atomics.load(progress, 0);
      still = now === seen ? still + 1 : 0;
      seen = now;
      if (still < HANG_SECONDS) return;
      const failure = { iteration: now, text: `no end after ${HANG_SECONDS} s` };
      void worker.terminate();
      settle(() =>
        resolve({ reach: new FuzzReach(), iterations: 0, peakBytes: 0, settledBytes: 0, failure }),
      );
    }, 1000);
    const settle = (finish: () => void): void => {
      clearInterval(watchdog);
      finish();
    };
    worker.on('message', (message: FuzzReport) => settle(() => resolve(message)));
    worker.on('error', (error) => settle(() => reject(error)));
  });
}

/** @returns exit code */
function report({ reach, iterations, peakBytes, settledBytes, failure }: FuzzReport): number {
  if (failure !== null) {
    console.error(
      `${failure.text}\nRepeat with: npm run fuzz -- --seed ${seed} --iteration ${failure.iteration}`,
    );
    return 1;
  }
  console.log(`${iterations} inputs, peak memory ${(peakBytes / 1e6).toFixed(0)} MB`);
  for (const [name, count] of Object.entries(reach)) console.log(`  ${name}: ${count}`);
  if (isSingle) return 0;
  // The reach was counted in the thread and came here as plain data.
  const missing = Object.assign(new FuzzReach(), reach).missing();
  if (missing.length > 0) {
    console.error(`Never reached: ${missing.join(', ')}. Fuzz longer, or mend the seeds.`);
    return 1;
  }
  if (peakBytes - settledBytes > MAX_GROWTH_BYTES) {
    console.error(`Memory grew from ${settledBytes} to ${peakBytes} bytes`);
    return 1;
  }
  return 0;
}
