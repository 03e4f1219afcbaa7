import type { AnalysisSummary, InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis } from '../analysis/capture-analysis.js';
import type { Finding } from '../analysis/findings/finding.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { summarizeMigration } from '../analysis/summarize-migration.js';
import { MigrationObserver } from '../migration/migration-observer.js';
import type { MigrationProgress } from '../migration/migration-progress.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { AssociationList } from './association-list.js';
import { FindingWatch } from './finding-watch.js';
import type { LiveDrops, LiveFrames, LiveSnapshot } from './live-snapshot.js';
import { MigrationList } from './migration-list.js';
import { SuiteMemory } from './suite-memory.js';
import { TapSampler } from './tap-sampler.js';
import { TrafficMeter } from './traffic-meter.js';

/*
 * Theory of operation. Frames go through the analysis that files go through; a snapshot reads its tables (traffic-meter.ts,
 * association-list.ts, migration-list.ts) and leaves them as they are, so that the report at the end is that of
 * `tare analyze`.
 *
 * A capture may go on for days. What it takes is bounded: flows, SAs and their evidence by the tables' greatest sizes,
 * intervals of sequence numbers by a common budget, the timeline by its 1024 intervals, which become longer; migrations are
 * forgotten but for their records when nothing came of them for a while. What finds no place any more is counted together.
 */

/** Flows that detectors are told of while the capture goes on. */
const MAX_SEARCHED_FLOWS = 2000;

export interface LiveMonitorOptions extends IpsecKnowledge {
  /** What is captured, as reports call it: the interface's name. */
  readonly path: string;
  /** By the clock of the capture, nanoseconds since 1970. */
  readonly startNs: bigint;
  /** MTU of the interface; null where it is not known: it is then told from the packets. */
  readonly mtuBytes: number | null;
  /** Destination ports of live migrations that had begun before the capture did. */
  readonly migrationPorts?: readonly number[];
  /** Milliseconds, of a clock that does not go back; for what may only take a share of the time. */
  readonly clockMs?: () => number;
}

/** What the capture itself knows of its end. */
export type LiveInput = Pick<
  InputSummary,
  'format' | 'linkTypes' | 'reportedDrops' | 'notAnalysed' | 'error'
>;

/** Analyses frames as they come, and tells at any time how things stand. */
export class LiveMonitor {
  private readonly options: LiveMonitorOptions;
  private readonly tap: TapSampler;
  private readonly observer: MigrationObserver;
  private readonly analysis: CaptureAnalysis;
  private readonly traffic: TrafficMeter;
  private readonly associations: AssociationList;
  private readonly migrations: MigrationList;
  private readonly suites: SuiteMemory;
  private readonly findings: FindingWatch;
  private progress: MigrationProgress[] = [];
  private lastNs: bigint;

  constructor(options: LiveMonitorOptions) {
    this.options = options;
    this.lastNs = options.startNs;
    this.tap = new TapSampler(options.mtuBytes);
    this.observer = new MigrationObserver({ ports: options.migrationPorts ?? [] });
    this.analysis = new CaptureAnalysis(options, this.tap.profile, 0, this.observer);
    this.suites = new SuiteMemory(options);
    this.traffic = new TrafficMeter(this.suites);
    this.associations = new AssociationList(this.suites);
    this.migrations = new MigrationList();
    this.findings = new FindingWatch(
      () => this.lookForFindings(),
      options.clockMs ?? (() => performance.now()),
    );
  }

  /** Takes all frames of a block, which is the caller's again afterwards. ESP that can be opened is decrypted in place. */
  add(block: FrameBlock): void {
    if (this.tap.add(block)) this.analysis.learnTap(this.tap.profile);
    this.analysis.addBlock(block);
  }

  /**
   * How things stand. Rates follow from the snapshot before.
   * @param nowNs by the clock of the capture, nanoseconds since 1970; not before that of the last snapshot
   * @param drops since the start
   * @param notAnalysed frames since the start that were kept from the analysis
   */
  snapshot(nowNs: bigint, drops: LiveDrops, notAnalysed = 0): LiveSnapshot {
    const { tallies, frames } = this.analysis.soFar;
    const intervalNs = Math.max(0, Number(nowNs - this.lastNs));
    this.lastNs = nowNs;
    this.suites.startSnapshot();
    this.observer.retire(nowNs);
    this.progress = this.observer.progress();
    return {
      schema: 'tare.live/1',
      timeNs: String(nowNs),
      startNs: String(this.options.startNs),
      intervalNs,
      frames: framesOf(frames),
      ...this.traffic.read(tallies),
      securityAssociations: this.associations.read(tallies.associations),
      migrations: this.migrations.read(this.progress, nowNs, intervalNs / 1e9),
      findings: this.findings.read(),
      drops: { ...drops },
      notAnalysed,
    };
  }

  /** Ends the analysis: what `tare analyze` says of a file with the same frames. Nothing may be added afterwards. */
  finish(input: LiveInput): AnalysisSummary {
    const { path } = this.options;
    const { mtu } = this.tap.profile;
    const frames = this.analysis.soFar.frames.total;
    const inputs = [{ path, ...input, compressed: false, frames, mtu }];
    return this.analysis.finish(this.options, inputs, this.observer);
  }

  private lookForFindings(): Finding[] {
    const records = [...this.observer.retired, ...this.progress.map(({ record }) => record)];
    const summary = {
      flows: this.analysis.busiestFlows(MAX_SEARCHED_FLOWS),
      securityAssociations: this.associations.summaries,
      migrations: records.map(summarizeMigration),
    };
    const { path } = this.options;
    return this.analysis.findingsSoFar({ summary, knowledge: this.options, paths: [path] });
  }
}

function framesOf({
  total,
  malformed,
  decapsulatedCopies,
  superFrames,
  cutBySnaplen,
}: LiveFrames): LiveFrames {
  return { total, malformed, decapsulatedCopies, superFrames, cutBySnaplen };
}
