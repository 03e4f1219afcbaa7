import type { RunResult } from './run-result.js';

/** The same migration with something changed, and what came of it. */
export interface RunVariant {
  /** What is changed, to read behind "with": `MTU 9000`, `aes128gcm16`. */
  readonly change: string;
  readonly run: RunResult;
}
