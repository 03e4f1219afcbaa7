import type { Interval, Intervals, RunResult } from '../result/run-result.js';

/** What is kept of a sample. */
export interface SampleFigures {
  readonly converged: boolean;
  readonly totalTimeMs: number;
  readonly downtimeMs: number | null;
  readonly wirePackets: number;
}

export function sampleFigures({ converged, totalTimeMs, downtimeMs, wire }: RunResult): SampleFigures {
  return { converged, totalTimeMs, downtimeMs, wirePackets: wire.packets };
}

/** A sample that does not converge counts with its time limit; it has no downtime. */
export function sampleIntervals(samples: readonly SampleFigures[]): Intervals {
  const downtimes = samples.map(({ downtimeMs }) => downtimeMs).filter((value) => value !== null);
  return {
    samples: samples.length,
    converged: samples.filter(({ converged }) => converged).length / samples.length,
    totalTimeMs: intervalOf(samples.map(({ totalTimeMs }) => totalTimeMs)),
    downtimeMs: downtimes.length === 0 ? null : intervalOf(downtimes),
    wirePackets: intervalOf(samples.map(({ wirePackets }) => wirePackets)),
  };
}

/** The middle 90 %. @param values at least one */
function intervalOf(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.05), median: quantile(sorted, 0.5), high: quantile(sorted, 0.95) };
}

/** Linear between the two nearest samples (type 7 of Hyndman and Fan, The American Statistician 50, 1996). */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}
