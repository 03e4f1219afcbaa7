import type { MigrationProgress } from '../migration/migration-progress.js';

/** Longest stop of the guest that QEMU accepts unless told otherwise (migration parameter downtime-limit). */
const DOWNTIME_SECONDS = 0.3;
/** Before that share of a pass the rest of it cannot be told from what it took up to now. */
const LEAST_SHARE = 0.02;
/** Passes that shrink by less do not end in any time worth naming. */
const NO_CONVERGENCE = 0.95;

/** Estimates; null where nothing says. */
export interface TimeLeft {
  passSecondsLeft: number | null;
  secondsLeft: number | null;
  converges: boolean | null;
}

const NOTHING: TimeLeft = { passSecondsLeft: null, secondsLeft: null, converges: null };

/*
 * Theory of operation. A pass over memory goes on as it went up to now: what is left of it follows from the share of memory
 * that it has come past. Where what is left is emptier, zero pages or pages nobody wrote to, it is over sooner: in guests
 * that use little of their memory by far. A pass sends what was written to during the pass before, so from pass to pass bytes change by one
 * factor as long as guest and channel stay as they are: below one passes become shorter until what is left can be sent while
 * the guest stands still; else they never do. In the first pass the factor is not known.
 */

/** How long a migration will go on, if guest and channel stay as they are. */
export function estimateTimeLeft(progress: MigrationProgress): TimeLeft {
  const { scannedShare, isEnded, stage } = progress;
  const { iterations, endNs } = progress.record;
  const current = iterations.at(-1);
  if (isEnded || current === undefined || scannedShare === null || scannedShare < LEAST_SHARE) return NOTHING;
  const elapsed = Math.max(0, Number(endNs - current.startNs) / 1e9);
  const passSeconds = elapsed / scannedShare;
  const passSecondsLeft = passSeconds - elapsed;
  if (stage === 'stopAndCopy') return { passSecondsLeft, secondsLeft: passSecondsLeft, converges: true };
  const factor = shrinkFactor(progress, current.bytes / scannedShare);
  if (factor === null) return { ...NOTHING, passSecondsLeft };
  if (factor >= NO_CONVERGENCE) return { passSecondsLeft, secondsLeft: null, converges: false };
  let secondsLeft = passSecondsLeft;
  for (let next = passSeconds * factor; ; next *= factor) {
    secondsLeft += next;
    if (next <= DOWNTIME_SECONDS) return { passSecondsLeft, secondsLeft, converges: true };
  }
}

/** Bytes of a pass by those of the pass before, as far as the last passes tell. */
function shrinkFactor({ record, scannedShare }: MigrationProgress, currentBytes: number): number | null {
  const { iterations } = record;
  const before = iterations.at(-2);
  if (before === undefined || before.bytes === 0) return null;
  if (scannedShare! >= 0.2) return currentBytes / before.bytes;
  const earlier = iterations.at(-3);
  return earlier === undefined || earlier.bytes === 0 ? null : before.bytes / earlier.bytes;
}
