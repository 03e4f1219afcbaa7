import { CaptureAnalysis, type CaptureAnalysisState } from '../analysis/capture-analysis.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap, type TapProfile } from '../analysis/tap-profile.js';
import { type RangeOutcome, type ReadFileOptions, readFileBlocks } from '../capture/read-file-blocks.js';

/** Enough for every IPsec packet whose decapsulated copy may lie behind the seam. */
export const WARMUP_BYTES = 256 * 1024;

/** A piece of an uncompressed capture file to be analysed, as plain data. */
export interface RangeRequest {
  path: string;
  read: ReadFileOptions;
  profile: TapProfile;
  /** Index of the file among the inputs. */
  fileIndex: number;
}

export interface RangeResult {
  outcome: RangeOutcome;
  analysis: CaptureAnalysisState;
}

/** Told after each block. */
export type CountProgress = (bytes: number, frames: number) => void;

/**
 * Analyses a piece of a file, reading synchronously: the work of one worker thread.
 * @throws CaptureOpenError
 */
export function analyzeRange(
  request: RangeRequest,
  known: IpsecKnowledge,
  progress: CountProgress,
): RangeResult {
  const reader = readFileBlocks(request.path, request.read);
  const analysis = new CaptureAnalysis(known, request.profile, request.fileIndex);
  let position = request.read.knownStart?.offset ?? request.read.startOffset ?? 0;
  for (const block of reader) {
    if (reader.warmupFrames > 0) {
      analysis.warmUp(block);
      continue;
    }
    analysis.addBlock(block);
    const reached = reader.parser?.offset ?? position;
    progress(reached - position, block.count);
    position = reached;
  }
  return { outcome: reader.outcome(), analysis: analysis.state() };
}

/**
 * Profiles the tap from the first block of a file.
 * @throws CaptureOpenError
 */
export function profileFile(path: string): TapProfile {
  for (const block of readFileBlocks(path)) return profileTap(block);
  return profileTap(null);
}
