import type { AnalysisSummary, InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis, type CaptureAnalysisState } from '../analysis/capture-analysis.js';
import { profileTap } from '../analysis/tap-profile.js';
import { CaptureOpenError } from '../capture/capture-open-error.js';
import { type CaptureSource, openCapture } from '../capture/capture-source.js';
import { MigrationObserver } from '../migration/migration-observer.js';
import type { AnalyzeRequest } from './analyze-request.js';
import { type FilePlan, planFile } from './file-plan.js';
import { followMigrations } from './follow-migrations.js';
import { ProgressMeter } from './progress-meter.js';
import { RangePool } from './range-pool.js';
import type { WorkerThreads } from './worker-threads.js';

/** What one input gave. */
interface FileResult {
  input: Omit<InputSummary, 'path'>;
  analysis: CaptureAnalysisState | null;
}

/** What all inputs are analysed with, one after the other. */
interface Workshop {
  readonly request: AnalyzeRequest;
  /** Null if everything is done in this thread. */
  readonly pool: RangePool | null;
  readonly meter: ProgressMeter;
  readonly migrations: MigrationObserver;
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
  const workshop: Workshop = { request, pool, meter, migrations };
  const total = new CaptureAnalysis(request, profileTap(null), 0, migrations);
  const inputs: InputSummary[] = [];
  try {
    for (const [index, source] of sources.entries()) {
      // A migration that began in an earlier file goes on in this.
      const mayGoOn = total.migrationStarts > 0 || migrationPorts.length > 0;
      const result =
        source instanceof CaptureOpenError
          ? unreadable(source)
          : await analyzeSource(source, index, mayGoOn, workshop);
      inputs.push({ path: request.paths[index]!, ...result.input });
      if (result.analysis !== null) total.merge(result.analysis, 0);
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
  };
}

/** @param mayGoOn whether a migration may be under way where the source begins */
function analyzeSource(
  source: CaptureSource,
  fileIndex: number,
  mayGoOn: boolean,
  workshop: Workshop,
): Promise<FileResult> {
  const { pool, request } = workshop;
  const plan = pool === null ? null : planFile(source, request.workers, request.chunkBytes);
  if (pool === null || plan === null) return analyzeHere(source, fileIndex, workshop);
  return analyzeInRanges(source, fileIndex, mayGoOn, plan, pool, workshop);
}

/** On worker threads, while this thread reads it once more in order if there is a migration to follow. */
async function analyzeInRanges(
  source: CaptureSource,
  fileIndex: number,
  mayGoOn: boolean,
  plan: FilePlan,
  pool: RangePool,
  { request, meter, migrations }: Workshop,
): Promise<FileResult> {
  let following: Promise<void> | null = null;
  const follow = (): void => {
    if (following !== null) return;
    const { endOffset } = plan.ranges.at(-1)!;
    meter.expectAgain(endOffset);
    following = followMigrations(source.path, endOffset, request, migrations, meter.addAgain);
    // An error must not go unhandled while ranges are still awaited.
    following.catch(() => {});
  };
  if (mayGoOn) follow();
  const { outcome, analysis, mtu } = await pool.analyze(source.path, fileIndex, plan, follow);
  await following;
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
  };
}

/** From end to end in this thread: small files, gzip, pipes. */
async function analyzeHere(
  source: CaptureSource,
  fileIndex: number,
  { request, meter, migrations }: Workshop,
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
  };
}
