import type { SecurityAssociationSummary } from '../analysis/analysis-summary.js';
import type { RowSink } from '../analysis/frame-walk.js';
import { addressesOf, KEY_WORDS, KeyTable } from '../analysis/key-table.js';
import { NOT_WIRE } from '../analysis/packet-class.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import type { ObservedFlow } from '../plan/what-if.js';
import { KEPT_REASONS, type KeptReason, type ObservedTraffic } from '../plan/what-if-report.js';
import { ClosedEspFlows } from './closed-esp-flows.js';
import { carriedBytes, fragmentHeaderBytes, RowTotals } from './row-totals.js';
import { SegmentLengths } from './segment-lengths.js';

/*
 * Theory of operation. A segment can be cut anew if its size follows from its payload, the stack and the flow: TCP that can be
 * read, plain IP headers, the options that the flow's other segments have, bytes that had not been sent before. What the
 * model does not speak of is kept as it was recorded, and counted by reason: so totals can be compared with the capture.
 *
 * Which payload length is that of a full segment is seen from the largest between the two hosts under the same kind of protection: a
 * connection that only ever sent short messages has no full segments. Below MIN_FULL_BYTES nothing is taken for one.
 */

/** Payload and options of a full segment are at least so long (RFC 9293 section 3.7.1: the default MSS). */
export const MIN_FULL_BYTES = 536;

const MAX_FLOWS = 65_536;
const Slot = { other: 0, first: 1 } as const;
const IPPROTO_TCP = 6;
const TCP_HEADER_BYTES = 20;
const FIN_SYN_RST = 0x07;
const UNUSABLE =
  PacketFlag.malformed | PacketFlag.cutBySnaplen | PacketFlag.innerFragment | PacketFlag.incomplete;
const PROTECTION = PacketFlag.ah | PacketFlag.esp | PacketFlag.udpEncap;

/** One direction of a TCP connection, or of several that used the same ports. */
interface FlowState {
  readonly family: 4 | 6;
  readonly linkHeaderBytes: number;
  readonly tcpOptionBytes: number;
  /** Flags of its largest segment. */
  protection: number;
  /** Sequence number behind all that was sent; -1: nothing yet. */
  end: number;
  pureAcks: number;
  readonly lengths: SegmentLengths;
}

/** Collects what `whatIf` needs from the rows of captures. */
export class ObservedFlows implements RowSink {
  readonly #table = new KeyTable(Slot.first, MAX_FLOWS, Slot.other);
  readonly #flows: (FlowState | undefined)[] = [];
  readonly #captured = new RowTotals();
  readonly #resegmented = new RowTotals();
  readonly #closed = new ClosedEspFlows();
  readonly #superFrames = { frames: 0, bytes: 0 };
  readonly #kept = Object.fromEntries(KEPT_REASONS.map((reason) => [reason, 0])) as Record<
    KeptReason,
    number
  >;
  #view: DataView = new DataView(new ArrayBuffer(0));

  add(batch: PacketBatch, from: number, to: number): void {
    const { data } = batch.block;
    if (data.buffer !== this.#view.buffer || data.byteLength !== this.#view.byteLength) {
      this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    for (let row = from; row < to; row++) {
      const flags = batch.flags[row]!;
      if ((flags & NOT_WIRE) !== 0) {
        if ((flags & PacketFlag.superFrame) !== 0) this.#leaveOut(batch.block.wireLength[row]!);
        continue;
      }
      if ((flags & PacketFlag.reassembled) !== 0) this.#addDatagram(batch, row);
      else this.#addFrame(batch, row, flags);
    }
  }

  /**
   * Ends the collection.
   * @param associations of the same packets, for the suites of ESP that stayed closed
   */
  finish(associations: readonly SecurityAssociationSummary[]): ObservedTraffic {
    const closed = this.#closed.finish(associations, this.#captured, this.#resegmented);
    for (const [reason, packets] of Object.entries(closed.kept)) this.#kept[reason as KeptReason] += packets;
    const open = this.#openFlows();
    const flows = closed.flows.map(({ peer, ...flow }) =>
      peer === undefined ? flow : { ...flow, peer: peer + open.length },
    );
    return {
      captured: this.#captured.totals(),
      resegmented: this.#resegmented.totals(),
      flows: [...open, ...flows],
      kept: this.#kept,
      inferredPackets: closed.packets,
      superFrames: this.#superFrames,
    };
  }

  #leaveOut(wireBytes: number): void {
    this.#superFrames.frames += 1;
    this.#superFrames.bytes += wireBytes;
  }

