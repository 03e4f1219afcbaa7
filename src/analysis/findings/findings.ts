import type { PacketBatch } from '../../packet/packet-batch.js';
import type { Detector, FindingContext } from './detector.js';
import { DETECTORS } from './detectors.js';
import { type Finding, SEVERITIES } from './finding.js';

/** Plain data: the states of all detectors, in the order of `DETECTORS`. */
export type FindingsState = unknown[];

/** All detectors over the same rows. */
export class Findings {
  private readonly detectors: readonly Detector[];

  /** @param fileIndex of the file that the rows come from */
  constructor(fileIndex: number) {
    this.detectors = DETECTORS.map(({ create }) => create(fileIndex));
  }

  /** Shows rows `from` to `to` of the batch to the detectors that may find something in them. */
  add(batch: PacketBatch, from: number, to: number): void {
    const { flags } = batch;
    let seen = 0;
    for (let row = from; row < to; row++) seen |= flags[row]!;
    for (const detector of this.detectors) {
      if ((seen & detector.flags) !== 0) detector.add(batch, from, to);
    }
  }

  /** Hands over everything; nothing may be added afterwards. */
  get state(): FindingsState {
    return this.detectors.map(({ state }) => state);
  }

  /** @param framesBefore frames of the same file that came before */
  merge(later: FindingsState, framesBefore: number): void {
    for (const [i, detector] of this.detectors.entries()) detector.merge(later[i], framesBefore);
  }

  /** What has been found so far: the worst first, then in the order of time. Changes nothing. */
  list(context: FindingContext): Finding[] {
    return this.detectors
      .flatMap((detector) => detector.findings(context))
      .toSorted((a, b) => rank(b) - rank(a) || compareTimes(a, b));
  }
}

function rank({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}

/** Findings without a time come last. */
function compareTimes(a: Finding, b: Finding): number {
  const first = a.evidence.firstTimeNs;
  const second = b.evidence.firstTimeNs;
  if (first === null || second === null) return Number(first === null) - Number(second === null);
  const difference = BigInt(first) - BigInt(second);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}
