import type { IpsecKnowledge } from '../analysis/known-ipsec.js';

export interface AnalyzeProgress {
  /** Bytes of the inputs as they lie there. */
  bytesDone: number;
  /** Null while a pipe is among the inputs. */
  bytesTotal: number | null;
  /** Each counted once, however often it is read. */
  frames: number;
  /** `migrations`: from the first live migration on, whose captures are read twice by several threads: once in order. */
  stage: 'packets' | 'migrations';
}

export interface AnalyzeRequest extends IpsecKnowledge {
  /** Captures in the order of time; `-` is standard input. */
  paths: readonly string[];
  /** Threads to spread the work over; 1 does all of it here. */
  workers: number;
  /**
   * Destination ports of live migrations that had begun before the capture did. Others are recognised by how they begin.
   */
  migrationPorts?: readonly number[];
  /** Greatest piece of a file that a thread takes at a time. Default: what suits the file. */
  chunkBytes?: number;
  onProgress?: (progress: AnalyzeProgress) => void;
}
