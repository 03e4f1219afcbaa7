import { nowMs } from '../qemu/clock.js';
import { chooseAccelerator } from '../qemu/guest-accelerator.js';
import { guestFiles } from '../qemu/guest-arguments.js';
import { GuestProcess, MAKE_FOLDER, REMOVE_GUEST } from '../qemu/guest-process.js';
import { applyMigrationSettings, migrationUri } from '../qemu/migration-settings.js';
import type { QemuConnection } from '../qemu/qemu-connection.js';
import { EnvironmentError, filled, onBoth, type RunContext } from './run-context.js';
import type { HostRole, Step, UndoList } from './step.js';

/** From QEMU's start to the guest's first report, a second after it has filled its memory; without the filling. */
const BOOT_TIMEOUT_MS = 180_000;
/** An emulated processor within an emulated machine fills no slower. */
const FILL_BYTES_PER_SECOND = 8e6;

/** A guest that runs at the source, and a QEMU at the destination that waits for it. */
export const startGuest: Step<RunContext> = {
  name: 'guest',
  title: 'the guest',
  async perform(context, undo, signal) {
    const bootSector = makeBootSector(context);
    await onBoth((role) => makeFolder(context, role, undo));
    const machine = {
      ...filled(context, 'machine'),
      accelerator: await chooseAccelerators(context, bootSector),
    };
    context.machine = machine;
    const facts = filled(context, 'facts');
    const guests = await onBoth(async (role) => {
      const guest = await GuestProcess.start(
        context.place.hosts[role],
        {
          program: facts[role].qemu?.program ?? '',
          name: `tare-${context.id}`,
          machine,
          files: guestFiles(folderOf(context, role)),
          bootSector,
          isIncoming: role === 'destination',
        },
        signal,
      );
      context.closers.push(() => guest.disconnect());
      return guest;
    });
    context.guests = guests;
    const clients = [guests.source.qmp, guests.destination.qmp];
    context.compression = await applyMigrationSettings(clients, context.scenario.migration);
    await waitForReports(context, guests.source, signal);
    await listen(context, guests.destination);
  },
};

function makeBootSector({ options, scenario }: RunContext): Uint8Array {
  try {
    return options.bootSector(scenario);
  } catch (error) {
    if (error instanceof RangeError) throw new EnvironmentError(error.message, { cause: error });
    throw error;
  }
}

/** Short: paths of sockets have room for 107 bytes. */
function folderOf({ id }: RunContext, role: HostRole): string {
  return `/tmp/tare-${id}-${role}`;
}

/** The guest and all of its files go with the folder. */
async function makeFolder(context: RunContext, role: HostRole, undo: UndoList): Promise<void> {
  const folder = folderOf(context, role);
  const args = (script: string): string[] => ['-c', script, 'sh', folder];
  undo.register({
    role,
    title: 'end the guest and remove its files',
    program: 'sh',
    args: args(REMOVE_GUEST),
  });
  await context.place.hosts[role].run('sh', args(MAKE_FOLDER));
}

/** KVM where it really runs a guest, on both hosts: a guest does not change from one kind of processor to another. */
async function chooseAccelerators(context: RunContext, bootSector: Uint8Array): Promise<'kvm' | 'tcg'> {
  const facts = filled(context, 'facts');
  if (!facts.source.hasKvm || !facts.destination.hasKvm) return 'tcg';
  const runs = await onBoth(async (role) => {
    const program = facts[role].qemu?.program ?? '';
    return chooseAccelerator(context.place.hosts[role], program, folderOf(context, role), bootSector);
  });
  return runs.source === 'kvm' && runs.destination === 'kvm' ? 'kvm' : 'tcg';
}

async function waitForReports(context: RunContext, guest: GuestProcess, signal: AbortSignal): Promise<void> {
  const fillMs = (context.scenario.guest.filledBytes / FILL_BYTES_PER_SECOND) * 1000;
  const reports = await guest.awaitReports(0, BOOT_TIMEOUT_MS + fillMs, signal);
  if (reports.length === 0) {
    throw new Error(`the guest at ${guest.host.name} does not report on its serial port: it did not start`);
  }
}

/** Lets a QEMU that waits for it know where its guest will come from. */
export async function listen(context: RunContext, guest: QemuConnection): Promise<void> {
  const uri = migrationUri(context.place.addresses.destination, filled(context, 'port'));
  const sentMs = nowMs();
  await guest.qmp.execute('migrate-incoming', { uri });
  const event = guest.findEvent('MIGRATION');
  if (event !== null) guest.clock.observe(event, sentMs);
}
