import type { RunResult } from '../../result/run-result.js';
import type { RunVariant } from '../../result/run-variant.js';
import type { SweepReport } from './sweep-report.js';

/** What a report of `tare predict` is made of. */
export interface RunReport {
  readonly run: RunResult;
  /** The same migration without IPsec; null if `run` has none. */
  readonly clear: RunResult | null;
  /** What `variants` are held against: `run`, or the same by the analytic model if `run` was simulated. */
  readonly base: RunResult;
  /** What else could be set, best first. */
  readonly variants: readonly RunVariant[];
  /** The same migration over MTUs and protections; null if no charts are drawn. */
  readonly overMtu: SweepReport | null;
  /** The same over MTUs and rates of writing, as protected as `run`; null also for guests that do not write at one rate. */
  readonly overRate: SweepReport | null;
}
