import type { PacketBatch } from '../../packet/packet-batch.js';
import type { AnalysisSummary } from '../analysis-summary.js';
import type { IpsecKnowledge } from '../known-ipsec.js';
import type { Finding } from './finding.js';

/** What a detector may look at when it tells what it has found. */
export interface FindingContext {
  /** Of everything else that was found out; while a capture goes on, of flows and SAs those with most bytes only. */
  readonly summary: Pick<AnalysisSummary, 'flows' | 'securityAssociations' | 'migrations'>;
  readonly knowledge: IpsecKnowledge;
  /** Paths of the files, by index. */
  readonly paths: readonly string[];
}

/**
 * Looks for one kind of attack or mistake. Fed with the rows of a capture in their order. A capture may be read in pieces: then
 * each has a detector of its own, and `merge` must lead to what one detector of the whole would have. Memory is bounded whatever
 * the capture holds, nothing is allocated for an ordinary packet, malformed rows are data like any other.
 */
export interface Detector<State = unknown> {
  /** `PacketFlag` bits: blocks in which no row has one of these are not shown. 0: nothing is shown but the summary. */
  readonly flags: number;
  /** Plain data, for `structuredClone`. */
  readonly state: State;
  /**
   * Looks at rows `from` to `to`, whatever flags each has. Rows with a flag of `NOT_WIRE` (packet-class.ts) were made by the tap
   * and prove nothing. Nothing of the batch may be kept.
   */
  add(batch: PacketBatch, from: number, to: number): void;
  /**
   * Appends what was seen behind everything here.
   * @param framesBefore frames of the same file that came before, to be added to packet numbers
   */
  merge(later: State, framesBefore: number): void;
  /** What has been found so far. May be asked at any time and changes nothing. */
  findings(context: FindingContext): Finding[];
}

/** A kind of detector; `detectors.ts` lists all. */
export interface DetectorType {
  /** Of the findings it may have: each has a section in docs/FINDINGS.md. */
  readonly ids: readonly string[];
  /** Completes "looked for": `migrations in the clear`. */
  readonly looksFor: string;
  /** @param fileIndex of the file that its rows will come from */
  readonly create: (fileIndex: number) => Detector;
}

/** A detector to which the summary says everything. */
export function summaryDetector(
  ids: readonly string[],
  looksFor: string,
  findings: (context: FindingContext) => Finding[],
): DetectorType {
  const detector: Detector = { flags: 0, state: null, add() {}, merge() {}, findings };
  return { ids, looksFor, create: () => detector };
}
