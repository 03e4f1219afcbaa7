import { Piscina } from 'piscina';
import type { RunResult } from '../../result/run-result.js';
import type { Scenario } from '../../scenario/scenario.js';
import { ModelError } from '../model-error.js';
import type { PredictOptions } from '../predict.js';
import { sampleIntervals } from '../sample-intervals.js';
import type { SampleBatch, SampleTask } from './sample-worker.js';

export interface ThreadOptions {
  readonly workers: number;
  /** Called with the number of samples that are done. */
  readonly onProgress: (samples: number) => void;
}

/** Samples in the hands of a thread at once: errors of the model come back after the first. */
const MAX_BATCH = 50;

/**
 * `predict` on worker threads: the same result, and this thread stays free for signals while packets are simulated.
 * @throws ModelError for what cannot be calculated
 */
export async function predictOnThreads(
  scenario: Scenario,
  { level, samples }: PredictOptions,
  { workers, onProgress }: ThreadOptions,
): Promise<RunResult> {
  const threads = Math.min(workers, samples);
  const pool = new Piscina<SampleTask, SampleBatch>({
    filename: new URL('./sample-worker.js', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  try {
    let done = 0;
    const run = async (from: number, to: number): Promise<SampleBatch> => {
      const batch = await pool.run({ scenario, level, from, to });
      if (batch.refusal !== null) throw new ModelError(batch.refusal);
      done += to - from;
      onProgress(done);
      return batch;
    };
    const size = Math.max(1, Math.min(MAX_BATCH, Math.floor((samples - 1) / (4 * threads))));
    const tasks = [run(0, 1)];
    for (let from = 1; from < samples; from += size) tasks.push(run(from, Math.min(samples, from + size)));
    const batches = await Promise.all(tasks);
    const nominal = batches[0]!.run!;
    if (samples === 1) return nominal;
    return { ...nominal, intervals: sampleIntervals(batches.flatMap(({ figures }) => figures)) };
  } finally {
    await pool.destroy();
  }
}
