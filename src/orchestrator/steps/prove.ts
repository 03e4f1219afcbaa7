import type { RunCheck } from '../../result/measured-run.js';
import { PAGE_BYTES } from '../../scenario/scenario.js';
import { nowMs } from '../qemu/clock.js';
import type { GuestProcess } from '../qemu/guest-process.js';
import type { GuestReport } from '../qemu/guest-report.js';
import { filled, type RunContext } from './run-context.js';
import { describeGuestPlace, findGuest, type GuestPlace, RunFailure } from './run-failure.js';
import type { Step } from './step.js';

/** The guest reports once a second of its own time, which under emulation may pass slowly. */
const SILENCE_MS = 120_000;
/** Longer than that a large guest is not read through. */
const READING_MS = 12_000;

/**
 * Where it is to be, the guest goes on counting, and finds each page as it left it: every page is read back once more, or as many
 * as can be read in some seconds. And the other QEMU does not run it.
 */
export const proveGuest: Step<RunContext> = {
  name: 'prove',
  title: 'the proof that the guest is alive and whole',
  async perform(context, _undo, signal) {
    const guests = filled(context, 'guests');
    const role = filled(context, 'migration').outcome === 'completed' ? 'destination' : 'source';
    const guestAt = await findGuest(guests);
    context.checks.push(checkPlace(guestAt, role));
    const pages = Math.max(1, context.scenario.guest.filledBytes / PAGE_BYTES);
    const known = role === 'source' ? (await guests.source.reports()).length : 0;
    const reports = guestAt === role ? await watchGuest(guests[role], known, pages, signal) : [];
    const check = checkMemory(role, reports, pages);
    context.checks.push(check);
    if (guestAt !== role || !check.ok) {
      const message = guestAt === role ? check.evidence : describeGuestPlace(guestAt);
      throw new RunFailure(`the migration ended, but ${message}`, { guestAt, checks: context.checks });
    }
  },
};

/**
 * @param known reports that are of no interest
 * @returns the first report and the last: of at least two, as many as it takes to read all pages
 */
async function watchGuest(
  guest: GuestProcess,
  known: number,
  pages: number,
  signal: AbortSignal,
): Promise<GuestReport[]> {
  const startMs = nowMs();
  let reports: readonly GuestReport[] = [];
  for (;;) {
    const [first, last] = [reports[0], reports.at(-1)];
    const waitedMs = nowMs() - startMs;
    if (first !== undefined && last !== undefined && last !== first) {
      // Counters are modulo 2^32.
      const read = (last.verified - first.verified) >>> 0;
      if (read >= pages || last.errors > 0 || waitedMs > READING_MS) return [first, last];
    }
    if (waitedMs > SILENCE_MS) return first === undefined ? [] : [first];
    const all = await guest.awaitReports(known + reports.length, SILENCE_MS - waitedMs + 1, signal);
    reports = all.slice(known);
  }
}

function checkPlace(guestAt: GuestPlace, role: 'source' | 'destination'): RunCheck {
  return {
    requirement: 'the guest runs on exactly one host',
    ok: guestAt === role,
    evidence: `QEMU of both hosts asked: ${describeGuestPlace(guestAt)}`,
  };
}

function checkMemory(role: string, [first, last]: readonly GuestReport[], pages: number): RunCheck {
  const requirement = 'the guest is alive and its memory whole';
  if (first === undefined || last === undefined) {
    return { requirement, ok: false, evidence: `the guest at the ${role} does not go on counting` };
  }
  const read = (last.verified - first.verified) >>> 0;
  const share = read >= pages ? `all ${pages} pages it filled` : `${read} of the ${pages} pages it filled`;
  const counted = `at the ${role} it counted on from second ${first.seconds} to ${last.seconds}`;
  return {
    requirement,
    ok: last.errors === 0,
    evidence: `${counted}, read back ${share}, and found ${last.errors} changed`,
  };
}
