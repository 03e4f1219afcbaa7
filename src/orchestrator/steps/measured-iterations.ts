import type { MigrationSummary } from '../../analysis/analysis-summary.js';
import type { IterationResult } from '../../result/run-result.js';
import { PAGE_BYTES } from '../../scenario/scenario.js';
import type { MigrationAccount, SyncRecord } from '../qemu/migration-watch.js';

/** A page with its header, on a stream without multifd (docs/MIGRATION-STREAM.md). */
const FRAMED_PAGE_BYTES = PAGE_BYTES + 8;

type WireIterations = Pick<MigrationSummary, 'iterations' | 'startNs'>;

/**
 * Passes as the stream shows them. What was left when one ended is seldom seen: QEMU is asked every 45 ms, and what it says falls
 * meanwhile. But what the next pass sends and this one had not just sent was left by it, or written to for the first time.
 * @param totalTimeMs of the run
 */
export function iterationsOnWire(
  { iterations, startNs }: WireIterations,
  account: MigrationAccount,
  totalTimeMs: number,
): IterationResult[] {
  return iterations.map((iteration, i) => {
    const startMs = Number(BigInt(iteration.startNs) - BigInt(startNs)) / 1e6;
    const next = iterations[i + 1];
    const isCutOff = next === undefined && account.outcome === 'timed-out';
    const unsent = next === undefined ? 0 : next.normalPages + next.zeroPages - next.resentFromPrevious;
    const left = isCutOff ? leftAtEnd(account) : Math.min(unsent, leftBefore(account.syncs, i + 2));
    return {
      index: iteration.index,
      startMs,
      // A pass that was broken off went on until then, whether or not anything was sent in its last moments.
      durationMs: isCutOff
        ? Math.max(iteration.durationNs / 1e6, totalTimeMs - startMs)
        : iteration.durationNs / 1e6,
      pages: iteration.normalPages,
      zeroPages: iteration.zeroPages,
      bytes: iteration.bytes,
      remainingPages: next === undefined && !isCutOff ? 0 : left,
    };
  });
}

/** Before the first pass there was one synchronisation, so the pass with index i ends with synchronisation i + 2. */
function leftBefore(syncs: readonly SyncRecord[], count: number): number {
  const sync = syncs.find((each) => each.count === count);
  return sync === undefined ? Number.POSITIVE_INFINITY : sync.remainingBefore / PAGE_BYTES;
}

function leftAtEnd({ final }: MigrationAccount): number {
  return (final.ram?.remaining ?? 0) / PAGE_BYTES;
}

/** What had been sent at a moment. */
interface Mark {
  readonly atMs: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly transferred: number;
  /** Bytes. */
  readonly remainingBefore: number;
}

const START: Mark = { atMs: 0, normalPages: 0, zeroPages: 0, transferred: 0, remainingBefore: 0 };

/** From one synchronisation that was seen to the next; passes so short that two were seen as one stand as one. */
export function iterationsFromQemu(account: MigrationAccount): IterationResult[] {
  const { syncs, final, startedMs, endedMs } = account;
  const ram = final.ram;
  if (ram === null) return [];
  const atEnd = endedMs - startedMs;
  const end: Mark = {
    atMs: account.outcome === 'completed' ? Math.min(atEnd, final.totalTimeMs) : atEnd,
    normalPages: ram.normalPages,
    zeroPages: ram.zeroPages,
    transferred: ram.transferred,
    remainingBefore: ram.remaining,
  };
  const stop = stopMark(account, end);
  const limit = stop ?? end;
  // What the first one saw had been sent since the start; what was seen after the stop tells of what came after it.
  const seen = syncs.slice(syncs[0]?.count === 1 ? 1 : 0).filter(({ atMs }) => atMs < limit.atMs);
  const marks = withoutEmpty([
    START,
    ...seen.map((mark) => notBeyond(mark, limit)),
    ...(stop === null ? [] : [stop]),
  ]);
  return [...marks, end].slice(1).map((mark, index) => {
    const from = marks[index]!;
    return {
      index,
      startMs: from.atMs,
      durationMs: Math.max(0, mark.atMs - from.atMs),
      pages: mark.normalPages - from.normalPages,
      zeroPages: mark.zeroPages - from.zeroPages,
      bytes: mark.transferred - from.transferred,
      remainingPages: mark.remainingBefore / PAGE_BYTES,
    };
  });
}

/**
 * When the guest was stopped, which may be in the middle of the first pass: what is left then is sent at once. QEMU tells the time and the
 * bytes, and pages are as many as these hold.
 * @returns null if it was not stopped, or this version does not tell
 */
function stopMark({ outcome, final }: MigrationAccount, end: Mark): Mark | null {
  const bytes = final.ram?.downtimeBytes ?? 0;
  if (outcome !== 'completed' || final.downtimeMs === null || bytes === 0) return null;
  const pages = Math.min(end.normalPages, Math.floor(bytes / FRAMED_PAGE_BYTES));
  return {
    atMs: Math.max(0, end.atMs - final.downtimeMs),
    normalPages: end.normalPages - pages,
    zeroPages: end.zeroPages,
    transferred: end.transferred - bytes,
    remainingBefore: pages * PAGE_BYTES,
  };
}

/** A synchronisation that was noticed late counts some of what was sent after it. */
function notBeyond(mark: Mark, limit: Mark): Mark {
  return {
    atMs: mark.atMs,
    normalPages: Math.min(mark.normalPages, limit.normalPages),
    zeroPages: Math.min(mark.zeroPages, limit.zeroPages),
    transferred: Math.min(mark.transferred, limit.transferred),
    remainingBefore: mark.remainingBefore,
  };
}

/** Between two synchronisations right after each other nothing is sent: that is no pass. */
function withoutEmpty(marks: readonly Mark[]): Mark[] {
  return marks.filter((mark, i) => {
    const next = marks[i + 1];
    return next === undefined || i === 0 || next.transferred > mark.transferred;
  });
}
