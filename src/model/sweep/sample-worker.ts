import type { RunResult } from '../../result/run-result.js';
import type { Scenario } from '../../scenario/scenario.js';
import { ModelError } from '../model-error.js';
import { type Level, predictSample } from '../predict.js';
import { type SampleFigures, sampleFigures } from '../sample-intervals.js';

/** Samples from `from` up to and without `to`. */
export interface SampleTask {
  readonly scenario: Scenario;
  readonly level: Level;
  readonly from: number;
  readonly to: number;
}

export interface SampleBatch {
  readonly figures: readonly SampleFigures[];
  /** Sample 0, if it is among them. */
  readonly run: RunResult | null;
  /** Why there can be none: errors lose their class on the way between threads. */
  readonly refusal: string | null;
}

/** Entry point of the worker pool. */
export default function runTask(task: SampleTask): SampleBatch {
  try {
    return calculate(task);
  } catch (error) {
    if (error instanceof ModelError) return { figures: [], run: null, refusal: error.message };
    throw error;
  }
}

function calculate({ scenario, level, from, to }: SampleTask): SampleBatch {
  const figures: SampleFigures[] = [];
  let run: RunResult | null = null;
  for (let index = from; index < to; index++) {
    const sample = predictSample(scenario, level, index);
    if (index === 0) run = sample;
    figures.push(sampleFigures(sample));
  }
  return { figures, run, refusal: null };
}
