import { DhcpType, readDhcpReply } from '../../packet/dhcp.js';
import { readDhcpv6Reply } from '../../packet/dhcpv6.js';
import { macText, readLinkHeader } from '../../packet/link-header.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { NOT_WIRE } from '../packet-class.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import { findOrAdd } from './find-or-add.js';
import type { Finding } from './finding.js';
import {
  addSighting,
  evidenceOf,
  mergeSightings,
  newSightings,
  placeOf,
  type Sightings,
} from './sightings.js';

/*
 * Theory of operation. Two DHCP servers are no attack: they may share the work. They are one if they say different things to the
 * same client: a rogue server names itself as router or name server. So what each server says to each client is kept, and servers
 * are compared where they answered the same client on the same VLAN. Sums by key join pieces exactly.
 */

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
/** Most pairs of server and client told apart; later ones are not looked at. */
const MAX_PAIRS = 2048;
const SERVER_PORT6 = 547;
const CLIENT_PORT6 = 546;
const ROW = NOT_WIRE | PacketFlag.tunnel | PacketFlag.malformed | PacketFlag.udp;

/** What one server says to one client. */
interface Offer {
  vlan: number;
  client: string;
  server: string;
  /** MAC address that the answers came from; null where the link has none. */
  mac: string | null;
  routers: string;
  nameServers: string;
  offered: string;
  /** Transactions, the first ones. */
  transactions: number[];
  sightings: Sightings;
}

/** Plain data: by VLAN, client, server and what it says. */
type State = Map<string, Offer>;

const MAX_TRANSACTIONS = 16;

/** A second DHCP server that tells clients something else. */
export const rogueDhcp: DetectorType = {
  ids: ['rogue-dhcp'],
  looksFor: 'rogue DHCP servers',
  create: (fileIndex) => new RogueDhcp(fileIndex),
};

class RogueDhcp implements Detector<State> {
  readonly flags = PacketFlag.udp;
  readonly state: State = new Map();
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags, transportOffset } = batch;
    const { data } = batch.block;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & ROW) !== PacketFlag.udp) continue;
      const udp = transportOffset[row]!;
      if (udp === NONE) continue;
      const low = data[udp + 1]!;
      if (low !== SERVER_PORT && low !== (SERVER_PORT6 & 0xff)) continue;
      const from = (data[udp]! << 8) | low;
      const to = (data[udp + 2]! << 8) | data[udp + 3]!;
      const isV6 = (flags[row]! & PacketFlag.ipv6) !== 0;
      if (isV6 ? from === SERVER_PORT6 && to === CLIENT_PORT6 : from === SERVER_PORT && isEnd(to))
        this.addMessage(batch, row, isV6);
    }
  }

  private addMessage(batch: PacketBatch, row: number, isV6: boolean): void {
    const at = batch.payloadOffset[row]!;
    const link = readLinkHeader(batch.block, row);
    if (link === null || at === NONE) return;
    const { data } = batch.block;
    const end = Math.min(link.end, at + batch.payloadLength[row]!);
    const said = isV6 ? readOffer6(data, at, end, batch.innerIpOffset[row]!) : readOffer(data, at, end);
    // Servers that name neither only say where to boot from (PXE), or give addresses.
    if (said === null || (said.routers === '' && said.nameServers === '')) return;
    const { transaction, ...what } = said;
    const offer = this.offerOf({
      ...what,
      vlan: link.vlan,
      mac: link.source,
      transactions: [],
      sightings: newSightings(),
    });
    if (offer === null) return;
    noteTransaction(offer, transaction);
    addSighting(offer.sightings, placeOf(batch, row, this.fileIndex));
  }

  private offerOf(offer: Offer): Offer | null {
    const { vlan, client, server, mac, routers, nameServers } = offer;
    const key = [vlan, client, server, mac, routers, nameServers].join(' | ');
    return findOrAdd(this.state, key, offer, MAX_PAIRS);
  }

  merge(later: State, framesBefore: number): void {
    for (const other of later.values()) {
      const offer = this.offerOf({ ...other, transactions: [], sightings: newSightings() });
      if (offer === null) continue;
      for (const transaction of other.transactions) noteTransaction(offer, transaction);
      mergeSightings(offer.sightings, other.sightings, framesBefore);
    }
  }

  findings(context: FindingContext): Finding[] {
    const told = new Set<string>();
    const offers = [...this.state.values()];
    return offers.flatMap((offer, i) => {
      const earlier = offers.slice(0, i).find((other) => contradicts(other, offer));
      const key = `${offer.server} ${offer.mac} ${offer.routers} ${offer.nameServers}`;
      if (earlier === undefined || told.has(key)) return [];
      told.add(key);
      return [rogueFinding(earlier, offer, context)];
    });
  }
}

