import type { AnalysisSummary, InputSummary } from '../analysis/analysis-summary.js';
import { CaptureAnalysis } from '../analysis/capture-analysis.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { openCapture } from '../capture/capture-source.js';
import { MigrationObserver } from '../migration/migration-observer.js';
import type { ObservedTraffic } from '../plan/what-if-report.js';
import type { AnalyzeProgress } from './analyze-request.js';
import { ObservedFlows } from './observed-flows.js';

export interface ObserveRequest extends IpsecKnowledge {
  /** Captures in the order of time; `-` is standard input. */
  readonly paths: readonly string[];
  readonly onProgress?: (progress: AnalyzeProgress) => void;
}

export interface ObservedFiles {
  readonly traffic: ObservedTraffic;
  readonly summary: AnalysisSummary;
}

/**
 * Reads captures once and gives both their analysis and their flows as `whatIf` takes them. The order of segments matters here, so
 * it is done in one thread. Files that break off count as far as they can be read; `summary.inputs` says so.
 * @throws CaptureOpenError for a file that cannot be read at all
 */
export async function observeFiles(request: ObserveRequest): Promise<ObservedFiles> {
  const flows = new ObservedFlows();
  const migrations = new MigrationObserver();
  const total = new CaptureAnalysis(request, profileTap(null), 0, flows, migrations);
  const inputs: InputSummary[] = [];
  const progress: AnalyzeProgress = { bytesDone: 0, bytesTotal: 0, frames: 0, stage: 'packets' };
  for (const [index, path] of request.paths.entries()) {
    const source = await openCapture(path);
    try {
      progress.bytesTotal = addSize(progress.bytesTotal, source.sizeBytes);
      const bytesBefore = progress.bytesDone;
      let analysis: CaptureAnalysis | null = null;
      let profile = profileTap(null);
      for await (const block of source) {
        if (analysis === null) {
          profile = profileTap(block);
          analysis = new CaptureAnalysis(request, profile, index, flows, migrations);
        }
        analysis.addBlock(block);
        progress.bytesDone = bytesBefore + source.bytesRead;
        progress.frames += block.count;
        request.onProgress?.(progress);
      }
      const { format, compressed, linkTypes, framesRead: frames, reportedDrops, error } = source;
      inputs.push({ path, format, compressed, linkTypes, frames, reportedDrops, mtu: profile.mtu, error });
      if (analysis !== null) total.merge(analysis.state(), 0);
    } finally {
      source.close();
    }
  }
  const summary = total.finish(request, inputs, migrations);
  return { traffic: flows.finish(summary.securityAssociations), summary };
}

function addSize(total: number | null, bytes: number | null): number | null {
  return total === null || bytes === null ? null : total + bytes;
}