  #addFrame(batch: PacketBatch, row: number, flags: number): void {
    this.#captured.addFrame(batch, row);
    if ((flags & PacketFlag.fragment) !== 0) {
      // Until its datagram is whole.
      this.#kept.fragments += 1;
      return;
    }
    if (this.#closed.take(batch, row)) return;
    const reason = this.#take(batch, row, batch.ipOffset[row]! - batch.block.offset[row]!);
    if (reason === null) this.#resegmented.addFrame(batch, row);
    else this.#kept[reason] += 1;
  }

  #addDatagram(batch: PacketBatch, row: number): void {
    this.#captured.resolveDatagram(batch, row);
    const ip = batch.ipOffset[row]!;
    if (ip === NONE) return;
    const headerBytes = batch.fragmentBytes[row]! - carriedBytes(batch, row);
    const fragments = batch.fragments[row]!;
    const linkHeaderBytes = headerBytes / fragments - fragmentHeaderBytes(batch.block.data, ip);
    if (!Number.isInteger(linkHeaderBytes)) return;
    if (this.#take(batch, row, linkHeaderBytes) !== null) return;
    this.#resegmented.addDatagram(batch, row);
    this.#kept.fragments -= fragments;
  }

  /** Adds the row to its flow. @returns null, or why it is kept as it is */
  #take(batch: PacketBatch, row: number, linkHeaderBytes: number): KeptReason | null {
    const flags = batch.flags[row]!;
    if ((flags & UNUSABLE) !== 0) return 'unusual';
    if (batch.protocol[row] === 50) return 'closed';
    if ((flags & PacketFlag.tcp) === 0 || batch.protocol[row] !== IPPROTO_TCP) return 'notTcp';
    const transport = batch.transportOffset[row]!;
    const ip = batch.innerIpOffset[row]!;
    if (transport === NONE || !isPlain(batch, row, ip)) return 'unusual';
    const { data } = batch.block;
    const payloadBytes = batch.payloadLength[row]!;
    const control = data[transport + 13]! & FIN_SYN_RST;
    const slot = this.#slotOf(batch, row, ip, transport);
    if (slot === Slot.other) return 'unusual';
    if ((flags & PacketFlag.tcpSyn) !== 0) {
      const known = this.#flows[slot];
      if (known !== undefined) known.end = -1;
      return 'handshake';
    }
    if (control !== 0 && payloadBytes === 0) return 'handshake';
    const optionBytes = batch.payloadOffset[row]! - transport - TCP_HEADER_BYTES;
    let flow = this.#flows[slot];
    if (flow === undefined) {
      if (hasSackBlocks(data, transport)) return 'tcpOptions';
      flow = newFlow((flags & PacketFlag.ipv6) === 0 ? 4 : 6, linkHeaderBytes, optionBytes);
      this.#flows[slot] = flow;
    }
    const sequence = this.#view.getUint32(transport + 4);
    // New bytes count even if their segment is kept: what comes behind them is not sent again.
    const isNew = payloadBytes === 0 || takeNewBytes(flow, sequence, payloadBytes);
    if (!isNew) return 'retransmitted';
    if (optionBytes !== flow.tcpOptionBytes) return 'tcpOptions';
    const isFilled = batch.layerBytes[row * LAYER_STRIDE + Layer.link]! > linkHeaderBytes;
    if (linkHeaderBytes !== flow.linkHeaderBytes || isFilled) return 'unusual';
    if (payloadBytes === 0) {
      flow.pureAcks += 1;
      return null;
    }
    if (payloadBytes > flow.lengths.longest) flow.protection = flags & PROTECTION;
    flow.lengths.add(payloadBytes);
    return null;
  }

  #slotOf(batch: PacketBatch, row: number, ip: number, transport: number): number {
    const ports = this.#view.getInt32(transport);
    if ((batch.flags[row]! & PacketFlag.ipv6) !== 0) return this.#table.find6(0, ports, this.#view, ip + 8);
    return this.#table.find4(0, ports, this.#view.getInt32(ip + 12), this.#view.getInt32(ip + 16));
  }

  #openFlows(): ObservedFlow[] {
    const { state } = this.#table;
    const used = this.#flows.flatMap((flow, slot) => (flow === undefined ? [] : [{ flow, slot }]));
    const indexOf = new Map(used.map(({ slot }, index) => [directionKey(state.keys, slot, false), index]));
    const groups = new Map<string, number>();
    const groupOf = ({ flow, slot }: (typeof used)[number]): string => {
      const { source, destination } = addressesOf(state, slot);
      return `${[source, destination].sort().join(' ')} ${flow.protection}`;
    };
    for (const each of used) {
      const bytes = each.flow.lengths.longest + each.flow.tcpOptionBytes;
      groups.set(groupOf(each), Math.max(bytes, groups.get(groupOf(each)) ?? 0));
    }
    return used.map((each) => {
      const peer = indexOf.get(directionKey(state.keys, each.slot, true));
      const observed = observedFlow(each.flow, groups.get(groupOf(each))!);
      return peer === undefined ? observed : { ...observed, peer };
    });
  }
}

