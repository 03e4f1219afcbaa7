import { workerData } from 'node:worker_threads';
import { calculateBatch, type SweepBatch } from './sweep-batch.js';
import { SweepPlan, type SweepRequest } from './sweep-plan.js';

/** Points from `from` up to and without `to`. */
export interface SweepTask {
  readonly from: number;
  readonly to: number;
}

let plan: SweepPlan | undefined;

/** Entry point of the worker pool. */
export default function runTask({ from, to }: SweepTask): SweepBatch {
  plan ??= new SweepPlan(workerData as SweepRequest);
  return calculateBatch(plan, from, to);
}
