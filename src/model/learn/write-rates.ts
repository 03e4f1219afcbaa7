/**
 * How often pages are written to, from how often a migration sent them again.
 *
 * Theory of operation: each iteration but the first is one trial for every page. Writes of rate r leave it dirty in an interval of
 * length d with probability 1 - exp(-r d), so it is expected to be sent again in sum(1 - exp(-r d_j)) of the iterations.
 * Pages that were sent again k times out of n get the rate for which that expectation is k (method of moments; for intervals
 * of equal length it is the maximum-likelihood estimate). Pages sent again every time have no greatest rate: they get the
 * lowest one that does not contradict what was seen, at which half a page of the group would have been missing once.
 */
import type { PageGroup } from '../../scenario/scenario.js';

/** As in `MigrationDirtying`. */
export interface ResendCounts {
  readonly intervals: readonly { readonly durationNs: number }[];
  readonly groups: readonly { readonly resends: number; readonly pages: number }[];
}

/** Expected misses at which a group that was always sent again is put. */
const EXPECTED_MISSES = 0.5;
const BISECTIONS = 100;

/**
 * @returns a group for each number of resends above 0, slowest first; pages never sent again are left out
 */
export function estimateWriteRates({ intervals, groups }: ResendCounts): PageGroup[] {
  const seconds = intervals.map(({ durationNs }) => durationNs / 1e9).filter((each) => each > 0);
  if (seconds.length === 0) return [];
  return groups
    .filter(({ resends, pages }) => resends > 0 && pages > 0)
    .map(({ resends, pages }) => {
      const wanted = Math.min(resends, seconds.length - EXPECTED_MISSES / pages);
      return { pages, writesPerSecond: rateFor(wanted, seconds) };
    })
    .sort((a, b) => a.writesPerSecond - b.writesPerSecond);
}

/** The rate at which a page is expected to be sent again so often; less than the number of intervals. */
function rateFor(resends: number, seconds: readonly number[]): number {
  let low = 0;
  let high = 1 / Math.min(...seconds);
  while (expectedResends(high, seconds) < resends) high *= 2;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (expectedResends(middle, seconds) < resends) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function expectedResends(rate: number, seconds: readonly number[]): number {
  return seconds.reduce((sum, duration) => sum - Math.expm1(-rate * duration), 0);
}
