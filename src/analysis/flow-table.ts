import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { parseTcpOptions, type TcpOptions } from '../packet/tcp.js';
import { clearFlowRecord, FLOW_STRIDE, Flow, mergeFlowRecord } from './flow-record.js';
import { ipHeaderBytes } from './ip-header.js';
import { KEY_WORDS, KeyTable, type KeyTableState } from './key-table.js';
import {
  datagramClass,
  isOuterFragment,
  NOT_WIRE,
  protectionClass,
  provisionalClass,
  provisionalClassOfDatagram,
} from './packet-class.js';
import { tunnelBytesOf } from './security-row.js';
import { redundantBytesOf, synOf, TcpStreams, type TcpStreamsState } from './tcp-streams.js';
import { widenSpan } from './time-span.js';

/*
 * Theory of operation. Each row that counts goes to exactly one record, and a record's layers add up to its bytes. So
 * everything that is known of the wire as a whole is the sum over all records, and need not be counted a second time.
 *
 * Three records are no flows: rows without addresses, flows for which there was no room, and fragments. A fragment waits
 * in the last one, classed by the protocol its IP header names. A reassembled datagram takes its fragments from there to
 * its flow: packets, bytes, data, headers. What is left at the end belongs to datagrams that never became whole.
 */

/** Slots that are no flows. */
export const FlowSlot = { none: 0, other: 1, fragments: 2, first: 3 } as const;

/** Most flows told apart. */
export const MAX_FLOWS = 65_536;

/** Bits of word 0 of a flow's key, above the protocol number. Word 1: source port, destination port. */
export const FLOW_HAS_PORTS = 1 << 16;

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** Rows that are counted in another way. */
const UNUSUAL = NOT_WIRE | PacketFlag.fragment | PacketFlag.innerFragment | PacketFlag.reassembled;
/** Rows whose slot is not looked up, but for fragments inside tunnels. */
const NO_FLOW = NOT_WIRE | PacketFlag.fragment;
/** Rows whose TCP segment is not whole. */
const NO_SEGMENT = NOT_WIRE | PacketFlag.fragment | PacketFlag.innerFragment | PacketFlag.incomplete;
const TUNNEL = PacketFlag.tunnel;

/** Plain data. */
export interface FlowsState {
  table: KeyTableState;
  /** `FLOW_STRIDE` numbers a slot, see flow-record.ts. */
  records: Float64Array;
  streams: TcpStreamsState;
}

/** Payload bytes of a flow's TCP connections that told nothing new: retransmissions, keep-alives. Changes nothing. */
export function redundantBytesOfFlow({ records, streams }: FlowsState, slot: number): number {
  const at = slot * FLOW_STRIDE;
  const head = records[at + Flow.headStream]!;
  const tail = records[at + Flow.tailStream]!;
  const past =
    records[at + Flow.pastBytes]! - records[at + Flow.pastDistinct]! + records[at + Flow.pastKeepAlives]!;
  if (head === 0) return past;
  const first = past + redundantBytesOf(streams, head);
  return tail === head ? first : first + redundantBytesOf(streams, tail);
}

