import type { SecurityAssociationSummary, SuiteCandidate } from '../analysis/analysis-summary.js';
import { addressesOf, KEY_WORDS, KeyTable } from '../analysis/key-table.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { emptyTotals, type LayerTotals } from '../plan/layer-totals.js';
import type { ObservedFlow } from '../plan/what-if.js';
import type { KeptReason } from '../plan/what-if-report.js';
import type { RowTotals } from './row-totals.js';
import { SegmentLengths } from './segment-lengths.js';

/*
 * Theory of operation. Of closed ESP the lengths are known, and the sizes of its suite have been concluded. What is inside is taken
 * for TCP with timestamps: an SA is one direction. The longest packets are full segments, which on Linux carry no padding
 * (ipsec/path-mtu.ts), so their payload follows exactly; that of others to within a cipher block, the middle of which is taken. The
 * length that a pure acknowledgement would have in transport mode, or in tunnel mode, tells which of the two it is: there
 * is hardly a connection without acknowledgements.
 */

const ESP = 50;
const UDP_ENCAP = 1 << 8;
const MAX_SAS = 16_384;
const Slot = { other: 0, first: 1 } as const;
const ESP_TRAILER_BYTES = 2;
/** TCP with timestamps. */
const TRANSPORT_BYTES = 32;
const TCP_OPTION_BYTES = 12;
/** As for flows that can be read: `MIN_FULL_BYTES` without the options. */
const MIN_FULL_PAYLOAD_BYTES = 524;
const UNUSABLE =
  PacketFlag.malformed | PacketFlag.cutBySnaplen | PacketFlag.innerFragment | PacketFlag.tcpEncap;

/** One SA as it was seen. */
interface ClosedSa {
  readonly slot: number;
  readonly family: 4 | 6;
  /** Bytes of a frame that are not closed, by owner: the same in all its packets. */
  readonly outside: LayerTotals;
  readonly outsideBytes: number;
  packets: number;
  /** Of what is closed. */
  readonly lengths: SegmentLengths;
}

/** One SA with sizes. */
interface SizedSa extends ClosedSa {
  readonly suite: SuiteCandidate;
  readonly source: string;
  readonly destination: string;
}

export interface ClosedFlows {
  /** `peer` counts from the first of these. */
  readonly flows: readonly ObservedFlow[];
  /** Packets in them. */
  readonly packets: number;
  readonly kept: Readonly<Partial<Record<KeptReason, number>>>;
}

/** Flows inside ESP that nobody opened, concluded from the lengths of its packets. */
export class ClosedEspFlows {
  readonly #table = new KeyTable(Slot.first, MAX_SAS, Slot.other);
  readonly #associations: (ClosedSa | undefined)[] = [];

  /** Takes a frame if it is closed ESP of the plain kind: alone or inside AH, without IP options. */
  take(batch: PacketBatch, row: number): boolean {
    const { security, layerBytes } = batch;
    const last = batch.securityStart[row + 1]! - 1;
    if (last < batch.securityStart[row]! || security.protocol[last] !== ESP || security.opened[last] === 1) {
      return false;
    }
    const layers = row * LAYER_STRIDE;
    const closedBytes = layerBytes[layers + Layer.espOpaque]!;
    const isPlain =
      (batch.flags[row]! & UNUSABLE) === 0 &&
      layerBytes[layers + Layer.innerIp] === 0 &&
      layerBytes[layers + Layer.other] === 0;
    if (!isPlain || closedBytes === 0) return false;
    const slot = this.#slotOf(batch, last);
    if (slot === Slot.other) return false;
    const outsideBytes = batch.block.wireLength[row]! - closedBytes;
    this.#associations[slot] ??= newAssociation(batch, row, slot, outsideBytes);
    const association = this.#associations[slot];
    if (association.outsideBytes !== outsideBytes) return false;
    association.packets += 1;
    association.lengths.add(closedBytes);
    return true;
  }

