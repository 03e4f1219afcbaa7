import { hashBytes } from '../../packet/byte-hash.js';
import { LAYER_STRIDE, Layer } from '../../packet/layers.js';
import { LinkType } from '../../packet/link.js';
import { type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { IPPROTO_TCP } from '../../packet/tcp.js';
import { formatAddress } from '../format-address.js';
import { isOuterFragment, NOT_WIRE } from '../packet-class.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import { addEncounter, type Encounters, mergeEncounters, newEncounters, sightingsOf } from './encounters.js';
import type { Finding } from './finding.js';
import { type DatagramKey, FragmentTable, type FragmentTableState } from './fragment-table.js';
import { counted } from './sa-finding.js';
import {
  addSighting,
  evidenceOf,
  mergeSightings,
  newSightings,
  placeOf,
  type Sightings,
} from './sightings.js';
import { mixHigh, mixLow } from './word-hash.js';

/** Most pairs of hosts told apart; later ones are not looked at. */
const MAX_PAIRS = 256;
const SKIPPED = NOT_WIRE | PacketFlag.malformed;
const TCP_HEADER_BYTES = 20;
const FRAGMENT_HEADER_BYTES = 8;
const MAC_BYTES = 6;
/** Packet type of cooked captures. */
const COOKED_OUTGOING = 4;
/** Every IPv4 link carries this much (RFC 791): a fragment with room for 8 bytes more was made small on purpose. */
const LEAST_MTU = 68;
const LEAST_DATA = LEAST_MTU - 20 - 8;
/**
 * Links that IPv4 hosts may count on carry this much (RFC 791). Where a router cuts a fragment once more it leaves a small piece, but
 * behind at least so many bytes.
 */
const USUAL_MTU = 576;
const USUAL_DATA = USUAL_MTU - 24;
/** Of a fragment's bytes those at both ends are hashed. */
const HASHED_BYTES = 16;
/** IPv6 headers before the one of the upper layer: their second byte is their length in 8 bytes, less 1. */
const IPV6_EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);

/** What fragments from one host to another show. */
interface Pair {
  source: string;
  destination: string;
  tiny: Sightings;
  overlaps: Encounters;
}

/** Plain data. */
interface State {
  pairs: Map<string, Pair>;
  table: FragmentTableState;
}

/** A fragment as its headers describe it; offsets are into the block's data. */
interface Fragment {
  isV6: boolean;
  ip: number;
  /** Its first byte, and the end of what was captured of it. */
  from: number;
  limit: number;
  protocol: number;
  start: number;
  bytes: number;
  more: boolean;
  identification: number;
}

/** Fragments that hide what they carry. */
export const fragmentAttacks: DetectorType = {
  ids: ['overlapping-fragments', 'tiny-fragments'],
  looksFor: 'overlapping and tiny fragments',
  create: (fileIndex) => new FragmentAttacks(fileIndex),
};

class FragmentAttacks implements Detector<State> {
  readonly flags = PacketFlag.fragment;
  private readonly pairs = new Map<string, Pair>();
  private readonly table = new FragmentTable((earlier, later, addresses) => {
    const pair = this.pairOf(addresses);
    if (pair !== null) addEncounter(pair.overlaps, { earlier, later });
  });
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  get state(): State {
    return { pairs: this.pairs, table: this.table.state };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags } = batch;
    for (let row = from; row < to; row++) {
      if (isOuterFragment(flags[row]!) && (flags[row]! & SKIPPED) === 0) this.addFragment(batch, row);
    }
  }

  private addFragment(batch: PacketBatch, row: number): void {
    const fragment = readFragment(batch, row);
    const { data } = batch.block;
    const place = placeOf(batch, row, this.fileIndex);
    const { start, bytes } = fragment;
    const content = contentHash(data, fragment);
    const span = { start, end: start + bytes, content, place, overlaps: false };
    const key = keyOf(data, fragment, receiverOf(batch, row));
    this.table.add(key, span, () => addressesOf(data, fragment));
    if (!isTiny(data, fragment)) return;
    const pair = this.pairOf(addressesOf(data, fragment));
    if (pair !== null) addSighting(pair.tiny, place);
  }

  private pairOf(addresses: Uint8Array): Pair | null {
    const bytes = addresses.length / 2;
    const source = formatAddress(addresses.subarray(0, bytes));
    return this.pairNamed(source, formatAddress(addresses.subarray(bytes)));
  }

  private pairNamed(source: string, destination: string): Pair | null {
    const key = `${source} ${destination}`;
    const known = this.pairs.get(key);
    if (known !== undefined) return known;
    if (this.pairs.size === MAX_PAIRS) return null;
    const pair = { source, destination, tiny: newSightings(), overlaps: newEncounters() };
    this.pairs.set(key, pair);
    return pair;
  }

  merge(later: State, framesBefore: number): void {
    for (const other of later.pairs.values()) {
      const pair = this.pairNamed(other.source, other.destination);
      if (pair === null) continue;
      mergeSightings(pair.tiny, other.tiny, framesBefore);
      mergeEncounters(pair.overlaps, other.overlaps, framesBefore);
    }
    this.table.merge(later.table, framesBefore);
  }

  findings(context: FindingContext): Finding[] {
    // In which order pairs came together depends on the pieces that were read.
    const pairs = [...this.pairs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
    return pairs.flatMap((pair) => [
      ...(pair.overlaps.count > 0 ? [overlapFinding(pair, context)] : []),
      ...(pair.tiny.count > 0 ? [tinyFinding(pair, context)] : []),
    ]);
  }
}

