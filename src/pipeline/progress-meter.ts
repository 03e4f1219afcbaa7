import { CaptureOpenError } from '../capture/capture-open-error.js';
import type { CaptureSource } from '../capture/capture-source.js';
import type { AnalyzeProgress } from './analyze-request.js';

/** Adds up what all threads have done. */
export class ProgressMeter {
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

  readonly add = (bytes: number, frames: number): void => {
    this.progress.bytesDone += bytes;
    this.progress.frames += frames;
    this.report?.(this.progress);
  };

  /** For bytes of frames that were, or will be, added too. */
  readonly addAgain = (bytes: number): void => this.add(bytes, 0);

  /** Says that so many bytes will be added again, to follow migrations in them. */
  expectAgain(bytes: number): void {
    this.progress.stage = 'migrations';
    if (this.progress.bytesTotal !== null) this.progress.bytesTotal += bytes;
  }
}