function newFlow(family: 4 | 6, linkHeaderBytes: number, tcpOptionBytes: number): FlowState {
  const lengths = new SegmentLengths();
  return { family, linkHeaderBytes, tcpOptionBytes, protection: 0, end: -1, pureAcks: 0, lengths };
}

function observedFlow(flow: FlowState, groupBytes: number): ObservedFlow {
  const { family, linkHeaderBytes, tcpOptionBytes, pureAcks, lengths } = flow;
  const bytes = lengths.longest + tcpOptionBytes;
  const hasFull = bytes >= MIN_FULL_BYTES && bytes === groupBytes;
  const bursts = new Map<number, number>();
  for (const { full, rest, count } of hasFull ? lengths.runs() : lengths.singles()) {
    const sent = full * lengths.longest + rest;
    bursts.set(sent, (bursts.get(sent) ?? 0) + count);
  }
  const mssBytes = Math.max(1, groupBytes - tcpOptionBytes);
  return { family, linkHeaderBytes, tcpOptionBytes, mssBytes, bursts, pureAcks };
}

/** IP headers without options or extensions, and nothing between them that IPsec did not put there. */
function isPlain(batch: PacketBatch, row: number, innerIp: number): boolean {
  const layers = row * LAYER_STRIDE;
  const isIpsec = batch.securityStart[row] !== batch.securityStart[row + 1];
  const isTunnel = batch.layerBytes[layers + Layer.innerIp]! > 0;
  if (batch.layerBytes[layers + Layer.other]! > 0 || (isTunnel && !isIpsec)) return false;
  return isPlainIp(batch, batch.ipOffset[row]!) && isPlainIp(batch, innerIp);
}

/** Is there an IP header of the usual length? Of IPv6, extension headers before AH and ESP are not looked for. */
export function isPlainIp(batch: PacketBatch, ip: number): boolean {
  const versionAndLength = batch.block.data[ip]!;
  return versionAndLength === 0x45 || versionAndLength >> 4 === 6;
}

/** @returns false if some of these bytes had been sent before: a retransmission, or a segment that comes late */
function takeNewBytes(flow: FlowState, sequence: number, bytes: number): boolean {
  if (flow.end >= 0 && ((sequence - flow.end) | 0) < 0) return false;
  flow.end = (sequence + bytes) >>> 0;
  return true;
}

const OPTION_NOP = 1;
const OPTION_SACK = 5;

/** RFC 2018 section 3. */
function hasSackBlocks(data: Uint8Array, transport: number): boolean {
  const end = transport + (data[transport + 12]! >> 4) * 4;
  for (let i = transport + TCP_HEADER_BYTES; i < end; ) {
    const kind = data[i]!;
    if (kind === OPTION_SACK) return true;
    if (kind === 0) return false;
    i += kind === OPTION_NOP ? 1 : Math.max(2, data[i + 1] ?? 2);
  }
  return false;
}

/** Text that is the same for a flow and, reversed, for its other direction. */
function directionKey(keys: Int32Array, slot: number, reversed: boolean): string {
  const at = slot * KEY_WORDS;
  const words = keys[at]! < 0 ? 4 : 1;
  const ports = keys[at + 1]!;
  const source = keys.slice(at + 2, at + 2 + words).join();
  const destination = keys.slice(at + 2 + words, at + 2 + 2 * words).join();
  if (!reversed) return `${ports} ${source} ${destination}`;
  return `${(ports << 16) | (ports >>> 16) | 0} ${destination} ${source}`;
}