  /**
   * @param associations of the same packets, with suites
   * @param captured where the packets have been counted as closed: they are split
   * @param resegmented is given the packets that became part of a flow
   */
  finish(
    associations: readonly SecurityAssociationSummary[],
    captured: RowTotals,
    resegmented: RowTotals,
  ): ClosedFlows {
    const sized = this.#sized(associations);
    const groups = groupByHosts(sized);
    const flows: ObservedFlow[] = [];
    const kept = {
      closed: this.#packets() - sized.reduce((sum, { packets }) => sum + packets, 0),
      notTcp: 0,
    };
    let packets = 0;
    for (const group of groups) {
      const first = flows.length;
      const headerBytes = innerHeaderBytes(group);
      const longest = Math.max(...group.map((sa) => payloadLimit(sa, headerBytes, sa.lengths.longest)));
      for (const sa of group) {
        const flow = flowOf(sa, headerBytes, longest, captured, resegmented);
        packets += sa.packets - flow.kept;
        kept.notTcp += flow.kept;
        const peer = peerOf(sa, group);
        flows.push(peer === null ? flow.observed : { ...flow.observed, peer: first + group.indexOf(peer) });
      }
    }
    return { flows, packets, kept };
  }

  #slotOf(batch: PacketBatch, header: number): number {
    const { security, block } = batch;
    const ip = security.ipOffset[header]!;
    const view = new DataView(block.data.buffer, block.data.byteOffset, block.data.byteLength);
    const meta = ESP | (security.udpEncap[header] === 1 ? UDP_ENCAP : 0);
    const spi = security.spi[header]! | 0;
    if (block.data[ip]! >> 4 === 6) return this.#table.find6(meta, spi, view, ip + 8);
    return this.#table.find4(meta, spi, view.getInt32(ip + 12), view.getInt32(ip + 16));
  }

  #packets(): number {
    return this.#associations.reduce((sum, association) => sum + (association?.packets ?? 0), 0);
  }

  /** Those whose suite is known at least by its sizes. */
  #sized(summaries: readonly SecurityAssociationSummary[]): SizedSa[] {
    const suites = new Map<string, SuiteCandidate>();
    for (const { protocol, spi, source, destination, udpEncap, suite } of summaries) {
      const [candidate] = suite.candidates;
      if (protocol !== 'esp' || candidate === undefined) continue;
      suites.set(`${spi} ${source} ${destination} ${udpEncap}`, candidate);
    }
    const { state } = this.#table;
    return this.#associations.flatMap((association) => {
      if (association === undefined) return [];
      const { source, destination } = addressesOf(state, association.slot);
      const at = association.slot * KEY_WORDS;
      const spi = `0x${(state.keys[at + 1]! >>> 0).toString(16).padStart(8, '0')}`;
      const isUdp = (state.keys[at]! & UDP_ENCAP) !== 0;
      const suite = suites.get(`${spi} ${source} ${destination} ${isUdp}`);
      return suite === undefined ? [] : [{ ...association, suite, source, destination }];
    });
  }
}

function newAssociation(batch: PacketBatch, row: number, slot: number, outsideBytes: number): ClosedSa {
  const outside = emptyTotals();
  for (const layer of ['link', 'ip', 'udpEncap', 'ah', 'espHeader'] as const) {
    outside[layer] = batch.layerBytes[row * LAYER_STRIDE + Layer[layer]]!;
  }
  const family = (batch.flags[row]! & PacketFlag.outerIpv6) === 0 ? 4 : 6;
  return { slot, family, outside, outsideBytes, packets: 0, lengths: new SegmentLengths() };
}

function groupByHosts(associations: readonly SizedSa[]): SizedSa[][] {
  const groups = new Map<string, SizedSa[]>();
  for (const association of associations) {
    const hosts = [association.source, association.destination].sort().join(' ');
    groups.set(hosts, [...(groups.get(hosts) ?? []), association]);
  }
  return [...groups.values()];
}

/** The SA of the other direction; of several, as after rekeying, the one with most packets. */
function peerOf(association: SizedSa, group: readonly SizedSa[]): SizedSa | null {
  const others = group.filter(({ source }) => source === association.destination);
  return others.reduce<SizedSa | null>((a, b) => (a === null || b.packets > a.packets ? b : a), null);
}

