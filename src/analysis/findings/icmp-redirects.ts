import { readRedirect } from '../../packet/icmp-error.js';
import { readLinkHeader } from '../../packet/link-header.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { NOT_WIRE } from '../packet-class.js';
import { AddressClaims, type AddressClaimsState } from './address-claims.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import { findOrAdd } from './find-or-add.js';
import type { Finding } from './finding.js';
import { NEIGHBOUR_FLAGS, noteNeighbours } from './neighbour-messages.js';
import { RouterVoices, type RouterVoicesState } from './router-voices.js';
import { counted } from './sa-finding.js';
import {
  addSighting,
  evidenceOf,
  mergeSightings,
  newSightings,
  placeOf,
  type Sightings,
} from './sightings.js';

/** Most redirects told apart; later ones are not looked at. */
const MAX_REDIRECTS = 256;
/** fe80::/10 */
const LINK_LOCAL = /^fe[89ab]/;

/** What one router says to one host about one destination. */
interface Redirect {
  router: string;
  /** MAC address it came from; null where the link has none. */
  mac: string | null;
  vlan: number;
  isV6: boolean;
  host: string;
  gateway: string;
  /** Empty if the message does not quote the packet. */
  target: string;
  sightings: Sightings;
}

/** Plain data. */
interface State {
  redirects: Map<string, Redirect>;
  routers: RouterVoicesState;
  arp: AddressClaimsState;
  nd: AddressClaimsState;
}

/** Hosts told to send by way of another router. */
export const icmpRedirects: DetectorType = {
  ids: ['icmp-redirect', 'icmp-redirect-forged', 'rogue-router'],
  looksFor: 'ICMP redirects, rogue IPv6 routers',
  create: (fileIndex) => new IcmpRedirects(fileIndex),
};

class IcmpRedirects implements Detector<State> {
  readonly flags = NEIGHBOUR_FLAGS;
  private readonly claims = { arp: new AddressClaims(), nd: new AddressClaims() };
  private readonly redirects = new Map<string, Redirect>();
  private readonly routers = new RouterVoices();
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  get state(): State {
    return {
      redirects: this.redirects,
      routers: this.routers.state,
      arp: this.claims.arp.state,
      nd: this.claims.nd.state,
    };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags } = batch;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & NEIGHBOUR_FLAGS) === 0) continue;
      noteNeighbours(this.claims, batch, row, this.fileIndex);
      if ((flags[row]! & (PacketFlag.icmp | NOT_WIRE)) === PacketFlag.icmp) this.addIcmp(batch, row);
    }
  }

  private addIcmp(batch: PacketBatch, row: number): void {
    const icmp = batch.transportOffset[row]!;
    if (icmp === NONE) return;
    const { data, offset, capturedLength } = batch.block;
    const captured = offset[row]! + capturedLength[row]!;
    const end = Math.min(captured, icmp + 8 + batch.payloadLength[row]!);
    this.routers.add(batch, row, icmp, end, this.fileIndex);
    const message = readRedirect(data, icmp, end, batch.protocol[row]!);
    if (message === null) return;
    const { gateway, addressBytes, quoted } = message;
    const text = (at: number): string => formatAddress(data.subarray(at, at + addressBytes));
    const ip = batch.innerIpOffset[row]!;
    const isV6 = addressBytes === 16;
    const link = (batch.flags[row]! & PacketFlag.tunnel) === 0 ? readLinkHeader(batch.block, row) : null;
    const redirect = this.redirectOf({
      router: text(isV6 ? ip + 8 : ip + 12),
      mac: link?.source ?? null,
      vlan: link?.vlan ?? 0,
      isV6,
      host: text(isV6 ? ip + 24 : ip + 16),
      gateway: text(gateway),
      target: quoted === null || quoted.isV6 !== isV6 ? '' : text(quoted.destination),
      sightings: newSightings(),
    });
    if (redirect !== null) addSighting(redirect.sightings, placeOf(batch, row, this.fileIndex));
  }

  private redirectOf(redirect: Redirect): Redirect | null {
    const { router, mac, vlan, host, gateway, target } = redirect;
    const key = [router, mac, vlan, host, gateway, target].join(' ');
    return findOrAdd(this.redirects, key, redirect, MAX_REDIRECTS);
  }

  merge(later: State, framesBefore: number): void {
    this.claims.arp.merge(later.arp, framesBefore);
    this.claims.nd.merge(later.nd, framesBefore);
    this.routers.merge(later.routers, framesBefore);
    for (const other of later.redirects.values()) {
      const redirect = this.redirectOf({ ...other, sightings: newSightings() });
      if (redirect !== null) mergeSightings(redirect.sightings, other.sightings, framesBefore);
    }
  }

  findings(context: FindingContext): Finding[] {
    const redirects = [...this.redirects.values()].flatMap((redirect) => {
      const doubt = this.doubtOf(redirect);
      if (doubt !== null) return [forgedFinding(redirect, doubt, context)];
      // The destination is on this very link: routers say so of their own accord, and nobody else gets the packets.
      return redirect.gateway === redirect.target ? [] : [redirectFinding(redirect, context)];
    });
    return [...redirects, ...this.routers.judge(this.claims.nd, context)];
  }

  /** Why it was not sent by that router; null if it may have been. */
  private doubtOf({ mac, vlan, router, isV6 }: Redirect): string | null {
    if (isV6 && !LINK_LOCAL.test(router))
      return `routers send redirects from their link-local addresses (RFC 4861 section 8.1), this came from ${router}`;
    const owners = (isV6 ? this.claims.nd : this.claims.arp).ownersOf(vlan, router);
    if (mac === null || owners.size === 0 || owners.has(mac)) return null;
    const by = isV6 ? 'neighbour discovery' : 'ARP';
    return `it came from ${mac}, and by ${by} ${router} is ${[...owners].join(', ')}`;
  }
}

const MEANING =
  'The host sends packets for this destination by way of the named router from now on, if it accepts redirects.';
const REMEDY =
  'Migration hosts on one link need no redirects: net.ipv4.conf.all.accept_redirects=0 (and net.ipv6), net.ipv4.conf.all.send_redirects=0 on routers.';

function redirectFinding(redirect: Redirect, context: FindingContext): Finding {
  return {
    id: 'icmp-redirect',
    severity: 'low',
    title: 'A host is told to send by way of another router',
    evidence: { facts: `${describe(redirect)}.`, ...whoAndWhere(redirect, context) },
    meaning: `${MEANING} Routers do say so where a shorter way exists; anybody on the link can, too, and then gets the packets.`,
    remedy: `Is the named router one of yours? ${REMEDY}`,
  };
}

function forgedFinding(redirect: Redirect, doubt: string, context: FindingContext): Finding {
  return {
    id: 'icmp-redirect-forged',
    severity: 'high',
    title: 'A forged redirect',
    evidence: {
      facts: `${describe(redirect)}; but ${doubt}.`,
      ...whoAndWhere(redirect, context),
    },
    meaning: `${MEANING} This one was not sent by the router whose address it bears.`,
    remedy: `Find out who sent it: the MAC address of the packets, the port of the switch. ${REMEDY}`,
  };
}

function describe({ router, host, gateway, target, sightings }: Redirect): string {
  const what = target === '' ? 'packets' : `packets for ${target}`;
  return `${router} told ${host} to send ${what} by way of ${gateway}, ${counted(sightings.count, 'time')}`;
}

function whoAndWhere({ router, host, sightings }: Redirect, context: FindingContext) {
  return { source: router, destination: host, ...evidenceOf(sightings, context) };
}
