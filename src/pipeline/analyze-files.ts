import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import type { AnalyzeRequest } from './analyze-request.js';
import { endAtRest, startWorkerThreads } from './worker-threads.js';

/**
 * Analyses captures as one: each goes on where the one before it ended, as the files of a ring buffer do. A file that
 * cannot be read, or not to its end, is reported in `inputs` with what went wrong; all that could be read counts.
 */
export async function analyzeFiles(request: AnalyzeRequest): Promise<AnalysisSummary> {
  const threads = await startWorkerThreads(request.paths, request.workers, request.chunkBytes);
  try {
    const { analyzeSources } = await import('./analyze-sources.js');
    return await analyzeSources(request, threads);
  } finally {
    if (threads !== null) endAtRest(threads);
  }
}
