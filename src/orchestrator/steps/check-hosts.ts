import { type HostFacts, type HostState, readHostFacts, readHostState } from '../measure/host-facts.js';
import { newestCommonMachine } from '../qemu/machine-choice.js';
import { withoutKeys } from '../xfrm/without-keys.js';
import { createXfrmChannel, type XfrmChannel } from '../xfrm/xfrm-channel.js';
import { xfrmRemoval } from '../xfrm/xfrm-removal.js';
import { type ByRole, EnvironmentError, filled, onBoth, ROLES, type RunContext } from './run-context.js';
import type { HostRole, Step, UndoList } from './step.js';

/** QEMU's own needs besides the guest's memory. */
const QEMU_BYTES = 64 * 1024 * 1024;
/** What libvirt takes for migrations, too. */
const FIRST_PORT = 49_152;
const LAST_PORT = 49_215;
/** RFC 5737, RFC 3849: nobody has these. */
const NOBODY = {
  ipv4: { source: '192.0.2.1', destination: '192.0.2.2' },
  ipv6: { source: '2001:db8::1', destination: '2001:db8::2' },
} as const;

/** Refuses what cannot work, before anything is changed. */
export const checkHosts: Step<RunContext> = {
  name: 'check',
  title: 'what the hosts have',
  async perform(context, undo) {
    const { place, scenario, found } = context;
    const programs = place.lab === undefined ? ['tcpdump'] : [];
    context.facts = await onBoth(async (role) => {
      const facts = await readHostFacts(place.hosts[role], programs);
      return found === undefined ? facts : { ...facts, qemu: found.qemu[role] };
    });
    for (const role of ROLES) requirePrograms(context, role);
    context.machine = found?.machine ?? {
      type: chooseMachine(context.facts),
      accelerator: 'tcg',
      memoryBytes: scenario.guest.memoryBytes,
    };
    context.states = await onBoth((role) => readHostState(place.hosts[role], place.devices[role]));
    for (const role of ROLES) requireRoom(context, role);
    requireCongestionControl(context);
    context.port = choosePort(context.states.destination);
    await requireIpsec(context, undo);
  },
};

function requirePrograms(context: RunContext, role: HostRole): void {
  const { missingPrograms, qemu } = filled(context, 'facts')[role];
  const { name } = context.place.hosts[role];
  if (qemu === null) {
    throw new EnvironmentError(
      `${name} has no QEMU: install qemu-system-x86 (Debian) or qemu-kvm (Red Hat) there`,
    );
  }
  if (missingPrograms.length > 0) {
    throw new EnvironmentError(`${name} lacks ${missingPrograms.join(', ')}: install them there`);
  }
}

function chooseMachine({ source, destination }: ByRole<HostFacts>): string {
  const type = newestCommonMachine(source.qemu?.machines ?? [], destination.qemu?.machines ?? []);
  if (type !== null) return type;
  throw new EnvironmentError(
    `QEMU ${source.qemu?.version} of the source and ${destination.qemu?.version} of the destination have no machine type pc-i440fx in common`,
  );
}

function requireRoom(context: RunContext, role: HostRole): void {
  const { name } = context.place.hosts[role];
  const { device, availableBytes } = filled(context, 'states')[role];
  const { network, guest } = context.scenario;
  const deviceName = context.place.devices[role];
  const address = context.place.addresses[role];
  if (device === null) throw new EnvironmentError(`${name} has no network device ${deviceName}`);
  if (!device.isUp)
    throw new EnvironmentError(`${deviceName} of ${name} is down: ip link set ${deviceName} up`);
  if (!device.addresses.includes(address)) {
    throw new EnvironmentError(`${deviceName} of ${name} does not have the address ${address}`);
  }
  if (device.maxMtu !== null && network.mtu > device.maxMtu) {
    throw new EnvironmentError(
      `${deviceName} of ${name} carries an MTU of at most ${device.maxMtu}, not ${network.mtu}`,
    );
  }
  // Where the memory of another's guest is to come from, those know who run it.
  if (context.found !== undefined) return;
  const needed = guest.memoryBytes + QEMU_BYTES;
  if (availableBytes < needed) {
    throw new EnvironmentError(
      `${name} has ${mebibytes(availableBytes)} MiB of memory left, the guest needs ${mebibytes(needed)} MiB: take a smaller guest`,
    );
  }
}

function requireCongestionControl(context: RunContext): void {
  const wanted = context.scenario.network.congestionControl;
  const { congestionControls } = filled(context, 'facts').source;
  if (isLoopback(context) || congestionControls.includes(wanted)) return;
  const { name } = context.place.hosts.source;
  throw new EnvironmentError(
    `${name} has no congestion control ${wanted} (but ${congestionControls.join(', ')}): modprobe tcp_${wanted} there`,
  );
}

function choosePort({ listeningPorts }: HostState): number {
  for (let port = FIRST_PORT; port <= LAST_PORT; port++) if (!listeningPorts.has(port)) return port;
  throw new EnvironmentError(`all ports from ${FIRST_PORT} to ${LAST_PORT} are taken at the destination`);
}

/** Loopback takes no part in IPsec (`disable_xfrm`), and its routes are not to be changed. */
export function isLoopback({ place }: RunContext): boolean {
  return place.devices.source === 'lo';
}

/** Adds states between addresses that nobody has: the kernel loads what it needs for them, or says what it lacks. */
async function requireIpsec(context: RunContext, undo: UndoList): Promise<void> {
  const { scenario, place } = context;
  const addresses = NOBODY[scenario.network.family];
  const probe = describedChannel(() => createXfrmChannel(scenario.ipsec, { ...addresses, port: FIRST_PORT }));
  if (probe === null) return;
  if (isLoopback(context)) {
    throw new EnvironmentError(
      'nothing is protected on the way to oneself: the loopback device takes no part in IPsec',
    );
  }
  const removal = xfrmRemoval(statesOf(probe.removeSource));
  await onBoth(async (role) => {
    const host = place.hosts[role];
    const title = 'remove IPsec states of the check';
    undo.register({ role, title, ...removal });
    const { code, stderr } = await host.run('ip', ['-batch', '-'], {
      input: statesOf(probe.addSource),
      check: false,
    });
    await host.run(removal.program, removal.args, { input: removal.input, check: false });
    if (code === 0) return;
    const { esp, ah } = scenario.ipsec;
    const wanted = [esp === null ? '' : `ESP with ${esp}`, ah === null ? '' : `AH with ${ah}`].filter(
      Boolean,
    );
    const { kernel } = filled(context, 'facts')[role];
    throw new EnvironmentError(
      `${host.name}: its kernel ${kernel} has no ${wanted.join(' or no ')} (ip says: ${withoutKeys(stderr)}): choose another suite, ` +
        'load esp4 and ah4, or use the laboratory (--lab)',
    );
  });
}

/** @throws EnvironmentError for suites that no Linux has */
export function describedChannel(create: () => XfrmChannel | null): XfrmChannel | null {
  try {
    return create();
  } catch (error) {
    if (error instanceof RangeError) throw new EnvironmentError(error.message, { cause: error });
    throw error;
  }
}

function statesOf(batch: string): string {
  const lines = batch.split('\n').filter((line) => line.startsWith('xfrm state'));
  return `${lines.join('\n')}\n`;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024);
}
