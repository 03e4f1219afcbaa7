import type { PacketBatch } from '../../packet/packet-batch.js';
import {
  AddressClaims,
  type AddressClaimsState,
  ANNOUNCING_SECONDS,
  type Announcing,
  type ClaimedAddress,
  type Reign,
} from './address-claims.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import type { Finding } from './finding.js';
import { NEIGHBOUR_FLAGS, noteNeighbours } from './neighbour-messages.js';
import { counted } from './sa-finding.js';
import { addSighting, evidenceOf, newSightings, type PacketPlace, type Sightings } from './sightings.js';

/** Answers to one station beyond what it asked for that are no accident any more. */
const UNASKED_ANSWERS = 3;
/** An address that changes hands this often within `RIVALRY_SECONDS` has two owners: a failover and back are two changes. */
const RIVAL_CHANGES = 3;
const RIVALRY_SECONDS = 60;
/** Announcements of one address in `ANNOUNCING_SECONDS` that are a storm: keepalived sends 10 when it takes an address over. */
const STORM = 50;

/** What claims addresses, as findings call it. */
interface Protocol {
  readonly id: 'arp' | 'nd';
  readonly name: string;
  readonly answers: string;
}

const ARP: Protocol = { id: 'arp', name: 'ARP', answers: 'ARP replies' };
const ND: Protocol = { id: 'nd', name: 'Neighbour discovery', answers: 'neighbour advertisements' };

/** Plain data. */
interface State {
  arp: AddressClaimsState;
  nd: AddressClaimsState;
}

/** Addresses claimed by somebody else: ARP spoofing, its counterpart in IPv6, two owners, storms. */
export const addressSpoofing: DetectorType = {
  ids: ['arp-spoofing', 'arp-two-owners', 'arp-storm', 'nd-spoofing', 'nd-two-owners', 'nd-storm'],
  looksFor: 'ARP and neighbour discovery spoofing',
  create: (fileIndex) => new AddressSpoofing(fileIndex),
};

class AddressSpoofing implements Detector<State> {
  readonly flags = NEIGHBOUR_FLAGS;
  private readonly claims = { arp: new AddressClaims(), nd: new AddressClaims() };
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  get state(): State {
    return { arp: this.claims.arp.state, nd: this.claims.nd.state };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags } = batch;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & NEIGHBOUR_FLAGS) !== 0) noteNeighbours(this.claims, batch, row, this.fileIndex);
    }
  }

  merge(later: State, framesBefore: number): void {
    this.claims.arp.merge(later.arp, framesBefore);
    this.claims.nd.merge(later.nd, framesBefore);
  }

  findings(context: FindingContext): Finding[] {
    return [
      ...judgeClaims(this.claims.arp.state, ARP, context),
      ...judgeClaims(this.claims.nd.state, ND, context),
    ];
  }
}

function judgeClaims(state: AddressClaimsState, protocol: Protocol, context: FindingContext): Finding[] {
  const rivalries = [...state.addresses.values()].flatMap((claimed) => {
    if (claimed.reigns.length < 2) return [];
    const spoofing = judgeSpoofing(claimed, protocol, context);
    return spoofing.length > 0 ? spoofing : judgeRivalry(claimed, protocol, context);
  });
  const storms = [...state.announcing.values()].filter(({ sightings }) => sightings.count > STORM);
  return [...rivalries, ...storms.map((storm) => stormFinding(storm, protocol, context))];
}

/** Somebody answers for an address that another has, without having been asked, to one station, again and again. */
function judgeSpoofing(
  { address, reigns, speakers, askedAgain }: ClaimedAddress,
  protocol: Protocol,
  context: FindingContext,
): Finding[] {
  return speakers.flatMap(({ mac, unasked, copies }) => {
    const others = [...new Set(reigns.map((reign) => reign.mac))].filter((other) => other !== mac);
    // What the capture has twice has questions twice, too.
    const unexplained = unasked.count - Math.min(copies, askedAgain);
    if (unexplained < UNASKED_ANSWERS || others.length === 0) return [];
    return [spoofingFinding(address, mac, others, unasked, protocol, context)];
  });
}

function spoofingFinding(
  address: string,
  mac: string,
  others: string[],
  unasked: Sightings,
  protocol: Protocol,
  context: FindingContext,
): Finding {
  return {
    id: `${protocol.id}-spoofing`,
    severity: 'high',
    title: `${protocol.name} spoofing`,
    evidence: {
      facts: `${mac} answers for ${address}, which ${others.join(', ')} has: ${unasked.count} ${protocol.answers} to one station that nobody had asked for.`,
      source: mac,
      destination: null,
      ...evidenceOf(unasked, context),
    },
    meaning:
      'Somebody on the link makes others send their packets to him instead: he can read what is not encrypted, change it, or drop it.',
    remedy:
      'Find the port of this MAC address in the switch and close it. Encrypt the traffic with ESP; use dynamic ARP inspection, or static neighbour entries between the hosts.',
  };
}

/** The address goes to and fro too fast for failovers. */
function judgeRivalry(
  { address, reigns }: ClaimedAddress,
  protocol: Protocol,
  context: FindingContext,
): Finding[] {
  const at = reigns.findIndex((_, i) => isRivalry(reigns, i));
  if (at < 0) return [];
  const macs = [...new Set(reigns.map(({ mac }) => mac))];
  return [
    {
      id: `${protocol.id}-two-owners`,
      severity: 'high',
      title: 'An address with two owners',
      evidence: {
        facts: `${address} went to and fro between ${macs.join(' and ')}: ${counted(reigns.length - 1, 'change')}.`,
        source: macs[1] ?? null,
        destination: null,
        ...evidenceOf(beginningsOf(reigns.slice(1)), context),
      },
      meaning:
        'Two network cards answer for one address: somebody pretends to be the other, the address was given out twice, or one Linux host has both cards on this link. Packets reach the one or the other by chance.',
      remedy:
        'Find both MAC addresses in the switch; take the address from the machine that should not have it. If both are of one host: net.ipv4.conf.all.arp_ignore=1 and arp_announce=2.',
    },
  ];
}

function isRivalry(reigns: readonly Reign[], first: number): boolean {
  const change = reigns[first + 1]?.since;
  const lastChange = reigns[first + RIVAL_CHANGES]?.since;
  if (change === undefined || lastChange === undefined) return false;
  return (
    reigns[first]!.mac === reigns[first + 2]!.mac && secondsBetween(change, lastChange) <= RIVALRY_SECONDS
  );
}

function stormFinding(
  { address, mac, sightings }: Announcing,
  protocol: Protocol,
  context: FindingContext,
): Finding {
  return {
    id: `${protocol.id}-storm`,
    severity: 'medium',
    title: 'An address announced over and over',
    evidence: {
      facts: `${mac} announced ${address} to everybody ${sightings.count} times within ${ANNOUNCING_SECONDS} s.`,
      source: mac,
      destination: null,
      ...evidenceOf(sightings, context),
    },
    meaning:
      'Announcements overwrite what all stations know of an address. A takeover takes a few; this many are a poisoner, a loop, or two machines that fight for the address.',
    remedy: 'Find the MAC address in the switch and see what sends there.',
  };
}

function secondsBetween(a: PacketPlace, b: PacketPlace): number {
  return b.seconds - a.seconds + (b.nanoseconds - a.nanoseconds) / 1e9;
}

/** The first claim of each reign. */
function beginningsOf(reigns: readonly Reign[]): Sightings {
  const sightings = newSightings();
  for (const { since } of reigns) addSighting(sightings, since);
  return sightings;
}
