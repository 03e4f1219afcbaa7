import { IPPROTO_ICMPV6 } from '../../packet/icmp.js';
import { LinkType } from '../../packet/link.js';
import { readLinkHeader } from '../../packet/link-header.js';
import { type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { readRouterAdvertisement } from '../../packet/router-advertisement.js';
import { formatAddress } from '../format-address.js';
import type { AddressClaims } from './address-claims.js';
import type { FindingContext } from './detector.js';
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
 * Theory of operation. Two IPv6 routers on a link are no attack: they share the work, and tell hosts the same. One of them is an
 * intruder if they tell different things: a rogue router gives hosts addresses of his own, or his name server. So what each says is
 * kept, and what others say is held against the first one of their link. Who speaks in the name of a router, to say that it is one no
 * more, sends from another MAC address than neighbour discovery tells. Sums by key join pieces exactly.
 */

/** Most of what routers say told apart; later ones are not looked at. */
const MAX_VOICES = 512;
/** Advertisements that came through a router are none (RFC 4861 section 6.1.2). */
const HOP_LIMIT = 255;
const NO_ADVERTISEMENT = PacketFlag.tunnel | PacketFlag.malformed | PacketFlag.reassembled;

/** Offset of the interface's index in the second cooked header. */
const COOKED2_INTERFACE = 4;

/** What one router says. */
interface Voice {
  vlan: number;
  /** Of captures on `any` the interface; null if that is not known: then others may be heard on other links. */
  link: number | null;
  router: string;
  /** MAC address that it came from; null where the link has none. */
  mac: string | null;
  prefixes: string;
  nameServers: string;
  /** It is one to send to; else it says good-bye, or only tells prefixes. */
  isRouter: boolean;
  sightings: Sightings;
}

/** Plain data, by all of what is said and by whom. */
export type RouterVoicesState = Map<string, Voice>;

/** What IPv6 routers tell hosts. */
export class RouterVoices {
  readonly state: RouterVoicesState = new Map();

  /** Looks at the ICMP message at `icmp` in a row of a frame of the wire. */
  add(batch: PacketBatch, row: number, icmp: number, end: number, fileIndex: number): void {
    if (batch.protocol[row] !== IPPROTO_ICMPV6 || (batch.flags[row]! & NO_ADVERTISEMENT) !== 0) return;
    const { data } = batch.block;
    const ip = batch.ipOffset[row]!;
    const message = readRouterAdvertisement(data, icmp, end);
    const link = readLinkHeader(batch.block, row);
    if (message === null || link === null || data[ip + 7] !== HOP_LIMIT) return;
    const { lifetimeSeconds, prefixes, nameServers } = message;
    const voice = this.voiceOf({
      vlan: link.vlan,
      link: linkOf(batch, row),
      router: formatAddress(data.subarray(ip + 8, ip + 24)),
      mac: link.source,
      prefixes: listOf(prefixes.map(({ address, length }) => `${formatAddress(address)}/${length}`)),
      nameServers: listOf(nameServers.map(formatAddress)),
      isRouter: lifetimeSeconds > 0,
      sightings: newSightings(),
    });
    if (voice !== null) addSighting(voice.sightings, placeOf(batch, row, fileIndex));
  }

  private voiceOf(voice: Voice): Voice | null {
    const { vlan, link, router, mac, prefixes, nameServers, isRouter } = voice;
    const key = [vlan, link, router, mac, prefixes, nameServers, isRouter].join(' | ');
    return findOrAdd(this.state, key, voice, MAX_VOICES);
  }

  merge(later: RouterVoicesState, framesBefore: number): void {
    for (const other of later.values()) {
      const voice = this.voiceOf({ ...other, sightings: newSightings() });
      if (voice !== null) mergeSightings(voice.sightings, other.sightings, framesBefore);
    }
  }

  /** @param nd who claimed which address */
  judge(nd: AddressClaims, context: FindingContext): Finding[] {
    const voices = [...this.state.values()];
    const forged = voices.filter((voice) => isForged(voice, nd));
    const genuine = voices.filter((voice) => voice.isRouter && voice.link !== null && !isForged(voice, nd));
    const links = [...new Set(genuine.map(nameOfLink))];
    const rivals = links.flatMap((name) =>
      judgeRouters(
        genuine.filter((voice) => nameOfLink(voice) === name),
        context,
      ),
    );
    const findings = [...forged.map((voice) => forgedFinding(voice, nd, context)), ...rivals];
    // A bridge seen through `any` shows the same on each of its ports.
    const told = new Set<string>();
    return findings.filter((finding) => told.size < told.add(nameOf(finding)).size);
  }
}

/** Which router of two came first may differ from port to port. */
function nameOf({ title, severity, evidence }: Finding): string {
  return `${title} ${severity === 'high' ? evidence.facts : evidence.source}`;
}

function linkOf({ block }: PacketBatch, row: number): number | null {
  switch (block.linkType[row]) {
    case LinkType.ethernet:
      return 0;
    case LinkType.linuxCooked2:
      return readInterface(block.data, block.offset[row]! + COOKED2_INTERFACE);
    default:
      return null;
  }
}

function readInterface(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

function nameOfLink({ vlan, link }: Voice): string {
  return `${vlan} ${link}`;
}

/** Routers name theirs in any order. */
function listOf(names: readonly string[]): string {
  return [...new Set(names)].toSorted().join(', ');
}

function isForged({ vlan, router, mac }: Voice, nd: AddressClaims): boolean {
  const owners = nd.ownersOf(vlan, router);
  return mac !== null && owners.size > 0 && !owners.has(mac);
}

/** Holds what routers of one link say against the first of them. */
function judgeRouters([first, ...others]: readonly Voice[], context: FindingContext): Finding[] {
  if (first === undefined) return [];
  const strangers = others.filter(
    (voice) =>
      (voice.router !== first.router || voice.mac !== first.mac) &&
      (voice.prefixes !== first.prefixes || voice.nameServers !== first.nameServers),
  );
  const [second] = strangers;
  if (second === undefined) return [];
  const sightings = newSightings();
  for (const { sightings: some } of strangers) mergeSightings(sightings, some, 0);
  const more = new Set(strangers.map(({ router, mac }) => `${router} ${mac}`)).size - 1;
  return [
    {
      id: 'rogue-router',
      severity: 'medium',
      title: 'Two IPv6 routers contradict each other',
      evidence: {
        facts: `${describe(first)}; ${describe(second)}${more > 0 ? `; and ${more} more routers say something else` : ''}.`,
        source: second.router,
        destination: null,
        ...evidenceOf(sightings, context),
      },
      meaning:
        'Hosts believe every router: they take addresses of each prefix, ask each name server, and send to whichever router they like. A rogue router becomes the way that traffic takes.',
      remedy: REMEDY,
    },
  ];
}

function forgedFinding(voice: Voice, nd: AddressClaims, context: FindingContext): Finding {
  const { vlan, router, mac, isRouter, sightings } = voice;
  const owners = [...nd.ownersOf(vlan, router)].join(', ');
  const what = isRouter ? 'advertised itself as a router' : 'said that it is a router no more';
  return {
    id: 'rogue-router',
    severity: 'high',
    title: 'A forged router advertisement',
    evidence: {
      facts: `${router} ${what}; but it came from ${mac}, and by neighbour discovery ${router} is ${owners}.`,
      source: router,
      destination: null,
      ...evidenceOf(sightings, context),
    },
    meaning:
      'Somebody speaks in the name of the router: hosts lose their way out, or take another one that he chooses.',
    remedy: REMEDY,
  };
}

const REMEDY =
  'Find out which router belongs to the network and close the port of the other. Let the switch drop router advertisements from untrusted ports (RA guard, RFC 6105); hosts that migrate guests need none: net.ipv6.conf.all.accept_ra=0.';

function describe({ router, mac, prefixes, nameServers }: Voice): string {
  const from = mac === null ? router : `${router} (${mac})`;
  return `${from} names prefix ${prefixes || 'none'}, name server ${nameServers || 'none'}`;
}