/** Everything counted per flow; `flows.ts` tells it. */
export class FlowTable {
  readonly state: FlowsState;
  private readonly table = new KeyTable(FlowSlot.first, MAX_FLOWS, FlowSlot.other);
  private readonly streams = new TcpStreams();
  private readonly options: TcpOptions = { mss: 0, windowScale: 0, sackPermitted: false, timestamps: false };
  /** Slot of each row of the batch being added. */
  private slots = new Int32Array(0);
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.data.buffer);

  constructor() {
    const records = new Float64Array(16 * FLOW_STRIDE);
    for (let at = 0; at < records.length; at += FLOW_STRIDE) clearFlowRecord(records, at);
    this.state = { table: this.table.state, records, streams: this.streams.state };
  }

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    if (batch.block.data !== this.data) this.attach(batch.block.data);
    if (this.slots.length < to) this.slots = new Int32Array(batch.capacity);
    this.findSlots(batch, from, to);
    this.countRows(batch, from, to);
    this.followTcp(batch, from, to);
  }

  private attach(data: Uint8Array): void {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Fills `slots`. Where there is an offset, the decoder has seen the whole header. */
  private findSlots(batch: PacketBatch, from: number, to: number): void {
    const { slots, view, table } = this;
    const { flags, innerIpOffset, protocol, transportOffset } = batch;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      const ip = innerIpOffset[row]!;
      if ((rowFlags & NO_FLOW) !== 0 || ip === NONE) {
        slots[row] =
          (rowFlags & NOT_WIRE) === 0 && isOuterFragment(rowFlags) ? FlowSlot.fragments : FlowSlot.none;
        if ((rowFlags & PacketFlag.innerFragment) === 0 || ip === NONE || (rowFlags & NOT_WIRE) !== 0)
          continue;
      }
      let meta = protocol[row]!;
      let ports = 0;
      if (meta === IPPROTO_TCP || meta === IPPROTO_UDP) {
        const transport = transportOffset[row]!;
        if (transport !== NONE) {
          ports = view.getInt32(transport);
          meta |= FLOW_HAS_PORTS;
        }
      }
      slots[row] =
        (rowFlags & PacketFlag.ipv6) !== 0
          ? table.find6(meta, ports, view, ip + 8)
          : table.find4(meta, ports, view.getInt32(ip + 12), view.getInt32(ip + 16));
    }
    while (this.state.table.count * FLOW_STRIDE > this.state.records.length) this.grow();
  }

  private countRows(batch: PacketBatch, from: number, to: number): void {
    const { slots } = this;
    const { flags } = batch;
    for (let row = from; row < to; ) {
      const rowFlags = flags[row]!;
      if ((rowFlags & (UNUSUAL | TUNNEL)) === 0) {
        row = this.countRun(batch, row, to);
        continue;
      }
      this.countUnusual(batch, row, rowFlags, slots[row]!);
      row++;
    }
  }

  /**
   * Counts rows of one flow and kind whose times do not go back, most traffic being such runs.
   * @returns the first row behind the run
   */
  private countRun(batch: PacketBatch, start: number, to: number): number {
    const { slots } = this;
    const { records } = this.state;
    const { flags, protocol, layerBytes } = batch;
    const { wireLength, timeSeconds, timeNanoseconds } = batch.block;
    const slot = slots[start]!;
    const rowFlags = flags[start]!;
    const rowProtocol = protocol[start]!;
    const at = slot * FLOW_STRIDE;
    let wireBytes = 0;
    let link = 0;
    let ip = 0;
    let transport = 0;
    let payload = 0;
    let espHeader = 0;
    let espOpaque = 0;
    let row = start;
    for (;;) {
      const from = row * LAYER_STRIDE;
      const rowLink = layerBytes[from + Layer.link]!;
      const rowIp = layerBytes[from + Layer.ip]!;
      const rowTransport = layerBytes[from + Layer.transport]!;
      const rowPayload = layerBytes[from + Layer.payload]!;
      const rowEspHeader = layerBytes[from + Layer.espHeader]!;
      const rowEspOpaque = layerBytes[from + Layer.espOpaque]!;
      const wire = wireLength[row]!;
      wireBytes += wire;
      link += rowLink;
      ip += rowIp;
      transport += rowTransport;
      payload += rowPayload;
      espHeader += rowEspHeader;
      espOpaque += rowEspOpaque;
      if (rowLink + rowIp + rowTransport + rowPayload + rowEspHeader + rowEspOpaque !== wire) {
        addRareLayers(records, at, layerBytes, from);
      }
      const before = row++;
      if (row === to || slots[row] !== slot || flags[row] !== rowFlags || protocol[row] !== rowProtocol)
        break;
      const seconds = timeSeconds[row]! - timeSeconds[before]!;
      if (seconds < 0 || (seconds === 0 && timeNanoseconds[row]! < timeNanoseconds[before]!)) break;
    }
    this.count(slot, protectionClass(rowFlags, rowProtocol), row - start, wireBytes);
    records[at + Layer.link]! += link;
    records[at + Layer.ip]! += ip;
    records[at + Layer.transport]! += transport;
    records[at + Layer.payload]! += payload;
    records[at + Layer.espHeader]! += espHeader;
    records[at + Layer.espOpaque]! += espOpaque;
    widenSpan(records, at + Flow.span, timeSeconds[start]!, timeNanoseconds[start]!);
    widenSpan(records, at + Flow.span, timeSeconds[row - 1]!, timeNanoseconds[row - 1]!);
    return row;
  }

  /** Counts a row that is no part of a run: a packet of the wire that is not reassembled. */
  private countRow(batch: PacketBatch, row: number, kind: number, slot: number): void {
    const { records } = this.state;
    const { wireLength, timeSeconds, timeNanoseconds } = batch.block;
    const at = slot * FLOW_STRIDE;
    this.count(slot, kind, 1, wireLength[row]!);
    addLayers(records, at, batch.layerBytes, row * LAYER_STRIDE);
    widenSpan(records, at + Flow.span, timeSeconds[row]!, timeNanoseconds[row]!);
    records[at + Flow.tunnelBytes]! += tunnelBytesOf(batch, row);
  }

  private followTcp(batch: PacketBatch, from: number, to: number): void {
    const { slots, view, streams } = this;
    const { records } = this.state;
    const { flags, transportOffset, payloadLength } = batch;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & PacketFlag.tcp) === 0 || (rowFlags & NO_SEGMENT) !== 0) continue;
      const transport = transportOffset[row]!;
      const slot = slots[row]!;
      if (transport === NONE || slot < FlowSlot.first) continue;
      const at = slot * FLOW_STRIDE;
      const isSyn = (rowFlags & PacketFlag.tcpSyn) !== 0;
      if (isSyn) this.addSyn(at, transport, view.getInt32(transport + 4));
      const length = payloadLength[row]!;
      if (length === 0 || length === NONE) continue;
      if (length > records[at + Flow.mssUsed]!) records[at + Flow.mssUsed] = length;
      const stream = records[at + Flow.tailStream]! | 0;
      // SYN takes one sequence number, data on it starts behind (RFC 7413).
      const sequence = view.getInt32(transport + 4) + (isSyn ? 1 : 0);
      streams.addSegment(stream === 0 ? this.startStream(at, -1) : stream, sequence | 0, length);
    }
  }

  private grow(): void {
    const old = this.state.records;
    const records = new Float64Array(old.length * 2);
    records.set(old);
    for (let at = old.length; at < records.length; at += FLOW_STRIDE) clearFlowRecord(records, at);
    this.state.records = records;
  }

  private countUnusual(batch: PacketBatch, row: number, rowFlags: number, slot: number): void {
    if ((rowFlags & NOT_WIRE) !== 0) return;
    if ((rowFlags & PacketFlag.reassembled) !== 0) {
      this.countDatagram(batch, row, rowFlags, slot);
      return;
    }
    const protocol = batch.protocol[row]!;
    const kind = isOuterFragment(rowFlags) ? provisionalClass(protocol) : protectionClass(rowFlags, protocol);
    this.countRow(batch, row, kind, slot);
  }

  private count(slot: number, kind: number, packets: number, bytes: number): void {
    const { records } = this.state;
    records[slot * FLOW_STRIDE + Flow.packets + kind]! += packets;
    records[slot * FLOW_STRIDE + Flow.bytes + kind]! += bytes;
  }

  /** Takes the fragments of a datagram from where they wait to its flow. */
  private countDatagram(batch: PacketBatch, row: number, rowFlags: number, slot: number): void {
    const packets = batch.fragments[row]!;
    const bytes = batch.fragmentBytes[row]!;
    const isWhole = (rowFlags & PacketFlag.incomplete) === 0;
    this.count(FlowSlot.fragments, provisionalClassOfDatagram(batch, row), -packets, -bytes);
    this.count(slot, datagramClass(batch, row), packets, bytes);
    this.moveDatagramLayers(batch, row, slot, isWhole);
    const { timeSeconds, timeNanoseconds } = batch.block;
    widenSpan(this.state.records, slot * FLOW_STRIDE + Flow.span, timeSeconds[row]!, timeNanoseconds[row]!);
    if (isWhole) this.state.records[slot * FLOW_STRIDE + Flow.tunnelBytes]! += tunnelBytesOf(batch, row);
  }

  /**
   * The datagram's own layers hold no link and IP header. Of the headers of its fragments, known as a sum only, the flow
   * is charged one IP header each; the rest is link.
   */
  private moveDatagramLayers(batch: PacketBatch, row: number, slot: number, isWhole: boolean): void {
    const { records } = this.state;
    const at = slot * FLOW_STRIDE + Flow.layers;
    const waiting = FlowSlot.fragments * FLOW_STRIDE + Flow.layers;
    let data = 0;
    for (let layer = 0; layer < LAYER_STRIDE; layer++) {
      const bytes = batch.layerBytes[row * LAYER_STRIDE + layer]!;
      data += bytes;
      records[at + (isWhole ? layer : Layer.other)]! += bytes;
    }
    const ip = batch.ipOffset[row]!;
    const headers = batch.fragmentBytes[row]! - data;
    const ipBytes = ip === NONE ? 0 : batch.fragments[row]! * ipHeaderBytes(this.data, ip);
    const charged = Math.min(Math.max(0, headers), ipBytes);
    records[at + Layer.ip]! += charged;
    records[at + Layer.link]! += headers - charged;
    records[waiting + Layer.ip]! -= charged;
    records[waiting + Layer.link]! -= headers - charged;
    records[waiting + Layer.fragment]! -= data;
  }

  private addSyn(at: number, transport: number, sequence: number): void {
    const { records } = this.state;
    if (records[at + Flow.mssAnnounced] === 0) {
      parseTcpOptions(this.data, transport, this.options);
      records[at + Flow.mssAnnounced] = this.options.mss;
    }
    const stream = records[at + Flow.tailStream]!;
    if (stream === 0 || this.streams.synOf(stream) !== sequence >>> 0) this.startStream(at, sequence >>> 0);
  }

  /** A new connection of the flow. The first and the last one stay open for merging, those between become totals. */
  private startStream(at: number, syn: number): number {
    const { records } = this.state;
    const head = records[at + Flow.headStream]!;
    const tail = records[at + Flow.tailStream]!;
    if (head !== tail) {
      this.retire(at, this.streams, tail);
      this.streams.reset(tail, syn);
      return tail;
    }
    const stream = this.streams.create(syn);
    if (head === 0) records[at + Flow.headStream] = stream;
    records[at + Flow.tailStream] = stream;
    return stream;
  }

  private retire(at: number, streams: TcpStreams, stream: number): void {
    const { records } = this.state;
    const totals = streams.totals(stream);
    records[at + Flow.pastBytes]! += totals.bytes;
    records[at + Flow.pastDistinct]! += totals.distinctBytes;
    records[at + Flow.pastRetransmissions]! += totals.retransmissions;
    records[at + Flow.pastKeepAlives]! += totals.keepAlives;
  }

  /** @param later of what was seen after everything in this table; not changed */
  merge(later: FlowsState): void {
    for (let other = 0; other < later.table.count; other++) {
      const slot = other < FlowSlot.first ? other : this.table.findKey(later.table.keys, other * KEY_WORDS);
      if ((slot + 1) * FLOW_STRIDE > this.state.records.length) this.grow();
      const otherAt = other * FLOW_STRIDE;
      mergeFlowRecord(this.state.records, slot * FLOW_STRIDE, later.records, otherAt);
      if (slot >= FlowSlot.first) this.mergeStreams(slot * FLOW_STRIDE, later, otherAt);
    }
  }

  private mergeStreams(at: number, later: FlowsState, otherAt: number): void {
    const { records } = this.state;
    const otherHead = later.records[otherAt + Flow.headStream]!;
    const otherTail = later.records[otherAt + Flow.tailStream]!;
    if (otherHead === 0) return;
    if (records[at + Flow.headStream] === 0) {
      const head = this.streams.adopt(later.streams, otherHead);
      records[at + Flow.headStream] = head;
      records[at + Flow.tailStream] =
        otherTail === otherHead ? head : this.streams.adopt(later.streams, otherTail);
      return;
    }
    const tail = records[at + Flow.tailStream]!;
    const otherSyn = synOf(later.streams, otherHead);
    if (otherSyn === -1 || otherSyn === this.streams.synOf(tail)) {
      this.streams.join(tail, later.streams, otherHead);
    } else {
      this.streams.overwrite(this.startStream(at, -1), later.streams, otherHead);
    }
    if (otherTail === otherHead) return;
    // A piece that begins within a connection cannot tell a repetition of its SYN from a new one.
    const isRepeatedSyn = otherSyn === -1 && synOf(later.streams, otherTail) === this.streams.synOf(tail);
    if (isRepeatedSyn && later.records[otherAt + Flow.pastBytes] === 0) {
      this.streams.join(tail, later.streams, otherTail);
      return;
    }
    this.streams.overwrite(this.startStream(at, -1), later.streams, otherTail);
  }

  /** What became of the TCP payload of a flow: all its connections. */
  streamTotals(slot: number): {
    bytes: number;
    distinct: number;
    retransmissions: number;
    keepAlives: number;
  } {
    const { records } = this.state;
    const at = slot * FLOW_STRIDE;
    const total = {
      bytes: records[at + Flow.pastBytes]!,
      distinct: records[at + Flow.pastDistinct]!,
      retransmissions: records[at + Flow.pastRetransmissions]!,
      keepAlives: records[at + Flow.pastKeepAlives]!,
    };
    const streams = new Set([records[at + Flow.headStream]!, records[at + Flow.tailStream]!]);
    streams.delete(0);
    for (const stream of streams) {
      const part = this.streams.totals(stream);
      total.bytes += part.bytes;
      total.distinct += part.distinctBytes;
      total.retransmissions += part.retransmissions;
      total.keepAlives += part.keepAlives;
    }
    return total;
  }
}

