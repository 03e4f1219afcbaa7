import type { AnalysisSummary, InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis, type CaptureAnalysisState } from '../analysis/capture-analysis.js';
import type { RowSink } from '../analysis/frame-walk.js';
import { profileTap } from '../analysis/tap-profile.js';
import { CaptureOpenError } from '../capture/capture-open-error.js';
import { type CaptureSource, openCapture } from '../capture/capture-source.js';
import { MigrationObserver } from '../migration/migration-observer.js';
import type { AnalyzeProgress, AnalyzeRequest } from './analyze-request.js';
import { planFile } from './file-plan.js';
import { followMigrations } from './follow-migrations.js';
import { RangePool } from './range-pool.js';
import type { WorkerThreads } from './worker-threads.js';

/** What one input gave. */
interface FileResult {
  input: Omit<InputSummary, 'path'>;
  analysis: CaptureAnalysisState | null;
  /** The source, if it was read in ranges: nobody has seen its packets in order. */
  unordered: CaptureSource | null;
}

/**
 * Does what `analyzeFiles` says.
 * @param threads for files that are worth dividing; null to do everything here
 */
export async function analyzeSources(
  request: AnalyzeRequest,
  threads: WorkerThreads | null,
): Promise<AnalysisSummary> {
  const sources = await openAll(request.paths);
  const meter = new ProgressMeter(sources, request.onProgress);
  const pool = threads === null ? null : new RangePool(request, threads, meter.add);
  const { migrationPorts = [] } = request;
  const migrations = new MigrationObserver({ ports: migrationPorts });
  const total = new CaptureAnalysis(request, profileTap(null), 0, migrations);
  const inputs: InputSummary[] = [];
  try {
    for (const [index, source] of sources.entries()) {
      const path = request.paths[index]!;
      const result =
        source instanceof CaptureOpenError
          ? unreadable(source)
          : await analyzeSource(source, index, request, pool, meter, migrations);
      inputs.push({ path, ...result.input });
      if (result.analysis === null) continue;
      // One that began in an earlier file goes on in this.
      const starts = total.migrationStarts + result.analysis.tallies.migrationStarts.count;
      if (result.unordered !== null && (starts > 0 || migrationPorts.length > 0)) {
        meter.expectAgain(result.unordered);
        await followMigrations(path, request, migrations, meter.addAgain);
      }
      total.merge(result.analysis, 0);
    }
  } finally {
    for (const source of sources) if (!(source instanceof CaptureOpenError)) source.close();
  }
  return total.finish(request, inputs, migrations);
}

async function openAll(paths: readonly string[]): Promise<(CaptureSource | CaptureOpenError)[]> {
  const sources: (CaptureSource | CaptureOpenError)[] = [];
  for (const path of paths) {
    try {
      sources.push(await openCapture(path));
    } catch (error) {
      if (!(error instanceof CaptureOpenError)) throw error;
      sources.push(error);
    }
  }
  return sources;
}

function unreadable(error: CaptureOpenError): FileResult {
  return {
    input: {
      format: null,
      compressed: false,
      linkTypes: [],
      frames: 0,
      reportedDrops: null,
      mtu: { bytes: 0, certainty: 'inferred' },
      error: { message: error.message, offset: 0 },
    },
    analysis: null,
    unordered: null,
  };
}

async function analyzeSource(
  source: CaptureSource,
  fileIndex: number,
  request: AnalyzeRequest,
  pool: RangePool | null,
  meter: ProgressMeter,
  migrations: RowSink,
): Promise<FileResult> {
  const plan = pool === null ? null : planFile(source, request.workers, request.chunkBytes);
  if (pool === null || plan === null) return analyzeHere(source, fileIndex, request, meter, migrations);
  const { outcome, analysis, mtu } = await pool.analyze(source.path, fileIndex, plan);
  return {
    input: {
      format: source.format,
      compressed: source.compressed,
      linkTypes: outcome.linkTypes,
      frames: outcome.frames,
      reportedDrops: outcome.reportedDrops,
      mtu,
      error: outcome.error,
    },
    analysis,
    unordered: source,
  };
}

/** From end to end in this thread: small files, gzip, pipes. */
async function analyzeHere(
  source: CaptureSource,
  fileIndex: number,
  request: AnalyzeRequest,
  meter: ProgressMeter,
  migrations: RowSink,
): Promise<FileResult> {
  let analysis: CaptureAnalysis | null = null;
  let profile = profileTap(null);
  let position = 0;
  for await (const block of source) {
    if (analysis === null) {
      profile = profileTap(block);
      analysis = new CaptureAnalysis(request, profile, fileIndex, migrations);
    }
    analysis.addBlock(block);
    meter.add(source.bytesRead - position, block.count);
    position = source.bytesRead;
  }
  return {
    input: {
      format: source.format,
      compressed: source.compressed,
      linkTypes: source.linkTypes,
      frames: source.framesRead,
      reportedDrops: source.reportedDrops,
      mtu: profile.mtu,
      error: source.error,
    },
    analysis: analysis?.state() ?? null,
    unordered: null,
  };
}

/** Adds up what all threads have done. */
class ProgressMeter {
  private readonly report: ((progress: AnalyzeProgress) => void) | undefined;
  private readonly progress: AnalyzeProgress;

  constructor(
    sources: readonly (CaptureSource | CaptureOpenError)[],
    report: ((progress: AnalyzeProgress) => void) | undefined,
  ) {
    this.report = report;
    let bytesTotal: number | null = 0;
    for (const source of sources) {
      if (source instanceof CaptureOpenError) continue;
      bytesTotal = bytesTotal === null || source.sizeBytes === null ? null : bytesTotal + source.sizeBytes;
    }
    this.progress = { bytesDone: 0, bytesTotal, frames: 0, stage: 'packets' };
  }

  readonly add = (bytes: number, frames: number): void => this.count('packets', bytes, frames);

  /** For frames that were added before. */
  readonly addAgain = (bytes: number): void => this.count('migrations', bytes, 0);

  /** Says that a source will be read once more. */
  expectAgain({ sizeBytes }: CaptureSource): void {
    if (this.progress.bytesTotal !== null) this.progress.bytesTotal += sizeBytes ?? 0;
  }

  private count(stage: AnalyzeProgress['stage'], bytes: number, frames: number): void {
    this.progress.stage = stage;
    this.progress.bytesDone += bytes;
    this.progress.frames += frames;
    this.report?.(this.progress);
  }
}
