import { CaptureAnalysis, type CaptureAnalysisState } from '../analysis/capture-analysis.js';
import { exportIpsecKnowledge, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import type { LinkMtu } from '../analysis/link-mtu.js';
import { continuationOf, rangeFollows } from '../capture/capture-chunks.js';
import { joinDropTallies, totalDrops } from '../capture/drop-tally.js';
import { linkTypeName } from '../capture/link-type-name.js';
import type { RangeOutcome, ReadFileOptions } from '../capture/read-file-blocks.js';
import type { CaptureError } from '../capture/record-parser.js';
import {
  type CountProgress,
  profileFile,
  type RangeRequest,
  type RangeResult,
  WARMUP_BYTES,
} from './analyze-range.js';
import type { FilePlan } from './file-plan.js';
import type { WorkerThreads } from './worker-threads.js';

const PROGRESS_INTERVAL_MS = 200;

export interface FileOutcome {
  frames: number;
  linkTypes: string[];
  reportedDrops: number | null;
  error: CaptureError | null;
}

/**
 * Analyses files in ranges, on worker threads. Results are joined in the file's order while later ranges are still being worked on; at most a few wait, so that memory stays flat.
 */
export class RangePool {
  private readonly knowledge: IpsecKnowledge;
  private readonly threads: WorkerThreads;
  private readonly report: CountProgress;
  private readonly progress = new SharedArrayBuffer(16);
  private readonly reported = { bytes: 0, frames: 0 };

  constructor(knowledge: IpsecKnowledge, threads: WorkerThreads, report: CountProgress) {
    this.knowledge = knowledge;
    this.threads = threads;
    this.report = report;
  }

  /**
   * Analyses a file in ranges.
   * @param onMigration called when something looks like the beginning of a live migration, perhaps more than once
   */
  async analyze(
    path: string,
    fileIndex: number,
    plan: FilePlan,
    onMigration: () => void,
  ): Promise<{ outcome: FileOutcome; analysis: CaptureAnalysisState; mtu: LinkMtu }> {
    const profile = profileFile(path);
    const timer = setInterval(() => this.reportProgress(), PROGRESS_INTERVAL_MS);
    try {
      const run = (read: ReadFileOptions) => this.run({ path, read, profile, fileIndex });
      const total = new CaptureAnalysis(this.knowledge, profile, fileIndex);
      const outcome = await this.joinRanges(plan, run, total, onMigration);
      return { outcome, analysis: total.state(), mtu: profile.mtu };
    } finally {
      clearInterval(timer);
      this.reportProgress();
    }
  }

  private async joinRanges(
    plan: FilePlan,
    run: (read: ReadFileOptions) => Promise<RangeResult>,
    total: CaptureAnalysis,
    onMigration: () => void,
  ): Promise<FileOutcome> {
    const started: Promise<RangeResult>[] = [];
    const start = (index: number): void => {
      const range = plan.ranges[index];
      if (range === undefined) return;
      const task = run({ ...range, assumedState: plan.state, warmupBytes: WARMUP_BYTES });
      // An error must not go unhandled while ranges before this one are still awaited.
      task.catch(() => {});
      started[index] = task;
    };
    const ahead = this.threads.options.maxThreads + 2;
    for (let index = 0; index < ahead; index++) start(index);
    let before: RangeOutcome | null = null;
    let frames = 0;
    // Packet numbers run ahead of frames where a file holds blocks that Wireshark numbers too.
    let lastFrameNumber = 0;
    for (let index = 0; index < plan.ranges.length; index++) {
      let result = await started[index]!;
      delete started[index];
      start(index + ahead);
      if (before !== null && !rangeFollows(before, result.outcome)) {
        const knownStart = continuationOf(before);
        if (knownStart === null) break;
        const { endOffset } = plan.ranges[index]!;
        // A record longer than a whole range leaves nothing to read in it.
        if (knownStart.offset >= endOffset) continue;
        result = await run({ knownStart, startOffset: knownStart.offset, endOffset });
      }
      total.merge(result.analysis, lastFrameNumber);
      if (total.migrationStarts > 0) onMigration();
      frames += result.outcome.frames;
      lastFrameNumber += result.outcome.lastFrameNumber;
      before = before === null ? result.outcome : joinOutcomes(before, result.outcome);
      if (before.error !== null) break;
    }
    return describeOutcome(before!, frames);
  }

  private run(range: RangeRequest): Promise<RangeResult> {
    const knowledge = exportIpsecKnowledge(this.knowledge);
    return this.threads.run({ range, knowledge, progress: this.progress });
  }

  private reportProgress(): void {
    const counters = new BigInt64Array(this.progress);
    const bytes = Number(Atomics.load(counters, 0));
    const frames = Number(Atomics.load(counters, 1));
    this.report(bytes - this.reported.bytes, frames - this.reported.frames);
    this.reported.bytes = bytes;
    this.reported.frames = frames;
  }
}

function joinOutcomes(before: RangeOutcome, after: RangeOutcome): RangeOutcome {
  return {
    ...after,
    drops: joinDropTallies(before.drops, after.drops),
    linkTypes: [...new Set([...before.linkTypes, ...after.linkTypes])],
  };
}

function describeOutcome(outcome: RangeOutcome, frames: number): FileOutcome {
  return {
    frames,
    linkTypes: outcome.linkTypes.map(linkTypeName),
    reportedDrops: totalDrops(outcome.drops),
    error: outcome.error,
  };
}