/** What a message says, and in which transaction. */
type Said = Pick<Offer, 'client' | 'server' | 'routers' | 'nameServers' | 'offered'> & {
  transaction: number;
};

function readOffer(data: Uint8Array, at: number, end: number): Said | null {
  const reply = readDhcpReply(data, at, end);
  if (reply === null || reply.isRelayed) return null;
  if (reply.type !== DhcpType.offer && reply.type !== DhcpType.acknowledgement) return null;
  return {
    client: macText(reply.client, 0),
    server: formatAddress(reply.server),
    routers: addressList(reply.routers, 4),
    nameServers: addressList(reply.nameServers, 4),
    offered: formatAddress(reply.offered),
    transaction: reply.transaction,
  };
}

/** DHCPv6 names no routers: those are found by their advertisements. @param ip offset of the IPv6 header */
function readOffer6(data: Uint8Array, at: number, end: number, ip: number): Said | null {
  const reply = readDhcpv6Reply(data, at, end);
  if (reply === null) return null;
  return {
    client: `identifier ${Buffer.from(reply.client).toString('hex')}`,
    server: formatAddress(data.subarray(ip + 8, ip + 24)),
    routers: '',
    nameServers: addressList(reply.nameServers, 16),
    offered: formatAddress(data.subarray(ip + 24, ip + 40)),
    transaction: reply.transaction,
  };
}

function isEnd(port: number): boolean {
  return port === CLIENT_PORT || port === SERVER_PORT;
}

/** In an order of its own: two servers that share the work often name the same in different orders. */
function addressList(bytes: Uint8Array, each: 4 | 16): string {
  const addresses: string[] = [];
  for (let at = 0; at + each <= bytes.length; at += each)
    addresses.push(formatAddress(bytes.subarray(at, at + each)));
  return addresses.toSorted().join(', ');
}

function noteTransaction(offer: Offer, transaction: number): void {
  const { transactions } = offer;
  if (transactions.length < MAX_TRANSACTIONS && !transactions.includes(transaction))
    transactions.push(transaction);
}

/** Do two servers say different things to the same client? */
function contradicts(a: Offer, b: Offer): boolean {
  if (a.client !== b.client || a.vlan !== b.vlan) return false;
  if (a.server === b.server && a.mac === b.mac) return false;
  return a.routers !== b.routers || a.nameServers !== b.nameServers;
}

function rogueFinding(first: Offer, second: Offer, context: FindingContext): Finding {
  const atOnce = second.transactions.some((transaction) => first.transactions.includes(transaction));
  return {
    id: 'rogue-dhcp',
    severity: atOnce ? 'high' : 'medium',
    title: atOnce ? 'Two DHCP servers contradict each other' : 'Another DHCP server says something else',
    evidence: {
      facts: `${describe(first)}; ${describe(second)}. Client ${second.client}.`,
      source: second.server,
      destination: second.offered,
      ...evidenceOf(second.sightings, context),
    },
    meaning:
      'Which server a client believes is a matter of chance. A rogue server makes itself the router or the name server, and so the way that all traffic takes.',
    remedy:
      'Find out which server belongs to the network and close the port of the other. Let the switch drop what untrusted ports answer (DHCP snooping); give hosts that migrate guests static addresses.',
  };
}

function describe({ server, mac, routers, nameServers }: Offer): string {
  const from = mac === null ? server : `${server} (${mac})`;
  const named = [routers && `router ${routers}`, nameServers && `name server ${nameServers}`];
  return `${from} names ${named.filter(Boolean).join(', ')}`;
}
