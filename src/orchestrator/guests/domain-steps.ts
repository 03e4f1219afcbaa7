import type { Host } from '../hosts/host.js';
import type { QemuFacts } from '../measure/host-facts.js';
import { accountFor, breakConnections, migrationFailure } from '../steps/migrate.js';
import { EnvironmentError, filled, onBoth, type RunContext } from '../steps/run-context.js';
import type { GuestPlace } from '../steps/run-failure.js';
import type { Step, UndoList } from '../steps/step.js';
import { adoptGuest } from './adopt-guest.js';
import { bandwidthMib, domainMigrateOptions, type MigrateOptions } from './domain-arguments.js';
import { type DomainFacts, parseDomainFacts, parseHypervisorVersion } from './domain-facts.js';
import { abortUndo, downtimeUndo } from './domain-undo.js';
import { watchDomain } from './domain-watch.js';
import type { DomainGuest } from './foreign-guest.js';
import { requirePlace } from './guest-place.js';
import { Virsh, virshArguments } from './virsh.js';

const MEBI = 1024 * 1024;

/** Asks libvirt on both hosts about the domain, and refuses what cannot work. Nothing is changed. */
export function findDomain(guest: DomainGuest): Step<RunContext> {
  return {
    name: 'find',
    title: 'the domain',
    async perform(context) {
      const { hosts } = context.place;
      const qemu = await onBoth((role) => readHypervisor(hosts[role]));
      const facts = await readDomain(new Virsh(hosts.source, guest.domain));
      await requireAbsent(new Virsh(hosts.destination, facts.name));
      const { name, machine: type, accelerator, memoryBytes, isPersistent } = facts;
      const processId = await readProcessId(hosts.source, name);
      await adoptGuest(context, guest, {
        name,
        machine: { type, accelerator, memoryBytes },
        qemu,
        processIds: { source: processId, destination: null },
        isPersistent,
        settings: null,
      });
      const { migration } = context.scenario;
      const maxBandwidth = bandwidthMib(migration) * MEBI;
      context.scenario = { ...context.scenario, migration: { ...migration, maxBandwidth } };
    },
  };
}

async function readHypervisor(host: Host): Promise<QemuFacts> {
  const { code, stdout, stderr } = await host.run('virsh', virshArguments('version', {}), { check: false });
  const version = parseHypervisorVersion(stdout);
  if (code === 0 && version !== '') return { program: '', version, machines: [] };
  const said = stderr.trim() || 'it does not run QEMU';
  throw new EnvironmentError(`libvirt of ${host.name} does not answer as root's qemu:///system: ${said}`);
}

async function readDomain(virsh: Virsh): Promise<DomainFacts> {
  const [info, xml] = [await virsh.run('dominfo'), await virsh.run('dumpxml')];
  if (info.code !== 0 || xml.code !== 0) {
    throw new EnvironmentError(`libvirt of ${virsh.host.name}: ${(info.stderr || xml.stderr).trim()}`);
  }
  const facts = parseDomainFacts(info.stdout, xml.stdout);
  // A number may be the id of any domain; what is listed, recorded and migrated must be one.
  if (facts.name !== virsh.domain) {
    throw new EnvironmentError(
      `the domain ${virsh.domain} at ${virsh.host.name} is called ${facts.name}: give its name`,
    );
  }
  if (facts.state === 'running') return facts;
  throw new EnvironmentError(
    `the domain ${facts.name} at ${virsh.host.name} is ${facts.state}: only running domains are migrated live`,
  );
}

async function requireAbsent(virsh: Virsh): Promise<void> {
  const state = await virsh.state();
  if (state === null || state === 'shut off') return;
  throw new EnvironmentError(
    `there is a domain ${virsh.domain} at ${virsh.host.name} already, and it is ${state}`,
  );
}

/** As libvirt writes it down. */
async function readProcessId(host: Host, name: string): Promise<number | null> {
  const { stdout } = await host.run('cat', ['--', `/run/libvirt/qemu/${name}.pid`], { check: false });
  const processId = Number.parseInt(stdout, 10);
  return Number.isNaN(processId) ? null : processId;
}

/** `virsh migrate`, with what must be set before it. */
export function migrateDomain(guest: DomainGuest): Step<RunContext> {
  return {
    name: 'migrate',
    title: 'the migration',
    async perform(context, undo, signal) {
      const { name, isPersistent, processIds } = filled(context, 'found');
      const { hosts, addresses } = context.place;
      const [source, destination] = [new Virsh(hosts.source, name), new Virsh(hosts.destination, name)];
      const target = { address: addresses.destination, port: filled(context, 'port') };
      const migrate = domainMigrateOptions(context.scenario.migration, {
        ...target,
        uri: guest.destinationUri,
        isPersistent,
        undefineSource: guest.undefineSource,
      });
      context.compression = null;
      await setDowntime(source, context.scenario.migration.downtimeLimitMs, undo);
      undo.register(abortUndo(name, target));
      await accountFor(context, processIds, () => carryOut(context, source, destination, migrate, signal));
      await requireWhere(context, source, destination);
    },
  };
}

/** libvirt keeps it for as long as the domain runs there. */
async function setDowntime(source: Virsh, limitMs: number, undo: UndoList): Promise<void> {
  const { stdout } = await source.run('migrate-getmaxdowntime');
  const beforeMs = Number.parseInt(stdout, 10);
  const wantedMs = Math.max(1, Math.round(limitMs));
  if (beforeMs === wantedMs) return;
  if (!Number.isNaN(beforeMs)) undo.register(downtimeUndo(source.domain, beforeMs));
  const { code, stderr } = await source.run('migrate-setmaxdowntime', { downtime: String(wantedMs) });
  if (code !== 0) throw new EnvironmentError(`libvirt does not take the downtime limit: ${stderr.trim()}`);
}

async function carryOut(
  context: RunContext,
  source: Virsh,
  destination: Virsh,
  migrate: MigrateOptions,
  signal: AbortSignal,
): Promise<void> {
  const { timeoutMs, postcopyAfterIterations } = context.scenario.migration;
  try {
    context.migration = await watchDomain({
      source,
      destination,
      migrate,
      timeoutMs,
      postcopyAfterIterations,
      stallMs: context.options.stallMs,
      signal: AbortSignal.any([signal, context.fault.signal]),
      breakConnections: () => breakConnections(context),
    });
  } catch (error) {
    throw await migrationFailure(context, error, async () => (await locate(source, destination)).guestAt);
  }
}

interface Whereabouts {
  readonly guestAt: GuestPlace;
  /** What libvirt says on either side. */
  readonly here: string;
  readonly there: string;
}

async function locate(source: Virsh, destination: Virsh): Promise<Whereabouts> {
  const [here, there] = await Promise.all([source.state(), destination.state()]);
  const isHere = here === 'running';
  const isThere = there === 'running';
  const guestAt = isHere ? (isThere ? 'both' : 'source') : isThere ? 'destination' : 'neither';
  return { guestAt, here: here ?? 'no such domain', there: there ?? 'no such domain' };
}

async function requireWhere(context: RunContext, source: Virsh, destination: Virsh): Promise<void> {
  const { guestAt, here, there } = await locate(source, destination);
  requirePlace(context, guestAt, `libvirt says ${here} at the source, ${there} at the destination`);
}
