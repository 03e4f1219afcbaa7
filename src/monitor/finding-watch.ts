import type { Finding } from '../analysis/findings/finding.js';

/** Looking for findings takes no more than this share of the time. */
const MAX_SHARE = 0.02;
/** Findings in a snapshot. */
export const MAX_FINDINGS = 64;

/**
 * Looks for findings as often as that costs next to nothing: detectors look at the whole summary, which takes the longer
 * the more flows there are.
 */
export class FindingWatch {
  private readonly look: () => Finding[];
  private readonly clockMs: () => number;
  private found: Finding[] = [];
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  /**
   * @param look finds what there is up to now
   * @param clockMs milliseconds, of a clock that does not go back
   */
  constructor(look: () => Finding[], clockMs: () => number) {
    this.look = look;
    this.clockMs = clockMs;
  }

  /** What is found by now, or was when it was last looked for. */
  read(): Finding[] {
    const startMs = this.clockMs();
    if (startMs < this.notBeforeMs) return this.found;
    this.found = this.look().slice(0, MAX_FINDINGS);
    const endMs = this.clockMs();
    this.notBeforeMs = endMs + (endMs - startMs) * (1 / MAX_SHARE - 1);
    return this.found;
  }
}
