import { filled, type RunContext } from '../steps/run-context.js';
import { describeGuestPlace, type GuestPlace, RunFailure } from '../steps/run-failure.js';

/**
 * Notes where a guest runs after its migration, as those say who run it. Whether its memory arrived whole only the guest could tell,
 * so nothing is said about that.
 * @throws RunFailure if it does not run where it should, or not there alone
 */
export function requirePlace(context: RunContext, guestAt: GuestPlace, evidence: string): void {
  const wanted = filled(context, 'migration').outcome === 'completed' ? 'destination' : 'source';
  const ok = guestAt === wanted;
  context.checks.push({ requirement: 'the guest runs on exactly one host', ok, evidence });
  if (ok) return;
  const message = `the migration ended, but ${describeGuestPlace(guestAt)}: ${evidence}`;
  throw new RunFailure(message, { guestAt, checks: context.checks });
}
