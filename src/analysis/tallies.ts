import type { PacketBatch } from '../packet/packet-batch.js';
import type { ReassemblyCounts } from '../packet/reassembler.js';
import type { AnalysisSummary, FlowSummary } from './analysis-summary.js';
import { Errors } from './errors.js';
import type { FindingContext } from './findings/detector.js';
import type { Finding } from './findings/finding.js';
import { Findings } from './findings/findings.js';
import { Flows } from './flows.js';
import { Fragmentation } from './fragmentation.js';
import type { IpsecKnowledge } from './known-ipsec.js';
import { MigrationStarts } from './migration-starts.js';
import { Overhead } from './overhead.js';
import { SecurityAssociations } from './security-associations.js';
import { Timeline } from './timeline.js';

/** What the tallies say; the rest of an `AnalysisSummary` is told by others. */
export type TalliesSummary = Omit<
  AnalysisSummary,
  'schema' | 'inputs' | 'frames' | 'migrations' | 'findings'
>;

/** Plain data. */
export type TalliesState = ReturnType<Tallies['state']>;

/** All analyses that count rows. Fed with the same rows in the same order. */
export class Tallies {
  private readonly flows = new Flows();
  private readonly overhead = new Overhead();
  private readonly associations = new SecurityAssociations();
  private readonly fragmentation = new Fragmentation();
  private readonly timeline = new Timeline();
  private readonly errors = new Errors();
  private readonly starts = new MigrationStarts();
  private readonly detected: Findings;

  /** @param fileIndex of the file that the rows come from */
  constructor(fileIndex: number) {
    this.errors.fileIndex = fileIndex;
    this.detected = new Findings(fileIndex);
  }

  /** Counts rows `from` to `to` of the batch. */
  add(batch: PacketBatch, from: number, to: number): void {
    this.flows.add(batch, from, to);
    this.overhead.add(batch, from, to);
    this.associations.add(batch, from, to);
    this.fragmentation.add(batch, from, to);
    this.timeline.add(batch, from, to);
    this.errors.add(batch, from, to);
    this.starts.add(batch, from, to);
    this.detected.add(batch, from, to);
  }

  /** TCP segments that look like the beginning of a live migration. */
  get migrationStarts(): number {
    return this.starts.state.count;
  }

  /** Hands over everything; nothing may be added afterwards. */
  state() {
    return {
      flows: this.flows.state,
      overhead: this.overhead.state,
      associations: this.associations.state,
      fragmentation: this.fragmentation.state,
      timeline: this.timeline.state,
      errors: this.errors.state,
      migrationStarts: this.starts.state,
      detected: this.detected.state,
    };
  }

  /**
   * Appends what was counted behind everything here.
   * @param framesBefore frames of the same file that came before, to be added to packet numbers
   */
  merge(later: TalliesState, framesBefore: number): void {
    this.flows.merge(later.flows);
    this.overhead.merge(later.overhead);
    this.associations.merge(later.associations);
    this.fragmentation.merge(later.fragmentation);
    this.timeline.merge(later.timeline);
    this.errors.merge(later.errors, framesBefore);
    this.starts.merge(later.migrationStarts);
    this.detected.merge(later.detected, framesBefore);
  }

  /** @param paths of the files, by index */
  summary(knowledge: IpsecKnowledge, reassembly: ReassemblyCounts, paths: readonly string[]): TalliesSummary {
    const closedEsp = this.associations.closedEsp(knowledge);
    const overhead = this.overhead.summary({ flows: this.flows.state, closedEsp });
    return {
      wire: overhead.wire,
      bytes: overhead.bytes,
      protection: overhead.protection,
      securityAssociations: this.associations.summary(knowledge),
      fragmentation: this.fragmentation.summary(reassembly),
      ...this.flows.summary(),
      directions: overhead.directions,
      packetSizes: overhead.packetSizes,
      timeline: this.timeline.summary(),
      errors: this.errors.summary(paths),
    };
  }

  /** The flows with most bytes, at most `most`. */
  busiestFlows(most: number): FlowSummary[] {
    return this.flows.busiest(most);
  }

  /** What the detectors have found so far. Changes nothing. */
  findings(context: FindingContext): Finding[] {
    return this.detected.list(context);
  }
}
