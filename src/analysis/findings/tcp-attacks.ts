import { LinkType } from '../../packet/link.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { NOT_WIRE } from '../packet-class.js';
import { AddressClaims, type AddressClaimsState } from './address-claims.js';
import type { Detector, DetectorType, FindingContext } from './detector.js';
import { addEncounter, mergeEncounters, newEncounters } from './encounters.js';
import type { Finding } from './finding.js';
import { FlowKeys } from './flow-words.js';
import { NEIGHBOUR_FLAGS, noteNeighbours } from './neighbour-messages.js';
import { HEAD_BYTES, SegmentWindow, type SegmentWindowState } from './segment-window.js';
import { SenderTable, type SenderTableState } from './sender-table.js';
import { type Contradictions, judgeContradictions, judgeSenders } from './tcp-rules.js';
import { type TooBigMessage, TooBigMessages } from './too-big-messages.js';
import { judgeTooBig } from './too-big-rules.js';
import { mixLow } from './word-hash.js';

/*
 * Theory of operation. Of TCP that nothing protects each segment is looked at: does it say what another one said that began at
 * the same byte (segment-window.ts), does it come from where the connection's last one came from (sender-table.ts)? The second
 * table also tells whether a packet-too-big message is about a segment that was sent. Segments inside AH and ESP are left out:
 * who forges them fails at the ICV.
 */

/** Most connections in which contradictions are told apart. */
const MAX_FLOWS = 256;
/** Rows that are plain TCP segments have `tcp` alone of these; a super-frame is one, too, of the bytes that it carries. */
const SEGMENT =
  PacketFlag.tcp |
  PacketFlag.ah |
  PacketFlag.esp |
  PacketFlag.tunnel |
  PacketFlag.malformed |
  PacketFlag.reassembled |
  PacketFlag.decapsulatedCopy;
const UNUSUAL = NEIGHBOUR_FLAGS | PacketFlag.packetTooBig;
const SYN = 0x02;
const RST = 0x04;
const TCP_FLAGS = 13;

/** Plain data. */
interface State {
  segments: SegmentWindowState;
  senders: SenderTableState;
  contradictions: Map<string, Contradictions>;
  tooBig: TooBigMessage[];
  arp: AddressClaimsState;
  nd: AddressClaimsState;
}

/** Segments in a connection that its sender did not send, and forged messages about those that it sent. */
export const tcpAttacks: DetectorType = {
  ids: ['tcp-injection', 'second-sender', 'packet-too-big-forged'],
  looksFor: 'injected TCP segments, second senders, forged packet-too-big messages',
  create: (fileIndex) => new TcpAttacks(fileIndex),
};

