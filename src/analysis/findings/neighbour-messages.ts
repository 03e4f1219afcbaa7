import { readArp } from '../../packet/arp.js';
import { IPPROTO_ICMPV6 } from '../../packet/icmp.js';
import { type LinkHeader, macText, readLinkHeader } from '../../packet/link-header.js';
import { readNeighbour } from '../../packet/neighbour-discovery.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { NOT_WIRE } from '../packet-class.js';
import type { AddressClaims } from './address-claims.js';
import { placeOf } from './sightings.js';

/** Rows that may be ARP or neighbour discovery. */
export const NEIGHBOUR_FLAGS = PacketFlag.arp | PacketFlag.icmp;

const NO_NEIGHBOUR = NOT_WIRE | PacketFlag.reassembled | PacketFlag.malformed | PacketFlag.tunnel;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** Neighbour discovery that came through a router is none (RFC 4861 section 7.1). */
const HOP_LIMIT = 255;
const ICMPV6_SOLICITED = 0x40;

/** Claims of addresses by ARP and, apart from them, by IPv6 neighbour discovery. */
export interface NeighbourClaims {
  readonly arp: AddressClaims;
  readonly nd: AddressClaims;
}

/** Tells `claims` what the row says about who has which address, if it is such a message. */
export function noteNeighbours(
  claims: NeighbourClaims,
  batch: PacketBatch,
  row: number,
  fileIndex: number,
): void {
  const flags = batch.flags[row]!;
  if ((flags & NEIGHBOUR_FLAGS) === 0 || (flags & NO_NEIGHBOUR) !== 0) return;
  if ((flags & PacketFlag.arp) !== 0) {
    const link = readLinkHeader(batch.block, row);
    if (link !== null) noteArp(claims.arp, batch, row, link, fileIndex);
    return;
  }
  if (batch.protocol[row] !== IPPROTO_ICMPV6 || batch.transportOffset[row] === NONE) return;
  noteNeighbourDiscovery(claims.nd, batch, row, fileIndex);
}

function noteArp(
  claims: AddressClaims,
  batch: PacketBatch,
  row: number,
  { vlan, isUnicast, source, payloadOffset, end }: LinkHeader,
  fileIndex: number,
): void {
  const { data } = batch.block;
  const arp = readArp(data, payloadOffset, end);
  if (arp === null || (arp.operation !== ARP_REQUEST && arp.operation !== ARP_REPLY)) return;
  const mac = macText(data, arp.senderMac);
  const sender = data.subarray(arp.senderIp, arp.senderIp + IPV4_BYTES);
  const target = data.subarray(arp.targetIp, arp.targetIp + IPV4_BYTES);
  const isSame = sender.every((byte, i) => byte === target[i]);
  const isAnswer = arp.operation === ARP_REPLY;
  const place = placeOf(batch, row, fileIndex);
  if (!isAnswer && !isSame) claims.ask(vlan, formatAddress(target), place);
  // A probe (RFC 5227) claims nothing yet.
  if (isUnspecified(sender)) return;
  claims.claim({
    address: formatAddress(sender),
    vlan,
    mac,
    speaker: source ?? mac,
    place,
    isAnswer,
    isUnicast,
    isAnnouncement: isSame || (isAnswer && !isUnicast),
  });
}

function noteNeighbourDiscovery(
  claims: AddressClaims,
  batch: PacketBatch,
  row: number,
  fileIndex: number,
): void {
  const { data } = batch.block;
  const ip = batch.ipOffset[row]!;
  const icmp = batch.transportOffset[row]!;
  const link = readLinkHeader(batch.block, row);
  if (link === null || data[ip + 7] !== HOP_LIMIT) return;
  const message = readNeighbour(data, icmp, Math.min(link.end, icmp + 8 + batch.payloadLength[row]!));
  if (message === null) return;
  const { isAdvertisement, target, mac } = message;
  const { vlan, isUnicast } = link;
  const targetText = formatAddress(data.subarray(target, target + IPV6_BYTES));
  const place = placeOf(batch, row, fileIndex);
  if (!isAdvertisement) claims.ask(vlan, targetText, place);
  const sender = data.subarray(ip + 8, ip + 8 + IPV6_BYTES);
  if (mac < 0 || (!isAdvertisement && isUnspecified(sender))) return;
  claims.claim({
    address: isAdvertisement ? targetText : formatAddress(sender),
    vlan,
    mac: macText(data, mac),
    speaker: link.source ?? macText(data, mac),
    place,
    isAnswer: isAdvertisement,
    isUnicast,
    isAnnouncement: isAdvertisement && !isUnicast && (data[icmp + 4]! & ICMPV6_SOLICITED) === 0,
  });
}

function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}
