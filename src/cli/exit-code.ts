/** What `tare` ends with. Scripts rely on these; they never change their meaning. */
export const ExitCode = {
  done: 0,
  /** A `--fail-on` condition was met. */
  failOn: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** An input is missing, unreadable or broken. What could be read of it has been reported. */
  input: 3,
  /** The environment lacks something; the message says what. */
  environment: 4,
  /** A migration or run failed. */
  run: 5,
  /** A defect in Tare itself (EX_SOFTWARE of sysexits.h). */
  defect: 70,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A failure the user can do something about: printed as one message without a stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  /** @param message what was wrong, where, and what to do */
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}
