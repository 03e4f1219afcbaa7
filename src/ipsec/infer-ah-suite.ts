import { AH_FIXED_BYTES, ahBytes } from './encapsulation-size.js';
import { ahSuiteWeight, groupBy } from './infer-size-class.js';
import { AH_SUITES } from './suite-table.js';

/** A guess at the algorithm of an AH. Its size is measured, from its length field; the algorithm never is. */
export interface AhCandidate {
  readonly certainty: 'inferred';
  /** ICV without padding. */
  readonly icvBytes: number;
  /** Padding behind the ICV (RFC 4302 section 2.6). */
  readonly paddingBytes: number;
  /** AH is padded to this many bytes: 8, or 4 on IPv4 as RFC 4302 has it and Linux with `flag align4`. */
  readonly alignBytes: 4 | 8;
  /** Algorithms with this ICV, common ones first. */
  readonly names: readonly string[];
  /** Over 0 and under 1. */
  readonly likelihood: number;
}

/** Belief kept back for algorithms that are not in the table. */
const UNKNOWN_SHARE = 0.01;

/**
 * Algorithms that an AH of this size can belong to.
 * @param totalBytes of the AH: (payload length field + 2) * 4 (RFC 4302 section 2.2)
 * @returns best first; empty if no known algorithm makes an AH of that size
 */
export function ahSuiteCandidates(totalBytes: number, family: 4 | 6): AhCandidate[] {
  const suites = AH_SUITES.map((suite) => ({
    suite,
    alignBytes: alignmentThatFits(suite, totalBytes, family),
  }));
  const fitting = suites.filter((row) => row.alignBytes !== null);
  const totalWeight = fitting.reduce((sum, { suite }) => sum + ahSuiteWeight(suite), 0);
  return [...groupBy(fitting, ({ suite }) => suite.icvBytes)]
    .map(([icvBytes, rows]): AhCandidate => {
      const sorted = rows.toSorted((a, b) => ahSuiteWeight(b.suite) - ahSuiteWeight(a.suite));
      const weight = rows.reduce((sum, { suite }) => sum + ahSuiteWeight(suite), 0);
      return {
        certainty: 'inferred',
        icvBytes,
        paddingBytes: totalBytes - AH_FIXED_BYTES - icvBytes,
        alignBytes: sorted[0]!.alignBytes!,
        names: sorted.map(({ suite }) => suite.name),
        likelihood: ((1 - UNKNOWN_SHARE) * weight) / totalWeight,
      };
    })
    .sort((a, b) => b.likelihood - a.likelihood);
}

function alignmentThatFits(
  suite: (typeof AH_SUITES)[number],
  totalBytes: number,
  family: 4 | 6,
): 4 | 8 | null {
  if (ahBytes(suite, family) === totalBytes) return 8;
  return family === 4 && ahBytes(suite, 4, true) === totalBytes ? 4 : null;
}
