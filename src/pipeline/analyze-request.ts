import type { IpsecKnowledge } from '../analysis/known-ipsec.js';

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