/** Most that ESP of this length can carry: no padding. */
function plainLimit({ suite }: SizedSa, closedBytes: number): number {
  return closedBytes - suite.ivBytes - suite.icvBytes - ESP_TRAILER_BYTES;
}

function payloadLimit(sa: SizedSa, headerBytes: number, closedBytes: number): number {
  return plainLimit(sa, closedBytes) - headerBytes;
}

/** Could a packet of `plainBytes` have this length? */
function canBe(sa: SizedSa, closedBytes: number, plainBytes: number): boolean {
  const limit = plainLimit(sa, closedBytes);
  return plainBytes <= limit && plainBytes > limit - sa.suite.alignmentBytes;
}

/** TCP header, in tunnel mode with the IP header in front of it. */
function innerHeaderBytes(group: readonly SizedSa[]): number {
  let transport = 0;
  let tunnel = 0;
  for (const sa of group) {
    const inTunnel = (sa.family === 4 ? 20 : 40) + TRANSPORT_BYTES;
    for (const { rest, count } of sa.lengths.singles()) {
      if (canBe(sa, rest, TRANSPORT_BYTES)) transport += count;
      if (canBe(sa, rest, inTunnel)) tunnel += count;
    }
  }
  const ipBytes = group[0]!.family === 4 ? 20 : 40;
  return tunnel > transport ? ipBytes + TRANSPORT_BYTES : TRANSPORT_BYTES;
}

/** @param longest payload between the two hosts */
function flowOf(
  sa: SizedSa,
  headerBytes: number,
  longest: number,
  captured: RowTotals,
  resegmented: RowTotals,
): { observed: ObservedFlow; kept: number } {
  const mssBytes = payloadLimit(sa, headerBytes, sa.lengths.longest);
  const hasFull = mssBytes >= MIN_FULL_PAYLOAD_BYTES && mssBytes > longest - sa.suite.alignmentBytes;
  const bursts = new Map<number, number>();
  let pureAcks = 0;
  let kept = 0;
  const count = (closedBytes: number, payloadBytes: number, packets: number): void => {
    if (packets === 0) return;
    const layers = layersOf(sa, headerBytes, closedBytes, payloadBytes);
    captured.resolveClosed(packets, closedBytes, layers);
    resegmented.addAlike(packets, layers);
  };
  for (const { full, rest, count: times } of hasFull ? sa.lengths.runs() : sa.lengths.singles()) {
    count(sa.lengths.longest, mssBytes, full * times);
    const isAck = canBe(sa, rest, headerBytes);
    const isData = rest > 0 && payloadLimit(sa, headerBytes, rest) >= 0;
    const payloadBytes = isAck || !isData ? 0 : likelyPayload(sa, headerBytes, rest);
    if (isAck) pureAcks += times;
    if (isData) count(rest, payloadBytes, times);
    else if (rest > 0) kept += times;
    const sent = full * mssBytes + payloadBytes;
    if (sent > 0) bursts.set(sent, (bursts.get(sent) ?? 0) + times);
  }
  const observed: ObservedFlow = {
    family: sa.family,
    linkHeaderBytes: sa.outside.link,
    tcpOptionBytes: TCP_OPTION_BYTES,
    mssBytes: Math.max(1, hasFull ? mssBytes : longest),
    bursts,
    pureAcks,
  };
  return { observed, kept };
}

/** In the middle of what padding leaves open. */
function likelyPayload(sa: SizedSa, headerBytes: number, closedBytes: number): number {
  const most = payloadLimit(sa, headerBytes, closedBytes);
  return Math.max(1, most - ((sa.suite.alignmentBytes - 1) >> 1));
}

function layersOf(sa: SizedSa, headerBytes: number, closedBytes: number, payloadBytes: number): LayerTotals {
  const { ivBytes, icvBytes } = sa.suite;
  return {
    ...sa.outside,
    espIv: ivBytes,
    espIcv: icvBytes,
    espTrailer: ESP_TRAILER_BYTES,
    innerIp: headerBytes - TRANSPORT_BYTES,
    transport: TRANSPORT_BYTES,
    payload: payloadBytes,
    espPadding: plainLimit(sa, closedBytes) - headerBytes - payloadBytes,
  };
}
