import { setTimeout as sleep } from 'node:timers/promises';
import { CpuSampler } from '../measure/cpu-sampler.js';
import { cpuBetween } from '../measure/cpu-times.js';
import { readNetworkCounters } from '../measure/network-counters.js';
import { nowMs } from '../qemu/clock.js';
import { migrationUri } from '../qemu/migration-settings.js';
import { MigrationFailure, watchMigration } from '../qemu/migration-watch.js';
import type { QemuConnection } from '../qemu/qemu-connection.js';
import { explainDrops } from './explain-drops.js';
import { type ByRole, filled, onBoth, type RunContext } from './run-context.js';
import { describeGuestPlace, findGuest, type GuestPlace, RunFailure } from './run-failure.js';
import type { Step } from './step.js';

const POLL_MS = 20;
const ANSWER_TIMEOUT_MS = 30_000;

/** The migration of the guest of a run. That it does not converge is a result; all else that can happen is a failure. */
export const migrateGuest: Step<RunContext> = {
  name: 'migrate',
  title: 'the migration',
  async perform(context, _undo, signal) {
    const guests = filled(context, 'guests');
    const processIds = { source: guests.source.processId, destination: guests.destination.processId };
    await accountFor(context, processIds, () => migrateBetween(context, guests, signal));
  },
};

/**
 * Carries a migration out, with processor times before and after.
 * @param processIds of the QEMUs; null where there is none yet, or none is known
 */
export async function accountFor(
  context: RunContext,
  processIds: ByRole<number | null>,
  migrate: () => Promise<void>,
): Promise<void> {
  const counters = onBoth((role) => readNetworkCounters(context.place.hosts[role]));
  counters.catch(() => {});
  const samplers = await onBoth(async (role) => {
    const sampler = await CpuSampler.start(context.place.hosts[role], processIds[role]);
    context.closers.push(() => sampler.stop());
    return sampler;
  });
  context.counters = { before: await counters };
  const before = await onBoth((role) => samplers[role].sample());
  await migrate();
  const after = await onBoth((role) => samplers[role].sample());
  const between = ([first, last]: [typeof before.source, typeof before.source]) =>
    first === null || last === null ? null : cpuBetween(first, last);
  context.cpu = {
    source: between([before.source, after.source]),
    destination: between([before.destination, after.destination]),
  };
}

/**
 * From one QEMU to the other, through their QMP sockets.
 * @throws RunFailure saying where the guest is then
 */
export async function migrateBetween(
  context: RunContext,
  guests: ByRole<QemuConnection>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await migrate(context, guests, AbortSignal.any([signal, context.fault.signal]));
  } catch (error) {
    await rescueGuest(guests);
    const guestAt = await findGuest(guests);
    // What the source's kernel still holds of the guest must not be sent any more: what protects it goes next.
    if (guestAt === 'source' || guests.source.isGone) await breakConnections(context);
    throw await migrationFailure(context, error, async () => guestAt);
  }
}

async function migrate(
  context: RunContext,
  guests: ByRole<QemuConnection>,
  signal: AbortSignal,
): Promise<void> {
  const { migration } = context.scenario;
  const { addresses } = context.place;
  const port = filled(context, 'port');
  const account = await watchMigration({
    source: guests.source.qmp,
    uri: migrationUri(addresses.destination, port),
    timeoutMs: migration.timeoutMs,
    postcopyAfterIterations: migration.postcopyAfterIterations,
    stallMs: context.options.stallMs,
    signal,
    breakConnections: () => breakConnections(context),
  });
  context.migration = account;
  if (account.setup !== null) guests.source.clock.observe(account.setup, account.startedMs);
  if (account.outcome === 'completed') await waitForResume(guests.destination, 2 * context.options.stallMs);
  const isComparable = (context.place.lab?.instructionNs ?? null) === null;
  context.clocks = {
    source: isComparable ? guests.source.clock.difference() : null,
    destination: isComparable ? guests.destination.clock.difference() : null,
  };
  context.standstill = standstillOf(context, guests.destination);
}

/** What the source has sent may still be on its way. */
async function waitForResume(destination: QemuConnection, timeoutMs: number): Promise<void> {
  const deadline = nowMs() + timeoutMs;
  while (destination.findEvent('RESUME') === null) {
    if (nowMs() > deadline || destination.isGone) {
      throw new MigrationFailure(
        'the source has sent everything, but the guest does not go on at the destination',
      );
    }
    // A QEMU that was started with -S waits to be told.
    if ((await destination.status()) === 'paused') await destination.qmp.execute('cont');
    await sleep(POLL_MS);
  }
}

/** Both events are told by the clocks of their hosts. */
function standstillOf(
  context: RunContext,
  destinationQemu: QemuConnection,
): { ms: number; errorMs: number } | null {
  const { source, destination } = filled(context, 'clocks');
  const stop = filled(context, 'migration').stop;
  const resume = destinationQemu.findEvent('RESUME');
  if (source === null || destination === null || stop === null || resume === null) return null;
  const ms = resume.timeMs - destination.offsetMs - (stop.timeMs - source.offsetMs);
  return { ms: Math.max(0, ms), errorMs: source.errorMs + destination.errorMs };
}

/** QEMU may not answer, or be done with them: the kernel closes its connections (`SOCK_DESTROY`). */
export async function breakConnections({ place, port }: RunContext): Promise<void> {
  const { destination } = place.addresses;
  // The last colon parts address and port.
  const address = destination.includes(':') ? `[${destination}]` : destination;
  const args = ['-K', 'state', 'all', 'dst', address, 'dport', '=', `:${port}`];
  const options = { check: false, timeoutMs: ANSWER_TIMEOUT_MS };
  await place.hosts.source.run('ss', args, options).catch(() => {});
}

/** What happened, where the guest is now, and what the kernels say to it. */
export async function migrationFailure(
  context: RunContext,
  error: unknown,
  locate: () => Promise<GuestPlace>,
): Promise<RunFailure> {
  const [guestAt, drops] = await Promise.all([locate(), explainDrops(context)]);
  const what = error instanceof Error ? error.message : String(error);
  const message = [what, describeGuestPlace(guestAt), ...drops].join('; ');
  return new RunFailure(message, { guestAt, checks: context.checks, cause: error });
}

/**
 * The source may have sent all and stopped the guest while the destination never got it. Then the destination is ended, so that it
 * cannot begin after all, and the guest goes on where it was.
 */
async function rescueGuest(guests: ByRole<QemuConnection>): Promise<void> {
  if ((await findGuest(guests)) !== 'neither') return;
  const { source, destination } = guests;
  if (source.isGone) return;
  try {
    await destination.end();
    await source.qmp.execute('cont', undefined, ANSWER_TIMEOUT_MS);
  } catch {
    // The report says where the guest is, or that it is nowhere.
  }
}
