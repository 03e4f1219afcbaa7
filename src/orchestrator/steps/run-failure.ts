import type { RunCheck } from '../../result/measured-run.js';
import type { RunResult } from '../../result/run-result.js';
import type { QemuConnection } from '../qemu/qemu-connection.js';
import type { ByRole } from './run-context.js';
import type { FailedUndo } from './step-runner.js';

/** Which of the two hosts runs the guest. */
export type GuestPlace = 'source' | 'destination' | 'both' | 'neither' | 'unknown';

/** A run that failed. The message says what happened, and where the guest was then. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly guestAt: GuestPlace;
  /** What had been checked until then. */
  readonly checks: readonly RunCheck[];
  /** All figures, where the migration itself went through and something else is wrong. */
  readonly result: RunResult | null;
  /** What could not be undone. */
  readonly leftovers: readonly FailedUndo[];

  constructor(message: string, details: RunFailureDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.guestAt = details.guestAt ?? 'unknown';
    this.checks = details.checks ?? [];
    this.result = details.result ?? null;
    this.leftovers = details.leftovers ?? [];
  }
}

export interface RunFailureDetails {
  readonly guestAt?: GuestPlace;
  readonly checks?: readonly RunCheck[];
  readonly result?: RunResult | null;
  readonly leftovers?: readonly FailedUndo[];
  readonly cause?: unknown;
}

/** Asks both. */
export async function findGuest(guests: ByRole<QemuConnection>): Promise<GuestPlace> {
  const [source, destination] = await Promise.all([
    guests.source.isRunning(),
    guests.destination.isRunning(),
  ]);
  if (source && destination) return 'both';
  return source ? 'source' : destination ? 'destination' : 'neither';
}

/** For messages. */
export function describeGuestPlace(place: GuestPlace): string {
  switch (place) {
    case 'source':
    case 'destination':
      return `the guest runs at the ${place}`;
    case 'both':
      return 'the guest runs on both hosts';
    case 'neither':
      return 'the guest runs on neither host';
    case 'unknown':
      return 'the guest had not been started';
  }
}
