import { type ExportedIpsecKnowledge, importIpsecKnowledge } from '../analysis/known-ipsec.js';
import { analyzeRange, type RangeRequest, type RangeResult } from './analyze-range.js';

/** One piece of work for a worker thread. */
export interface WorkerTask {
  range: RangeRequest;
  knowledge: ExportedIpsecKnowledge;
  /** Two BigInt64 that the main thread watches: bytes and frames done. */
  progress: SharedArrayBuffer;
}

/** Entry point of the worker pool. */
export default function runTask(task: WorkerTask): RangeResult {
  const counters = new BigInt64Array(task.progress);
  return analyzeRange(task.range, importIpsecKnowledge(task.knowledge), (bytes, frames) => {
    Atomics.add(counters, 0, BigInt(bytes));
    Atomics.add(counters, 1, BigInt(frames));
  });
}
