import { segmentationOffloads } from '../measure/segmentation-offloads.js';
import { isLoopback } from './check-hosts.js';
import { EnvironmentError, filled, onBoth, type RunContext } from './run-context.js';
import type { HostRole, Step, UndoList } from './step.js';

/** Marks routes as ours (`proto` of ip-route(8), a number nobody has taken), so that no other is removed. */
const ROUTE_PROTOCOL = '118';
/** TCP's timestamps, which every segment of Linux carries; an announced MSS does not count them. */
const TIMESTAMP_BYTES = 12;

/** MTU, MSS, congestion control and offloads; in a laboratory also rate, delay and loss of its link. */
export const prepareNetwork: Step<RunContext> = {
  name: 'network',
  title: 'the network',
  async perform(context, undo) {
    const { place, scenario } = context;
    // What a laboratory's link is like is the scenario's matter from run to run: there is nothing to restore.
    await place.lab?.setLink(scenario.network);
    context.offloads = await onBoth(async (role) => {
      if (place.lab === undefined) await setMtu(context, role, undo);
      await setRoute(context, role, undo);
      return switchOffloadsOff(context, role, undo);
    });
    await requirePath(context);
  },
};

async function setMtu(context: RunContext, role: HostRole, undo: UndoList): Promise<void> {
  const device = context.place.devices[role];
  const before = filled(context, 'states')[role].device?.mtu;
  const { mtu } = context.scenario.network;
  if (before === undefined || before === mtu) return;
  const args = (value: number): string[] => ['link', 'set', 'dev', device, 'mtu', String(value)];
  undo.register({
    role,
    title: `set the MTU of ${device} back to ${before}`,
    program: 'ip',
    args: args(before),
  });
  await context.place.hosts[role].run('ip', args(mtu));
}

/**
 * A route of its own to the other side, where the scenario asks for another MSS or congestion control than it would get. An MSS
 * is for what the other side sends.
 */
async function setRoute(context: RunContext, role: HostRole, undo: UndoList): Promise<void> {
  const { network } = context.scenario;
  const { congestionControl } = filled(context, 'facts')[role];
  const words = [
    ...(network.mss === 'auto' ? [] : ['advmss', String(network.mss + TIMESTAMP_BYTES)]),
    ...(network.congestionControl === congestionControl ? [] : ['congctl', network.congestionControl]),
  ];
  if (words.length === 0) return;
  if (isLoopback(context)) {
    if (network.mss !== 'auto')
      throw new EnvironmentError('the MSS of the loopback device cannot be set: leave it auto');
    return;
  }
  const { hosts, devices, addresses } = context.place;
  const host = hosts[role];
  const other = addresses[role === 'source' ? 'destination' : 'source'];
  const family = other.includes(':') ? ['-6'] : ['-4'];
  const found = await host.run('ip', [...family, '-j', 'route', 'get', other, 'oif', devices[role]]);
  const via = gatewayOf(found.stdout);
  const route = [`${other}/${other.includes(':') ? 128 : 32}`, 'dev', devices[role], 'proto', ROUTE_PROTOCOL];
  undo.register({
    role,
    title: `remove the route to ${other}`,
    program: 'ip',
    args: [...family, 'route', 'del', ...route],
  });
  const way = [...(via === null ? [] : ['via', via]), 'src', addresses[role]];
  const { code, stderr } = await host.run('ip', [...family, 'route', 'add', ...route, ...way, ...words], {
    check: false,
  });
  if (code === 0) return;
  throw new EnvironmentError(
    `${host.name}: no route to ${other} with ${words.join(' ')} (${stderr.trim()}): there may be one already; remove it, or leave MSS and congestion control as they are`,
  );
}

function gatewayOf(json: string): string | null {
  const [route] = JSON.parse(json) as { readonly gateway?: string }[];
  return route?.gateway ?? null;
}

async function switchOffloadsOff(context: RunContext, role: HostRole, undo: UndoList): Promise<string[]> {
  const device = context.place.devices[role];
  const features = segmentationOffloads(filled(context, 'states')[role].device?.offloads ?? []);
  if (features.length === 0) return [];
  const args = (state: 'on' | 'off'): string[] => [
    '-K',
    device,
    ...features.flatMap((feature) => [feature, state]),
  ];
  undo.register({
    role,
    title: `switch offloads of ${device} on again`,
    program: 'ethtool',
    args: args('on'),
  });
  await context.place.hosts[role].run('ethtool', args('off'));
  return features;
}

/** IPv4 header and that of an echo request. */
const PING_OVERHEAD_BYTES = { ipv4: 28, ipv6: 48 } as const;

/**
 * Whether a packet as large as the MTU really arrives: what lies between the hosts has an MTU of its own. Where there is no ping the
 * migration will show it.
 */
async function requirePath(context: RunContext): Promise<void> {
  const { place, scenario } = context;
  if (place.lab !== undefined || isLoopback(context)) return;
  const { mtu, family } = scenario.network;
  const size = String(mtu - PING_OVERHEAD_BYTES[family]);
  const args = ['-n', '-M', 'do', '-c', '3', '-i', '0.2', '-W', '9', '-s', size, place.addresses.destination];
  const script = 'command -v ping >/dev/null || exit 0; ping "$@"';
  const { code, stdout } = await place.hosts.source.run('sh', ['-c', script, 'sh', ...args], {
    check: false,
  });
  if (code === 0) {
    const evidence =
      stdout === '' ? 'not tried: the source has no ping' : `packets of ${mtu} bytes arrive unfragmented`;
    context.checks.push({ requirement: 'the path carries the MTU', ok: true, evidence });
    return;
  }
  throw new EnvironmentError(
    `packets of ${mtu} bytes do not get from ${place.addresses.source} to ${place.addresses.destination}: something between the hosts has a smaller MTU, or they do not reach each other`,
  );
}
