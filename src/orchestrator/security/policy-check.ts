import { BlockList } from 'node:net';
import type { RunCheck } from '../../result/measured-run.js';
import type { Ipsec } from '../../scenario/scenario.js';
import type { ProtectedService } from '../xfrm/xfrm-channel.js';

/** A policy as `ip xfrm policy list` shows it. */
export interface KernelPolicy {
  /** `10.9.0.1/32`. */
  readonly source: string;
  readonly destination: string;
  /** `proto tcp dport 49152`; empty: all traffic. */
  readonly traffic: string;
  /** `in`, `out`, `fwd`, or what a socket's own is called. */
  readonly direction: string;
  readonly isBlock: boolean;
  readonly priority: number;
  /** Of the templates, in the order in which they are applied. */
  readonly protocols: readonly string[];
  /** A template that is used only if there is an SA for it. */
  readonly hasOptional: boolean;
}

export type Role = 'source' | 'destination';

export function parsePolicies(text: string): KernelPolicy[] {
  return text
    .split(/^(?=src )/m)
    .map(parsePolicy)
    .filter((policy) => policy !== null);
}

/** Where there is no /etc/protocols, protocols are shown by their numbers. */
function parsePolicy(text: string): KernelPolicy | null {
  const [, source, destination, traffic = ''] = /^src (\S+) dst (\S+) *(.*)/.exec(text) ?? [];
  const [, direction, action, priority] =
    /\bdir (\S+) (?:(action block) )?.*?\bpriority (\d+)/.exec(text) ?? [];
  if (source === undefined || destination === undefined || direction === undefined) return null;
  return {
    source,
    destination,
    traffic: traffic.trim().replace(/^proto 6\b/, 'proto tcp'),
    direction,
    isBlock: action !== undefined,
    priority: Number(priority),
    protocols: [...text.matchAll(/^\s+proto (\w+) .*\bmode /gm)].map(([, protocol = '']) => protocol),
    hasOptional: /\blevel use\b/.test(text),
  };
}

/**
 * Whether a host's policies let nothing of the migration through that is not protected, SAs or none.
 * @returns what is wrong; empty if all is well
 */
export function findPolicyGaps(
  policies: readonly KernelPolicy[],
  role: Role,
  service: ProtectedService,
  ipsec: Pick<Ipsec, 'esp' | 'ah'>,
): string[] {
  const wanted = wantedPolicies(role, service, ipsec);
  const missing = wanted.filter((policy) => !policies.some((each) => isSame(each, policy)));
  const others = policies.filter((each) => !wanted.some((policy) => isSame(each, policy)));
  const overruling = others.filter(
    (policy) => !policy.isBlock && wanted.some((each) => canOverrule(policy, each, service)),
  );
  return [
    ...missing.map((policy) => `there is no policy ${describe(policy)}`),
    ...overruling.map(
      (policy) => `a policy that is not of this run may come before its own: ${describe(policy)}`,
    ),
  ];
}

/** As a requirement with evidence, once nothing was found wrong on either host. */
export function policyCheck({ source, destination, port }: ProtectedService, ipsec: Ipsec): RunCheck {
  const protocols = protocolsOf(ipsec)
    .toReversed()
    .map((protocol) => protocol.toUpperCase())
    .join(' and ');
  return {
    requirement: 'packets in the clear are blocked',
    ok: true,
    evidence:
      `the kernels of both hosts list policies that demand ${protocols} of TCP port ${port} between ${source} and ${destination}, ` +
      'SA or no SA, and block the port for every other address',
  };
}

function wantedPolicies(
  role: Role,
  { source, destination, port }: ProtectedService,
  ipsec: Pick<Ipsec, 'esp' | 'ah'>,
): KernelPolicy[] {
  const isIpv6 = destination.includes(':');
  const one = (address: string): string => `${address}/${isIpv6 ? 128 : 32}`;
  const anyone = isIpv6 ? '::/0' : '0.0.0.0/0';
  const [there, back] = role === 'source' ? ['out', 'in'] : ['in', 'out'];
  const protocols = protocolsOf(ipsec);
  const protects = { isBlock: false, priority: 0, protocols, hasOptional: false };
  const blocks = { isBlock: true, priority: 1, protocols: [], hasOptional: false };
  const to = { destination: one(destination), traffic: `proto tcp dport ${port}`, direction: there! };
  const from = { source: one(destination), traffic: `proto tcp sport ${port}`, direction: back! };
  return [
    { source: one(source), ...to, ...protects },
    { destination: one(source), ...from, ...protects },
    { source: anyone, ...to, ...blocks },
    { destination: anyone, ...from, ...blocks },
  ];
}

/** Innermost first. */
function protocolsOf({ esp, ah }: Pick<Ipsec, 'esp' | 'ah'>): string[] {
  return [...(esp === null ? [] : ['esp']), ...(ah === null ? [] : ['ah'])];
}

function isSame(a: KernelPolicy, b: KernelPolicy): boolean {
  return (
    a.source === b.source &&
    a.destination === b.destination &&
    a.traffic === b.traffic &&
    a.direction === b.direction &&
    a.isBlock === b.isBlock &&
    a.priority === b.priority &&
    a.hasOptional === b.hasOptional &&
    a.protocols.join() === b.protocols.join()
  );
}

/** Of two policies for a packet the one with the smaller number wins, of two with the same the older one (net/xfrm/xfrm_policy.c). */
function canOverrule(policy: KernelPolicy, own: KernelPolicy, service: ProtectedService): boolean {
  const [from, to] = own.traffic.includes(' dport ')
    ? [service.source, service.destination]
    : [service.destination, service.source];
  return (
    policy.priority <= own.priority &&
    policy.direction === own.direction &&
    covers(policy.source, from) &&
    covers(policy.destination, to) &&
    (policy.traffic === '' || policy.traffic === 'proto tcp' || policy.traffic === own.traffic)
  );
}

function covers(prefix: string, address: string): boolean {
  const [net = '', bits = ''] = prefix.split('/');
  const family = net.includes(':') ? 'ipv6' : 'ipv4';
  if (family !== (address.includes(':') ? 'ipv6' : 'ipv4')) return false;
  const list = new BlockList();
  list.addSubnet(net, Number(bits), family);
  return list.check(address, family);
}

function describe({ source, destination, traffic, direction, isBlock }: KernelPolicy): string {
  const what = traffic === '' ? '' : ` ${traffic}`;
  return `src ${source} dst ${destination}${what} dir ${direction}${isBlock ? ' action block' : ''}`;
}
