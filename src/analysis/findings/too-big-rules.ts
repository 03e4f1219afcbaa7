import type { AddressClaims } from './address-claims.js';
import type { FindingContext } from './detector.js';
import type { Finding, Severity } from './finding.js';
import { addSighting, evidenceOf, newSightings, type Sightings } from './sightings.js';
import type { TooBigMessage } from './too-big-messages.js';

/** Linux believes no IPv4 router that names less (net.ipv4.route.min_pmtu); IPv6 links carry 1280 bytes (RFC 8200). */
const LEAST_MTU = 552;
const LEAST_MTU_V6 = 1280;
/** Further off than any window: the segment is long past, or is more than the capture may have lost of the connection. */
const FAR_BYTES = 2 ** 24;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** UDP in which something else travels is counted by what travels in it: IKE and ESP, VXLAN. */
const TUNNEL_PORTS = new Set([500, 4500, 4789, 8472]);

/** What is wrong with a message. */
interface Doubt {
  severity: Severity;
  why: string;
}

/** What is known besides the message. */
interface Known {
  /** `source destination` of all flows, and `protocol source`. */
  readonly pairs: ReadonlySet<string>;
  readonly sources: ReadonlySet<string>;
  readonly arp: AddressClaims;
  readonly nd: AddressClaims;
}

type Rule = (message: TooBigMessage, known: Known) => Doubt | null;

/** The first that applies is told. */
const RULES: readonly Rule[] = [
  fromAnotherStation,
  aboutUnsentSegment,
  belowLeastMtu,
  aboutAnotherHost,
  fragmentable,
  notTooBig,
  aboutUnknownFlow,
];

/** Messages that contradict themselves, or what was seen of the packets they are about. */
export function judgeTooBig(
  messages: readonly TooBigMessage[],
  claims: { arp: AddressClaims; nd: AddressClaims },
  context: FindingContext,
): Finding[] {
  if (messages.length === 0) return [];
  const { flows } = context.summary;
  const known: Known = {
    pairs: new Set(flows.map(({ source, destination }) => `${source} ${destination}`)),
    sources: new Set(flows.map(({ protocol, source }) => `${protocol} ${source}`)),
    ...claims,
  };
  const groups = new Map<string, { message: TooBigMessage; doubt: Doubt; sightings: Sightings }>();
  for (const message of messages) {
    const doubt = firstDoubt(message, known);
    if (doubt === null) continue;
    const key = `${message.router} ${message.host} ${message.source} ${message.destination} ${doubt.why}`;
    const group = groups.get(key) ?? { message, doubt, sightings: newSightings() };
    groups.set(key, group);
    addSighting(group.sightings, message.place);
  }
  return [...groups.values()].map(({ message, doubt, sightings }) =>
    tooBigFinding(message, doubt, sightings, context),
  );
}

function firstDoubt(message: TooBigMessage, known: Known): Doubt | null {
  for (const rule of RULES) {
    const doubt = rule(message, known);
    if (doubt !== null) return doubt;
  }
  return null;
}

function fromAnotherStation({ mac, isV6, vlan, router }: TooBigMessage, { arp, nd }: Known): Doubt | null {
  const owners = (isV6 ? nd : arp).ownersOf(vlan, router);
  if (mac === null || owners.size === 0 || owners.has(mac)) return null;
  const by = isV6 ? 'neighbour discovery' : 'ARP';
  return {
    severity: 'high',
    why: `it came from ${mac}, and by ${by} ${router} is ${[...owners].join(', ')}`,
  };
}

function aboutUnsentSegment({ segment, end }: TooBigMessage): Doubt | null {
  if (segment === null || end === null || end === undefined) return null;
  const ahead = (segment.sequence - end) | 0;
  if (ahead >= FAR_BYTES) return { severity: 'high', why: 'its TCP segment had not been sent' };
  return -ahead > FAR_BYTES ? { severity: 'high', why: 'its TCP segment was long past' } : null;
}

/** Routers from before RFC 1191 say 0. */
function belowLeastMtu({ isV6, mtu }: TooBigMessage): Doubt | null {
  const least = isV6 ? LEAST_MTU_V6 : LEAST_MTU;
  if (mtu >= least || (mtu === 0 && !isV6)) return null;
  return { severity: 'medium', why: `an MTU of ${mtu} is below the ${least} that every link has` };
}

function aboutAnotherHost({ host, source }: TooBigMessage): Doubt | null {
  return host === source ? null : { severity: 'medium', why: `the packet was not sent by ${host}` };
}

function fragmentable({ dontFragment }: TooBigMessage): Doubt | null {
  return dontFragment ? null : { severity: 'medium', why: 'the packet might have been fragmented instead' };
}

function notTooBig({ totalBytes, mtu }: TooBigMessage): Doubt | null {
  if (mtu === 0 || totalBytes === 0 || totalBytes > mtu) return null;
  return { severity: 'medium', why: `its ${totalBytes} bytes fit into an MTU of ${mtu}` };
}

/** Only where flows of this kind by this sender were seen: else the capture may not show them. */
function aboutUnknownFlow(message: TooBigMessage, { pairs, sources }: Known): Doubt | null {
  const { protocol, ports, source, destination } = message;
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return null;
  if (ports !== null && (TUNNEL_PORTS.has(ports & 0xffff) || TUNNEL_PORTS.has(ports >>> 16))) return null;
  const name = protocol === IPPROTO_TCP ? 'tcp' : 'udp';
  if (!sources.has(`${name} ${source}`) || pairs.has(`${source} ${destination}`)) return null;
  return { severity: 'low', why: `the capture shows nothing from ${source} to ${destination}` };
}

function tooBigFinding(
  message: TooBigMessage,
  { severity, why }: Doubt,
  sightings: Sightings,
  context: FindingContext,
): Finding {
  const { router, host, source, destination, totalBytes, mtu } = message;
  return {
    id: 'packet-too-big-forged',
    severity,
    title: 'A packet-too-big message that is hardly true',
    evidence: {
      facts: `${router} says to ${host} that a packet of ${totalBytes} bytes from ${source} to ${destination} was too big, and to send ${mtu} bytes at most; but ${why}.`,
      source: router,
      destination: host,
      ...evidenceOf(sightings, context),
    },
    meaning:
      'Who believes it sends small packets from then on, with more overhead and less throughput, or fragments: anybody can slow down a migration so, or bring it to a halt.',
    remedy:
      'Where the MTU of the way is known, drop these messages, and let TCP find the path MTU by itself (net.ipv4.tcp_mtu_probing=1). Find out who sends them.',
  };
}