/** Adds all layers of a row. */
function addLayers(records: Float64Array, at: number, layers: Uint32Array, from: number): void {
  records[at + Layer.link]! += layers[from + Layer.link]!;
  records[at + Layer.ip]! += layers[from + Layer.ip]!;
  records[at + Layer.transport]! += layers[from + Layer.transport]!;
  records[at + Layer.payload]! += layers[from + Layer.payload]!;
  records[at + Layer.espHeader]! += layers[from + Layer.espHeader]!;
  records[at + Layer.espOpaque]! += layers[from + Layer.espOpaque]!;
  addRareLayers(records, at, layers, from);
}

/** Adds the layers that neither clear packets have nor closed ESP alone. */
function addRareLayers(records: Float64Array, at: number, layers: Uint32Array, from: number): void {
  records[at + Layer.udpEncap]! += layers[from + Layer.udpEncap]!;
  records[at + Layer.ah]! += layers[from + Layer.ah]!;
  records[at + Layer.espIv]! += layers[from + Layer.espIv]!;
  records[at + Layer.espPadding]! += layers[from + Layer.espPadding]!;
  records[at + Layer.espTrailer]! += layers[from + Layer.espTrailer]!;
  records[at + Layer.espIcv]! += layers[from + Layer.espIcv]!;
  records[at + Layer.innerIp]! += layers[from + Layer.innerIp]!;
  records[at + Layer.other]! += layers[from + Layer.other]!;
  records[at + Layer.fragment]! += layers[from + Layer.fragment]!;
}
