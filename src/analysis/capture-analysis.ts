import { KeyedOpener } from '../ipsec/open/keyed-opener.js';
import type { MigrationRecord } from '../migration/migration-record.js';
import type { FrameBlock } from '../packet/frame-block.js';
import type { AnalysisSummary, FlowSummary, InputSummary } from './analysis-summary.js';
import type { FindingContext } from './findings/detector.js';
import type { Finding } from './findings/finding.js';
import { FrameWalk, type RowSink } from './frame-walk.js';
import { createSaTable, type IpsecKnowledge } from './known-ipsec.js';
import { summarizeMigration } from './summarize-migration.js';
import { Tallies, type TalliesState } from './tallies.js';
import type { TapProfile } from './tap-profile.js';

/*
 * Theory of operation. Frames are walked (frame-walk.ts) and counted (tallies.ts).
 *
 * A capture may be analysed in pieces, by several threads: `state()` of a piece is plain data and `merge` appends it to
 * what came before. The result is that of one piece, because everything that reaches over a seam is handed on: the
 * tallies keep what they need to be joined (see there), datagrams that wait for fragments travel in the state, and a
 * piece is shown the frames before it (`warmUp`) so that decapsulated copies find the packet they came in.
 */

/** What one piece of a capture gave, as plain data. */
export type CaptureAnalysisState = ReturnType<CaptureAnalysis['state']>;

/** Analyses frames. */
export class CaptureAnalysis {
  private readonly tallies: Tallies;
  private readonly walk: FrameWalk;

  /**
   * @param knowledge SAs and suites that are known
   * @param profile of the link that was tapped
   * @param fileIndex of the file that the frames come from
   * @param observers are shown the rows too, behind the tallies; rows that pieces counted on their own they do not see
   */
  constructor(
    knowledge: IpsecKnowledge,
    profile: TapProfile,
    fileIndex: number,
    ...observers: readonly RowSink[]
  ) {
    const table = createSaTable(knowledge);
    const opener = table.size === 0 ? null : new KeyedOpener(table);
    this.tallies = new Tallies(fileIndex);
    const sink = observers.length === 0 ? this.tallies : inTurn([this.tallies, ...observers]);
    this.walk = new FrameWalk(opener, profile, sink);
  }

  /** TCP segments that look like the beginning of a live migration. */
  get migrationStarts(): number {
    return this.tallies.migrationStarts;
  }

  /** What is counted up to now, to be read at once and left as it is: it is what the analysis goes on with. */
  get soFar(): { readonly tallies: TalliesState; readonly frames: FrameWalk['frames'] } {
    return { tallies: this.tallies.state(), frames: this.walk.frames };
  }

  /** Takes all frames of a block. ESP that can be opened is decrypted in place. */
  addBlock(block: FrameBlock): void {
    this.walk.addBlock(block);
  }

  /** What is known of the tapped link from now on, where that is more than it was. */
  learnTap(profile: TapProfile): void {
    this.walk.learnTap(profile);
  }

  /** Shows frames that another piece counts, for what they tell about the frames behind them. */
  warmUp(block: FrameBlock): void {
    this.walk.warmUp(block);
  }

  /** Hands over everything; nothing may be added afterwards. */
  state() {
    return { tallies: this.tallies.state(), ...this.walk.state() };
  }

  /**
   * Appends what was found behind everything seen here so far.
   * @param framesBefore frames of the same file that came before
   */
  merge(later: CaptureAnalysisState, framesBefore: number): void {
    this.walk.merge(later, framesBefore);
    this.tallies.merge(later.tallies, framesBefore);
  }

  /**
   * Ends the analysis: datagrams that are still incomplete stay so.
   * @param inputs the files, by index
   * @param migrations asked last of all; null if nobody followed them
   */
  finish(
    knowledge: IpsecKnowledge,
    inputs: InputSummary[],
    migrations: { finish(): MigrationRecord[] } | null = null,
  ): AnalysisSummary {
    this.walk.finish();
    const summary = this.summarize(knowledge, inputs, migrations?.finish() ?? []);
    const paths = inputs.map((input) => input.path);
    return { ...summary, findings: this.tallies.findings({ summary, knowledge, paths }) };
  }

  /** The flows with most bytes up to now, at most `most`. */
  busiestFlows(most: number): FlowSummary[] {
    return this.tallies.busiestFlows(most);
  }

  /** What has been found up to now; the analysis goes on. */
  findingsSoFar(context: FindingContext): Finding[] {
    return this.tallies.findings(context);
  }

  private summarize(
    knowledge: IpsecKnowledge,
    inputs: InputSummary[],
    migrations: readonly MigrationRecord[],
  ): Omit<AnalysisSummary, 'findings'> {
    const paths = inputs.map((input) => input.path);
    const { total, malformed, decapsulatedCopies, superFrames, superFrameBytes, cutBySnaplen } =
      this.walk.frames;
    const { errors, ...tallied } = this.tallies.summary(knowledge, this.walk.reassembly, paths);
    return {
      schema: 'tare.analysis/1',
      inputs,
      frames: { total, malformed, decapsulatedCopies, superFrames, superFrameBytes, cutBySnaplen },
      ...tallied,
      migrations: migrations.map(summarizeMigration),
      errors,
    };
  }
}

function inTurn(sinks: readonly RowSink[]): RowSink {
  return {
    add(batch, from, to) {
      for (const sink of sinks) sink.add(batch, from, to);
    },
  };
}
