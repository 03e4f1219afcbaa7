import { UnknownUserError } from '../capture/live/give-up-rights.js';
import { LiveCaptureError } from '../capture/live/live-capture-error.js';
import { LiveWriteError } from '../capture/live/live-writer.js';
import { CliError, ExitCode } from './exit-code.js';

/** Turns what can go wrong with a live capture into messages with exit codes: of the command line, or of the machine. */
export function explainingCapture<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw explainCapture(error);
  }
}

/** @returns what to throw */
export function explainCapture(error: unknown): unknown {
  if (error instanceof LiveCaptureError) {
    const isUsage = error.code === 'noDevice' || error.code === 'filter';
    return new CliError(isUsage ? ExitCode.usage : ExitCode.environment, error.message, { cause: error });
  }
  if (error instanceof UnknownUserError) return new CliError(ExitCode.usage, `--user: ${error.message}`);
  if (error instanceof LiveWriteError) return new CliError(ExitCode.environment, error.message);
  return error;
}
