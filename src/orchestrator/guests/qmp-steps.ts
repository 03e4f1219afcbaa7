import type { Host } from '../hosts/host.js';
import type { QemuFacts } from '../measure/host-facts.js';
import { applyMigrationSettings } from '../qemu/migration-settings.js';
import { type QmpClient, QmpError } from '../qemu/qmp-client.js';
import {
  type MigrationSettings,
  readMigrationSettings,
  restoreMigrationSettings,
} from '../qemu/saved-settings.js';
import { listen } from '../steps/guest.js';
import { accountFor, migrateBetween } from '../steps/migrate.js';
import {
  type ByRole,
  EnvironmentError,
  filled,
  onBoth,
  ROLES,
  type RunContext,
} from '../steps/run-context.js';
import { findGuest } from '../steps/run-failure.js';
import type { HostRole, Step, UndoList } from '../steps/step.js';
import { adoptGuest } from './adopt-guest.js';
import { AttachedQemu } from './attached-qemu.js';
import type { QmpGuest } from './foreign-guest.js';
import { requirePlace } from './guest-place.js';
import { qmpUndo } from './qmp-undo.js';

/** What two QEMUs must have in common, and what they are set to. */
interface QemuState {
  readonly name: string;
  readonly status: string;
  readonly qemu: QemuFacts;
  readonly machine: string;
  readonly memoryBytes: number;
  readonly hasKvm: boolean;
  readonly processId: number | null;
  readonly settings: MigrationSettings;
}

/** Asks the two QEMUs who they are, and refuses what cannot work. Nothing is changed, and no connection kept. */
export function findQmpGuest(guest: QmpGuest): Step<RunContext> {
  return {
    name: 'find',
    title: 'the guest',
    async perform(context) {
      const states = await onBoth(async (role) => {
        await requirePerl(context.place.hosts[role]);
        const qemu = await attach(context, guest, role);
        return readState(qemu, context).finally(() => qemu.disconnect());
      });
      requireFit(states, context.place.hosts);
      const { source, destination } = states;
      await adoptGuest(context, guest, {
        name: source.name,
        machine: {
          type: source.machine,
          accelerator: source.hasKvm ? 'kvm' : 'tcg',
          memoryBytes: source.memoryBytes,
        },
        qemu: { source: source.qemu, destination: destination.qemu },
        processIds: { source: source.processId, destination: destination.processId },
        isPersistent: false,
        settings: { source: source.settings, destination: destination.settings },
      });
    },
  };
}

/** Perl speaks to QEMU when Tare no longer can. */
async function requirePerl(host: Host): Promise<void> {
  const { code } = await host.run('perl', ['-MSocket', '-e', '1'], { check: false });
  if (code !== 0) throw new EnvironmentError(`${host.name} lacks perl: install it there`);
}

function attach({ place }: RunContext, guest: QmpGuest, role: HostRole): Promise<AttachedQemu> {
  const path = role === 'source' ? guest.socket : guest.destinationSocket;
  return AttachedQemu.attach(place.hosts[role], path);
}

async function readState(qemu: AttachedQemu, { scenario }: RunContext): Promise<QemuState> {
  const ask = (command: string, args?: Readonly<Record<string, unknown>>) => query(qemu.qmp, command, args);
  const [name, status, version, memory, kvm] = await Promise.all([
    ask('query-name'),
    ask('query-status'),
    ask('query-version'),
    ask('query-memory-size-summary'),
    ask('query-kvm'),
  ]);
  const type = await qemu.qmp.execute('qom-get', { path: '/machine', property: 'type' });
  const { major = 0, minor = 0, micro = 0 } = version['qemu'] as Record<string, number>;
  return {
    name: String(name['name'] ?? 'guest'),
    status: String(status['status']),
    qemu: { program: '', version: `${major}.${minor}.${micro}`, machines: [] },
    machine: String(type).replace(/-machine$/, ''),
    memoryBytes: Number(memory['base-memory']) + Number(memory['plugged-memory'] ?? 0),
    hasKvm: kvm['enabled'] === true,
    processId: qemu.processId,
    settings: await readMigrationSettings(qemu.qmp, scenario.migration),
  };
}

async function query(
  qmp: QmpClient,
  command: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  return (await qmp.execute(command, args)) as Readonly<Record<string, unknown>>;
}

function requireFit({ source, destination }: ByRole<QemuState>, hosts: ByRole<Host>): void {
  if (source.status !== 'running') {
    throw new EnvironmentError(
      `the guest at ${hosts.source.name} does not run (QEMU says that it is ${source.status}): only running guests are migrated live`,
    );
  }
  if (destination.status !== 'inmigrate') {
    throw new EnvironmentError(
      `QEMU at ${hosts.destination.name} does not wait for a guest (it says ${destination.status}): start it with the source's arguments and -incoming defer`,
    );
  }
  const told: [what: string, source: unknown, destination: unknown][] = [
    ['machine', source.machine, destination.machine],
    ['bytes of memory', source.memoryBytes, destination.memoryBytes],
  ];
  for (const [what, here, there] of told) {
    if (here === there) continue;
    throw new EnvironmentError(
      `the QEMUs do not fit: ${what} ${here} at the source, ${there} at the destination; start both with the same arguments`,
    );
  }
}

/** The settings, the migration, and the settings back again. The source's QEMU is left as the migration leaves it. */
export function migrateQmpGuest(guest: QmpGuest): Step<RunContext> {
  return {
    name: 'migrate',
    title: 'the migration',
    async perform(context, undo, signal) {
      const { settings, processIds } = filled(context, 'found');
      if (settings === null) throw new TypeError('a guest with QMP sockets has settings');
      for (const role of ROLES) registerUndo(context, guest, role, settings[role], undo);
      const guests = await onBoth(async (role) => {
        const qemu = await attach(context, guest, role);
        context.closers.push(() => qemu.disconnect());
        return qemu;
      });
      try {
        await prepare(context, guests);
        await accountFor(context, processIds, () => migrateBetween(context, guests, signal));
        const [here, there] = await Promise.all([guests.source.status(), guests.destination.status()]);
        const evidence = `QEMU says ${here ?? 'nothing'} at the source, ${there ?? 'nothing'} at the destination; both are left as they are`;
        requirePlace(context, await findGuest(guests), evidence);
      } finally {
        await onBoth((role) => restoreMigrationSettings(guests[role].qmp, settings[role]));
        await onBoth((role) => guests[role].disconnect());
      }
    },
  };
}

/** For when this process is gone: while it is there it restores the settings itself. */
function registerUndo(
  { place, port = 0 }: RunContext,
  guest: QmpGuest,
  role: HostRole,
  settings: MigrationSettings,
  undo: UndoList,
): void {
  const isSource = role === 'source';
  const target = isSource ? { address: place.addresses.destination, port } : null;
  undo.register(qmpUndo(role, isSource ? guest.socket : guest.destinationSocket, settings, target));
}

/** @throws EnvironmentError with QEMU's words if it refuses: the guest runs on where it was */
async function prepare(context: RunContext, guests: ByRole<AttachedQemu>): Promise<void> {
  try {
    const clients = ROLES.map((role) => guests[role].qmp);
    context.compression = await applyMigrationSettings(clients, context.scenario.migration);
    await listen(context, guests.destination);
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    throw new EnvironmentError(`QEMU refuses: ${error.message}; the guest runs at the source`, {
      cause: error,
    });
  }
}
