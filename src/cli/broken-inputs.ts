import type { InputSummary } from '../analysis/analysis-summary.js';
import { ExitCode } from './exit-code.js';
import { printMessage } from './terminal.js';

/** Says which inputs could not be read, or not to their end; then the exit code is 3. */
export function reportBrokenInputs(inputs: readonly InputSummary[]): void {
  for (const { path, error } of inputs) {
    if (error === null) continue;
    printMessage(error.message.includes(path) ? error.message : `${path}: ${error.message}`);
    process.exitCode = ExitCode.input;
  }
}