function readFragment(batch: PacketBatch, row: number): Fragment {
  const { block } = batch;
  const { data } = block;
  const isV6 = (batch.flags[row]! & PacketFlag.outerIpv6) !== 0;
  const ip = batch.ipOffset[row]!;
  const header = batch.fragmentOffset[row]!;
  const field = readUint16(data, header + (isV6 ? 2 : 6));
  return {
    isV6,
    ip,
    from: isV6 ? header + FRAGMENT_HEADER_BYTES : header + (data[header]! & 15) * 4,
    limit: block.offset[row]! + block.capturedLength[row]!,
    protocol: isV6 ? data[header]! : data[header + 9]!,
    start: isV6 ? field & 0xfff8 : (field & 0x1fff) * 8,
    bytes: batch.layerBytes[row * LAYER_STRIDE + Layer.fragment]!,
    more: isV6 ? (field & 1) !== 0 : (field & 0x2000) !== 0,
    identification: isV6 ? readInt32(data, header + 4) : readUint16(data, header + 4),
  };
}

function addressesOf(data: Uint8Array, { isV6, ip }: Fragment): Uint8Array {
  return isV6 ? data.slice(ip + 8, ip + 40) : data.slice(ip + 12, ip + 20);
}

/**
 * Who was to receive the frame: a router that cuts fragments once more, seen on both sides, sends other ones than it gets. Of cooked
 * captures whether this host sent it.
 */
function receiverOf({ block }: PacketBatch, row: number): number {
  const { data } = block;
  const start = block.offset[row]!;
  switch (block.linkType[row]) {
    case LinkType.ethernet:
      return hashBytes(data, start, start + MAC_BYTES) | 0;
    case LinkType.linuxCooked:
      return Number(data[start + 1] === COOKED_OUTGOING);
    case LinkType.linuxCooked2:
      return Number(data[start + 10] === COOKED_OUTGOING);
    default:
      return 0;
  }
}

/** IPv4 tells datagrams apart by protocol, too; in IPv6 the fragments of one may name different ones. */
function keyOf(
  data: Uint8Array,
  { isV6, ip, protocol, identification }: Fragment,
  receiver: number,
): DatagramKey {
  let low = mixLow(mixLow(isV6 ? 6 : protocol, identification), receiver);
  let high = mixHigh(mixHigh(isV6 ? 6 : protocol, identification), receiver);
  const end = isV6 ? ip + 40 : ip + 20;
  for (let at = isV6 ? ip + 8 : ip + 12; at < end; at += 4) {
    const word = readInt32(data, at);
    low = mixLow(low, word);
    high = mixHigh(high, word);
  }
  return { low, high };
}

/** @returns 0 if not all of it was captured */
function contentHash(data: Uint8Array, { from, limit, bytes }: Fragment): number {
  const end = from + bytes;
  if (end > limit) return 0;
  const head = hashBytes(data, from, Math.min(end, from + HASHED_BYTES));
  return mixLow(head, hashBytes(data, Math.max(from, end - HASHED_BYTES), end));
}

/** Does it keep from a filter what the filter judges by, or is it smaller than any link demands? */
function isTiny(data: Uint8Array, fragment: Fragment): boolean {
  const { isV6, start, bytes, more, protocol } = fragment;
  if (more && bytes <= LEAST_DATA && (isV6 || start < USUAL_DATA)) return true;
  if (start === 0)
    return isV6 ? !holdsHeaders(data, fragment) : protocol === IPPROTO_TCP && bytes < TCP_HEADER_BYTES;
  return protocol === IPPROTO_TCP && start < TCP_HEADER_BYTES;
}

/** IPv6: is the chain of headers down to that of the upper layer in the first fragment (RFC 7112)? */
function holdsHeaders(data: Uint8Array, { from, limit, bytes, protocol }: Fragment): boolean {
  const end = from + bytes;
  let next = protocol;
  let at = from;
  while (IPV6_EXTENSIONS.has(next)) {
    if (at + 8 > end) return false;
    // Not captured: nothing to judge by.
    if (at + 2 > limit) return true;
    next = data[at]!;
    at += (data[at + 1]! + 1) * 8;
  }
  return at + (next === IPPROTO_TCP ? TCP_HEADER_BYTES : 0) <= end;
}

function overlapFinding({ source, destination, overlaps }: Pair, context: FindingContext): Finding {
  return {
    id: 'overlapping-fragments',
    severity: 'high',
    title: 'Fragments that overlap',
    evidence: {
      facts: `${counted(overlaps.count, 'fragment')} with other bytes for places that an earlier fragment of the same datagram had filled.`,
      source,
      destination,
      ...evidenceOf(sightingsOf(overlaps), context),
    },
    meaning:
      'No IP stack sends such fragments. Receivers disagree about whose bytes count, so a filter or a sensor may see another packet than the host it protects.',
    remedy:
      'Drop them: current kernels do, and firewalls that put datagrams together. Find out who sends them. Where nothing has to be fragmented, drop fragments altogether.',
  };
}

function tinyFinding({ source, destination, tiny }: Pair, context: FindingContext): Finding {
  return {
    id: 'tiny-fragments',
    severity: 'medium',
    title: 'Fragments made small on purpose',
    evidence: {
      facts: `${counted(tiny.count, 'fragment')} smaller than any link demands, or cut so that ports and flags stand in the second one.`,
      source,
      destination,
      ...evidenceOf(tiny, context),
    },
    meaning:
      'A filter that looks at the first fragment alone lets the rest pass: a way to scan, or to connect, past it (RFC 1858, RFC 3128, RFC 7112).',
    remedy:
      'Let the firewall put datagrams together before it filters, or drop fragments where none are needed.',
  };
}

function readUint16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

function readInt32(data: Uint8Array, at: number): number {
  return (readUint16(data, at) << 16) | readUint16(data, at + 2);
}
