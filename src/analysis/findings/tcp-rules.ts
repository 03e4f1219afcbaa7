import type { FindingContext } from './detector.js';
import { type Encounters, sightingsOf } from './encounters.js';
import type { Finding } from './finding.js';
import { type FlowEnds, flowEnds, flowSource } from './flow-words.js';
import type { NeighbourClaims } from './neighbour-messages.js';
import { counted } from './sa-finding.js';
import type { Sender, SenderChange } from './sender-table.js';
import { addSighting, evidenceOf, newSightings, type PacketPlace, type Sightings } from './sightings.js';

/** Segments of one connection that contradict earlier ones. */
export interface Contradictions {
  flow: Int32Array;
  encounters: Encounters;
}

/** A sender that speaks for so long is a failover or another route, no intruder. */
const INTRUSION_SECONDS = 1;

/** Segments that begin where others begin and go on with other bytes. */
export function judgeContradictions(
  contradictions: readonly Contradictions[],
  context: FindingContext,
): Finding[] {
  return contradictions.map(({ flow, encounters }) => {
    const ends = flowEnds(flow);
    const [first] = encounters.first;
    const example =
      first === undefined ? '' : ` (packet ${first.later.packet} against packet ${first.earlier.packet})`;
    return {
      id: 'tcp-injection',
      severity: 'high',
      title: 'TCP segments that contradict each other',
      evidence: {
        facts: `${counted(encounters.count, 'segment')} of ${nameOf(ends, context)} with other bytes than one that began at the same byte${example}.`,
        ...ends,
        ...evidenceOf(sightingsOf(encounters), context),
      },
      meaning:
        'A sender repeats what it sent, it never changes it: one of the two came from somebody else, who knows the connection and put his bytes into it. The receiver took whichever came first.',
      remedy:
        'Protect the connection with ESP or TLS: then forged segments fail and nobody sees the sequence numbers. Find out who sent them: the MAC addresses of the packets named, the TTL, the port of the switch.',
    };
  });
}

/** Segments between those of the sender that came from somewhere else. */
export function judgeSenders(
  changes: readonly SenderChange[],
  claims: NeighbourClaims,
  context: FindingContext,
): Finding[] {
  return groupByWay(changes).flatMap((way) => {
    const inOrder = way.toSorted((a, b) => comparePlaces(a.place, b.place));
    const owner = inOrder[0]!.from;
    const intrusions = inOrder.filter((change, i) => isIntrusion(change, inOrder[i + 1], owner, claims));
    const [first] = intrusions;
    if (first === undefined) return [];
    const sightings = newSightings();
    for (const { place } of intrusions) addSighting(sightings, place);
    return [senderFinding(first, sightings, context)];
  });
}

/** Changes in one direction of a connection, towards one MAC address: in an order that does not depend on theirs. */
function groupByWay(changes: readonly SenderChange[]): SenderChange[][] {
  const ways = new Map<string, SenderChange[]>();
  for (const change of changes) {
    const key = `${change.flow.join(' ')} ${change.toHigh} ${change.toLow}`;
    const way = ways.get(key);
    if (way === undefined) ways.set(key, [change]);
    else way.push(change);
  }
  return [...ways].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, way]) => way);
}

/** @param owner who sent the first segment */
function isIntrusion(
  change: SenderChange,
  next: SenderChange | undefined,
  owner: Sender,
  claims: NeighbourClaims,
): boolean {
  if (isSame(change.to, owner)) return false;
  const isBack =
    next !== undefined &&
    isSame(next.to, change.from) &&
    secondsBetween(change.place, next.place) <= INTRUSION_SECONDS;
  if (!change.isReset) return isBack;
  return !hasSameMac(change.to, owner) && (isBack || !hasTakenOver(change, claims));
}

/** Has the new sender claimed the address? Who takes one over resets the connections that he does not know. */
function hasTakenOver({ flow, vlan, to }: SenderChange, { arp, nd }: NeighbourClaims): boolean {
  const isV6 = flow[0] === 1;
  const address = flowSource(flow);
  return (isV6 ? nd : arp).ownersOf(vlan, address).has(macOf(to));
}

function senderFinding(
  { flow, from, to, isReset }: SenderChange,
  sightings: Sightings,
  context: FindingContext,
): Finding {
  const ends = flowEnds(flow);
  const what = isReset ? 'A reset' : 'Segments';
  const where = hasSameMac(from, to)
    ? `with TTL ${to.ttl} between those with TTL ${from.ttl}`
    : `from ${macOf(to)}, and the connection's from ${macOf(from)}`;
  return {
    id: 'second-sender',
    severity: hasSameMac(from, to) ? 'medium' : 'high',
    title: 'A second sender in a TCP connection',
    evidence: {
      facts: `${what} of ${nameOf(ends, context)} came ${where}: ${counted(sightings.count, 'time')}.`,
      ...ends,
      ...evidenceOf(sightings, context),
    },
    meaning:
      'Somebody else sends in the name of one end: he may end the connection, or put bytes into it. A failover or a new route changes the sender once, not to and fro.',
    remedy:
      'Protect the connection with ESP: then what others send is dropped. Find the port of the second MAC address in the switch.',
  };
}

/** `192.0.2.1:49152 to 192.0.2.2:16514`, and whether it is a migration. */
function nameOf({ source, destination }: FlowEnds, { summary }: FindingContext): string {
  const ends = `${source} to ${destination}`;
  const isMigration = summary.migrations.some(({ connections }) =>
    connections.some(
      (connection) =>
        endText(connection.source, connection.sourcePort) === source &&
        endText(connection.destination, connection.destinationPort) === destination,
    ),
  );
  return isMigration ? `the migration ${ends}` : ends;
}

function endText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function macOf({ macHigh, macLow }: Sender): string {
  const digits = macHigh.toString(16).padStart(4, '0') + (macLow >>> 0).toString(16).padStart(8, '0');
  return digits.replace(/(..)(?=.)/g, '$1:');
}

function isSame(a: Sender, b: Sender): boolean {
  return hasSameMac(a, b) && a.ttl === b.ttl;
}

function hasSameMac(a: Sender, b: Sender): boolean {
  return a.macHigh === b.macHigh && a.macLow === b.macLow;
}

function comparePlaces(a: PacketPlace, b: PacketPlace): number {
  return a.fileIndex - b.fileIndex || a.packet - b.packet;
}

function secondsBetween(a: PacketPlace, b: PacketPlace): number {
  return b.seconds - a.seconds + (b.nanoseconds - a.nanoseconds) / 1e9;
}
