import { CliError, ExitCode } from './exit-code.js';

/** Names of errors that say what hosts or this machine lack. */
export const ENVIRONMENT_ERRORS = [
  'EnvironmentError',
  'LabError',
  'HostError',
  'JournalError',
  'CaptureError',
];

/** What the orchestrator throws, as a `CliError`; anything else as it is. */
export function explainOrchestrator(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const { name, message } = error;
  if (ENVIRONMENT_ERRORS.includes(name)) return new CliError(ExitCode.environment, message, { cause: error });
  if (name === 'RunFailure') return new CliError(ExitCode.run, message, { cause: error });
  return error;
}
