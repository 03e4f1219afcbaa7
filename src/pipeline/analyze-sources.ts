import type { AnalysisSummary, InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis, type CaptureAnalysisState } from '../analysis/capture-analysis.js';
import { profileTap } from '../analysis/tap-profile.js';
import { CaptureOpenError } from '../capture/capture-open-error.js';
import { type CaptureSource, openCapture } from '../capture/capture-source.js';
import type { AnalyzeProgress, AnalyzeRequest } from './analyze-request.js';
import { planFile } from './file-plan.js';
import { RangePool } from './range-pool.js';
import type { WorkerThreads } from './worker-threads.js';

/** What one input gave. */
interface FileResult {
  input: Omit<InputSummary, 'path'>;
  analysis: CaptureAnalysisState | null;
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
  const total = new CaptureAnalysis(request, profileTap(null), 0);
  const inputs: InputSummary[] = [];
  try {
    for (const [index, source] of sources.entries()) {
      const path = request.paths[index]!;
      const result =
        source instanceof CaptureOpenError
          ? unreadable(source)
          : await analyzeSource(source, index, request, pool, meter);
      inputs.push({ path, ...result.input });
      if (result.analysis !== null) total.merge(result.analysis, 0);
    }
  } finally {
    for (const source of sources) if (!(source instanceof CaptureOpenError)) source.close();
  }
  return total.finish(request, inputs);
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

async function analyzeSource(
  source: CaptureSource,
  fileIndex: number,
  request: AnalyzeRequest,
  pool: RangePool | null,
  meter: ProgressMeter,
): Promise<FileResult> {
  const plan = pool === null ? null : planFile(source, request.workers);
  if (pool === null || plan === null) return analyzeHere(source, fileIndex, request, meter);
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
  };
}

/** From end to end in this thread: small files, gzip, pipes. */
async function analyzeHere(
  source: CaptureSource,
  fileIndex: number,
  request: AnalyzeRequest,
  meter: ProgressMeter,
): Promise<FileResult> {
  let analysis: CaptureAnalysis | null = null;
  let profile = profileTap(null);
  let position = 0;
  for await (const block of source) {
    if (analysis === null) {
      profile = profileTap(block);
      analysis = new CaptureAnalysis(request, profile, fileIndex);
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
    this.progress = { bytesDone: 0, bytesTotal, frames: 0 };
  }

  readonly add = (bytes: number, frames: number): void => {
    this.progress.bytesDone += bytes;
    this.progress.frames += frames;
    this.report?.(this.progress);
  };
}
