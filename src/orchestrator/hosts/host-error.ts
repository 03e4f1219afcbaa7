import type { RunOutcome } from './host.js';

export const HOST_ERROR_REASONS = [
  'unreachable',
  'connection-lost',
  'permission-denied',
  'host-key-unknown',
  'host-key-changed',
  'program-missing',
  'program-failed',
  'timed-out',
  'aborted',
  'unsupported',
] as const;
export type HostErrorReason = (typeof HOST_ERROR_REASONS)[number];

export interface HostErrorDetails extends ErrorOptions {
  /** What the program said and returned, if it came to that. */
  readonly outcome?: RunOutcome;
}

/** Something could not be done on a host. The message names the host, says what was wrong and what to do about it. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly host: string;
  readonly reason: HostErrorReason;
  readonly outcome: RunOutcome | null;

  constructor(host: string, reason: HostErrorReason, message: string, details: HostErrorDetails = {}) {
    super(`${host}: ${message}`, details);
    this.host = host;
    this.reason = reason;
    this.outcome = details.outcome ?? null;
  }
}
