import type { AnalysisSummary, ProtectionClass } from '../../analysis/analysis-summary.js';

/** Wire bytes in equal intervals of time, by protection. */
export interface ThroughputSeries {
  /** Start of the first interval: nanoseconds since 1970, decimal. */
  readonly startNs: string;
  readonly intervalNs: number;
  /** As many numbers each as there are intervals. */
  readonly byClass: Readonly<Record<ProtectionClass, readonly number[]>>;
}

/** A summary with what only charts need. */
export type ChartedAnalysis = AnalysisSummary & { readonly timeline?: ThroughputSeries | null };