class TcpAttacks implements Detector<State> {
  readonly flags = PacketFlag.tcp | UNUSUAL;
  private readonly fileIndex: number;
  private readonly keys = new FlowKeys();
  private readonly segment = { sequence: 0, end: 0, head: 0, body: 0, length: 0 };
  private readonly sent = { mac0: 0, mac1: 0, mac2: 0, ttl: 0, isReset: false, end: 0, hasData: false };
  private readonly contradictions = new Map<string, Contradictions>();
  private readonly segments = new SegmentWindow((encounter, flow) => {
    const contradictions = this.contradictionsOf(flow);
    if (contradictions !== null) addEncounter(contradictions.encounters, encounter);
  });
  private readonly senders = new SenderTable();
  private readonly tooBig = new TooBigMessages();
  private readonly claims = { arp: new AddressClaims(), nd: new AddressClaims() };
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.data.buffer);

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  get state(): State {
    return {
      segments: this.segments.state,
      senders: this.senders.state,
      contradictions: this.contradictions,
      tooBig: this.tooBig.state,
      arp: this.claims.arp.state,
      nd: this.claims.nd.state,
    };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { data } = batch.block;
    if (data !== this.data) {
      this.data = data;
      this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    const { flags } = batch;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & SEGMENT) === PacketFlag.tcp) this.addSegment(batch, row);
      else if ((rowFlags & UNUSUAL) !== 0) this.addUnusual(batch, row, rowFlags);
    }
  }

  private addUnusual(batch: PacketBatch, row: number, rowFlags: number): void {
    if ((rowFlags & NOT_WIRE) !== 0) return;
    noteNeighbours(this.claims, batch, row, this.fileIndex);
    if ((rowFlags & PacketFlag.packetTooBig) !== 0)
      this.tooBig.add(batch, row, this.view, this.senders, this.fileIndex);
  }

  private addSegment(batch: PacketBatch, row: number): void {
    const { view, data, keys } = this;
    const tcp = batch.transportOffset[row]!;
    if (tcp === NONE) return;
    const tcpFlags = data[tcp + TCP_FLAGS]!;
    const bytes = batch.payloadLength[row]!;
    // Acknowledgements alone put nothing into a connection.
    if (bytes === 0 && (tcpFlags & (SYN | RST)) === 0) return;
    const ip = batch.innerIpOffset[row]!;
    const isV6 = (batch.flags[row]! & PacketFlag.ipv6) !== 0;
    if (isV6) keys.take6(view.getInt32(tcp), view, ip + 8);
    else keys.take4(view.getInt32(tcp), view.getInt32(ip + 12), view.getInt32(ip + 16));
    // A SYN takes one number before its data.
    const sequence = (view.getInt32(tcp + 4) + ((tcpFlags & SYN) === 0 ? 0 : 1)) | 0;
    const isReset = (tcpFlags & RST) !== 0;
    this.noteSender(batch, row, data[isV6 ? ip + 7 : ip + 8]!, sequence, isReset);
    // What a reset carries is a message, no data (RFC 9293 section 3.5.3).
    if (!isReset && bytes >= HEAD_BYTES) this.noteBytes(batch, row, sequence);
  }

  private noteSender(batch: PacketBatch, row: number, ttl: number, sequence: number, isReset: boolean): void {
    const { view, sent } = this;
    const isEthernet = batch.block.linkType[row] === LinkType.ethernet;
    const frame = batch.block.offset[row]!;
    const bytes = isReset ? 0 : batch.payloadLength[row]!;
    sent.mac0 = isEthernet ? view.getInt32(frame) : 0;
    sent.mac1 = isEthernet ? view.getInt32(frame + 4) : 0;
    sent.mac2 = isEthernet ? view.getInt32(frame + 8) : 0;
    // Without addresses the two sides of a router cannot be told apart, nor their TTLs.
    sent.ttl = isEthernet ? ttl : 0;
    sent.isReset = isReset;
    sent.end = (sequence + bytes) | 0;
    sent.hasData = bytes > 0;
    this.senders.put(sent, this.keys, batch, row, this.fileIndex);
  }

  private noteBytes(batch: PacketBatch, row: number, sequence: number): void {
    const { view, segment, keys } = this;
    const { block } = batch;
    const at = batch.payloadOffset[row]!;
    const bytes = batch.payloadLength[row]!;
    const captured = block.offset[row]! + block.capturedLength[row]! - at;
    if (at === NONE || captured < HEAD_BYTES) return;
    segment.sequence = sequence;
    segment.end = (sequence + bytes) | 0;
    segment.head = mixLow(mixLow(0, view.getInt32(at)), view.getInt32(at + 4));
    segment.length = 0;
    segment.body = 0;
    if (captured >= bytes) {
      segment.length = bytes;
      segment.body = mixLow(view.getInt32(at + (bytes >> 1) - 2), view.getInt32(at + bytes - 4));
    }
    this.segments.put(segment, keys, batch, row, this.fileIndex);
  }

  private contradictionsOf(flow: Int32Array): Contradictions | null {
    const key = flow.join(' ');
    const known = this.contradictions.get(key);
    if (known !== undefined) return known;
    if (this.contradictions.size === MAX_FLOWS) return null;
    const added = { flow, encounters: newEncounters() };
    this.contradictions.set(key, added);
    return added;
  }

  merge(later: State, framesBefore: number): void {
    for (const { flow, encounters } of later.contradictions.values()) {
      const known = this.contradictionsOf(flow);
      if (known !== null) mergeEncounters(known.encounters, encounters, framesBefore);
    }
    this.segments.merge(later.segments, framesBefore);
    this.tooBig.merge(later.tooBig, this.senders, framesBefore);
    this.senders.merge(later.senders, framesBefore);
    this.claims.arp.merge(later.arp, framesBefore);
    this.claims.nd.merge(later.nd, framesBefore);
  }

  findings(context: FindingContext): Finding[] {
    // In which order connections came together depends on the pieces that were read.
    const contradictions = [...this.contradictions].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...judgeContradictions(
        contradictions.map(([, one]) => one),
        context,
      ),
      ...judgeSenders(this.senders.state.changes, this.claims, context),
      ...judgeTooBig(this.tooBig.state, this.claims, context),
    ];
  }
}
