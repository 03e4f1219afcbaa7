import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { startWorkerThreads } from './worker-threads.js';

export interface AnalyzeProgress {
  /** Bytes of the inputs as they lie there. */
  bytesDone: number;
  /** Null while a pipe is among the inputs. */
  bytesTotal: number | null;
  frames: number;
}

export interface AnalyzeRequest extends IpsecKnowledge {
  /** Captures in the order of time; `-` is standard input. */
  paths: readonly string[];
  /** Threads to spread the work over; 1 does all of it here. */
  workers: number;
  onProgress?: (progress: AnalyzeProgress) => void;
}

/**
 * Analyses captures as one: each goes on where the one before it ended, as the files of a ring buffer do. A file that
 * cannot be read, or not to its end, is reported in `inputs` with what went wrong; all that could be read counts.
 */
export async function analyzeFiles(request: AnalyzeRequest): Promise<AnalysisSummary> {
  const threads = await startWorkerThreads(request.paths, request.workers);
  try {
    const { analyzeSources } = await import('./analyze-sources.js');
    return await analyzeSources(request, threads);
  } finally {
    await threads?.destroy();
  }
}
