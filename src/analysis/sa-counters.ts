import {
  addEspIv,
  addEspLength,
  addEspTrailer,
  mergeSuiteEvidence,
  newSuiteEvidence,
  type SuiteEvidence,
} from '../ipsec/infer-evidence.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { Integrity, NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { ipHeaderBytes, isIpInIp, isIpv6At } from './ip-header.js';
import { KEY_WORDS, KeyTable, type KeyTableState } from './key-table.js';
import { NOT_WIRE } from './packet-class.js';
import { clearSaRecord, SA_STRIDE, Sa } from './sa-record.js';
import { nextHeaderOf } from './security-row.js';
import {
  addSequence,
  addSequenceRun,
  joinSequence,
  Sequence,
  type SequenceSets,
} from './sequence-numbers.js';
import { uniteSpans, widenSpan } from './time-span.js';

/** Slots that are no SA: `other` holds those for which there was no room. */
export const SaSlot = { other: 0, first: 1 } as const;

/** Most SAs told apart. */
export const MAX_SAS = 16_384;

/** Bit of word 0 of an SA's key, above the protocol number. Word 1 is the SPI. */
export const SA_UDP_ENCAP = 1 << 8;

export const IPPROTO_ESP = 50;
const ESP_HEADER_BYTES = 8;
/** ESP header and the 8 bytes where an IV may be. */
const IV_END = 16;

/** SAs whose suite can be inferred; the evidence of one takes up to 64 KiB. */
const MAX_EVIDENCE = 1024;

/** IVs and trailers are looked at in these packets only. Chosen by number, so that pieces choose as the whole does. */
function isSample(sequence: number): boolean {
  return (sequence & 31) === 0 || (sequence < 1024 && (sequence & 3) === 0);
}

/** What closed ESP shows of its suite. */
export interface ClosedEvidence {
  evidence: SuiteEvidence;
  /** ESP header and first 8 bytes of the first packet sampled: its IV is compared with that of the piece before. */
  firstIv: Uint8Array | null;
}

/** Plain data. */
export interface SecurityAssociationsState {
  table: KeyTableState;
  /** `SA_STRIDE` numbers a slot, see sa-record.ts. */
  records: Float64Array;
  sequences: SequenceSets;
  evidence: (ClosedEvidence | null)[];
}

/**
 * Everything counted per SA: protocol, SPI, both addresses, UDP encapsulation. The SAs of one packet (AH over ESP) are
 * each charged the whole packet. `security-associations.ts` tells it.
 */
export class SaCounters {
  readonly state: SecurityAssociationsState;
  private readonly table = new KeyTable(SaSlot.first, MAX_SAS, SaSlot.other);
  /** Slot of each security header of the batch being added. */
  private slots = new Int32Array(0);
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));

  constructor() {
    const records = new Float64Array(8 * SA_STRIDE);
    for (let at = 0; at < records.length; at += SA_STRIDE) clearSaRecord(records, at);
    this.state = { table: this.table.state, records, sequences: { seen: [], rising: [] }, evidence: [] };
  }

  /** Counts the AH and ESP headers of rows `from` to `to`; of all rows unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    const start = batch.securityStart[from]!;
    const end = batch.securityStart[to]!;
    if (start === end) return;
    if (batch.block.data !== this.data) this.attach(batch.block.data);
    if (this.slots.length < end) this.slots = new Int32Array(batch.security.row.length);
    this.findSlots(batch, start, end);
    this.countHeaders(batch, start, end);
  }

  private attach(data: Uint8Array): void {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Fills `slots`; -1 for headers that do not count. */
  private findSlots(batch: PacketBatch, start: number, end: number): void {
    const { slots, view, data, table } = this;
    const { flags } = batch;
    const { row, ipOffset, protocol, udpEncap, spi } = batch.security;
    for (let header = start; header < end; header++) {
      const ip = ipOffset[header]!;
      if ((flags[row[header]!]! & NOT_WIRE) !== 0 || ip === NONE) {
        slots[header] = -1;
        continue;
      }
      const meta = protocol[header]! | (udpEncap[header] === 1 ? SA_UDP_ENCAP : 0);
      slots[header] = isIpv6At(data, ip)
        ? table.find6(meta, spi[header]! | 0, view, ip + 8)
        : table.find4(meta, spi[header]! | 0, view.getInt32(ip + 12), view.getInt32(ip + 16));
    }
    this.makeRoomFor(this.state.table.count - 1);
  }

  private makeRoomFor(slot: number): void {
    const { state } = this;
    const old = state.records;
    if ((slot + 1) * SA_STRIDE > old.length) {
      const records = new Float64Array(old.length * 2);
      records.set(old);
      for (let at = old.length; at < records.length; at += SA_STRIDE) clearSaRecord(records, at);
      state.records = records;
    }
    const { seen, rising } = state.sequences;
    while (seen.length <= slot) {
      seen.push(null);
      rising.push(null);
      state.evidence.push(null);
    }
  }

  /** Headers that differ by nothing but number and size are counted as one run, most traffic being runs. */
  private countHeaders(batch: PacketBatch, start: number, end: number): void {
    const { slots } = this;
    for (let header = start; header < end; ) {
      const slot = slots[header]!;
      if (slot >= SaSlot.first && slot < MAX_EVIDENCE && isPlainEsp(batch, header)) {
        header = this.countRun(batch, header, end, slot);
        continue;
      }
      if (slot >= 0) {
        this.countHeader(batch, header, slot);
        this.countSizes(batch, header, slot);
      }
      header++;
    }
  }

  /**
   * Counts closed ESP whose sequence numbers follow one another and whose times do not go back.
   * @returns the first header behind the run
   */
  private countRun(batch: PacketBatch, start: number, end: number, slot: number): number {
    const { slots } = this;
    const { records, sequences } = this.state;
    const { flags, block, security } = batch;
    const { wireLength, timeSeconds, timeNanoseconds } = block;
    const closed = this.evidenceOf(slot);
    const at = slot * SA_STRIDE;
    const firstSequence = security.sequence[start]!;
    let row = security.row[start]!;
    const rowFlags = flags[row]!;
    let header = start;
    let wireBytes = 0;
    let closedBytes = 0;
    let largest = records[at + Sa.largestBytes]!;
    for (;;) {
      const bytes = security.end[header]! - security.offset[header]! - ESP_HEADER_BYTES;
      const ipBytes = security.end[header]! - security.ipOffset[header]!;
      wireBytes += wireLength[row]!;
      closedBytes += bytes;
      if (ipBytes > largest) largest = ipBytes;
      addEspLength(closed.evidence, bytes);
      if (isSample(security.sequence[header]!)) this.addSample(batch, header, closed, bytes);
      header++;
      if (header === end || slots[header] !== slot) break;
      if (security.sequence[header] !== firstSequence + header - start) break;
      const next = security.row[header]!;
      if (flags[next] !== rowFlags || !isPlainEsp(batch, header)) break;
      const seconds = timeSeconds[next]! - timeSeconds[row]!;
      if (seconds < 0 || (seconds === 0 && timeNanoseconds[next]! < timeNanoseconds[row]!)) break;
      row = next;
    }
    const count = header - start;
    const firstRow = security.row[start]!;
    records[at + Sa.wireBytes]! += wireBytes;
    records[at + Sa.closed]! += count;
    records[at + Sa.closedBytes]! += closedBytes;
    records[at + Sa.integrity + Integrity.unchecked]! += count;
    records[at + Sa.largestBytes] = largest;
    widenSpan(records, at + Sa.span, timeSeconds[firstRow]!, timeNanoseconds[firstRow]!);
    widenSpan(records, at + Sa.span, timeSeconds[row]!, timeNanoseconds[row]!);
    addSequenceRun(sequences, slot, records, at, firstSequence, count);
    return header;
  }

  /** What every header counts: bytes, times, sequence number, integrity. */
  private countHeader(batch: PacketBatch, header: number, slot: number): void {
    const { records, sequences } = this.state;
    const { security, block } = batch;
    const row = security.row[header]!;
    const at = slot * SA_STRIDE;
    records[at + Sa.integrity + security.integrity[header]!]! += 1;
    widenSpan(records, at + Sa.span, block.timeSeconds[row]!, block.timeNanoseconds[row]!);
    if (slot < SaSlot.first) records[at + Sequence.packets]! += 1;
    else addSequence(sequences, slot, records, at, security.sequence[header]!);
    if ((batch.flags[row]! & PacketFlag.reassembled) !== 0) {
      this.addFragmented(batch, row, at);
      return;
    }
    records[at + Sa.wireBytes]! += block.wireLength[row]!;
    const ipBytes = security.end[header]! - security.ipOffset[header]!;
    if (ipBytes > records[at + Sa.largestBytes]!) records[at + Sa.largestBytes] = ipBytes;
  }

  private addFragmented(batch: PacketBatch, row: number, at: number): void {
    const { records } = this.state;
    const ip = batch.ipOffset[row]!;
    records[at + Sa.fragmented]! += 1;
    records[at + Sa.wireBytes]! += batch.fragmentBytes[row]!;
    const fragments = batch.fragments[row]!;
    if (fragments === 0 || ip === NONE) return;
    let data = 0;
    for (let layer = 0; layer < LAYER_STRIDE; layer++) data += batch.layerBytes[row * LAYER_STRIDE + layer]!;
    // At least one fragment was as large as their mean.
    const needed = ipHeaderBytes(this.data, ip) + Math.ceil(data / fragments);
    if (needed > records[at + Sa.largestFragmentBytes]!) records[at + Sa.largestFragmentBytes] = needed;
  }

  /** What was inside. */
  private countSizes(batch: PacketBatch, header: number, slot: number): void {
    const { records } = this.state;
    const { security } = batch;
    const at = slot * SA_STRIDE;
    const isEsp = security.protocol[header] === IPPROTO_ESP;
    if (isEsp && security.opened[header] === 0) {
      this.addClosed(batch, header, slot);
      return;
    }
    records[at + Sa.opened]! += 1;
    records[at + Sa.ivBytes]! += security.ivBytes[header]!;
    records[at + Sa.icvBytes]! += security.icvBytes[header]!;
    records[at + Sa.padBytes]! += security.padBytes[header]!;
    if (!isEsp) records[at + Sa.ahBytes]! += (this.data[security.offset[header]! + 1]! + 2) * 4;
    this.addMode(batch, header, at);
  }

  /** An incomplete datagram's ESP is not split: its bytes have no layer. */
  private addClosed(batch: PacketBatch, header: number, slot: number): void {
    const { records } = this.state;
    const { security } = batch;
    const at = slot * SA_STRIDE;
    const row = security.row[header]!;
    const rowFlags = batch.flags[row]!;
    if ((rowFlags & PacketFlag.incomplete) !== 0) return;
    const opaque = batch.layerBytes[row * LAYER_STRIDE + Layer.espOpaque]!;
    const bytes = security.end[header]! - security.offset[header]! - ESP_HEADER_BYTES;
    records[at + Sa.closed]! += 1;
    records[at + Sa.closedBytes]! += Math.min(opaque, bytes);
    if ((rowFlags & PacketFlag.reassembled) !== 0) records[at + Sa.closedFragmented]! += 1;
    if ((rowFlags & PacketFlag.ah) !== 0 && header > batch.securityStart[row]!) {
      if (security.protocol[header - 1] !== IPPROTO_ESP) records[at + Sa.coveredByAh]! += 1;
    }
    if (bytes <= 0 || slot < SaSlot.first || slot >= MAX_EVIDENCE) return;
    const closed = this.evidenceOf(slot);
    addEspLength(closed.evidence, bytes);
    if (isSample(security.sequence[header]!)) this.addSample(batch, header, closed, bytes);
  }

  private evidenceOf(slot: number): ClosedEvidence {
    const { evidence } = this.state;
    evidence[slot] ??= { evidence: newSuiteEvidence(), firstIv: null };
    return evidence[slot];
  }

  private addSample(batch: PacketBatch, header: number, closed: ClosedEvidence, bytes: number): void {
    const { security, block } = batch;
    const row = security.row[header]!;
    const captured = block.offset[row]! + block.capturedLength[row]!;
    const offset = security.offset[header]!;
    const end = security.end[header]!;
    if (bytes < 8 || offset + IV_END > captured) return;
    addEspIv(closed.evidence, this.data, offset);
    closed.firstIv ??= this.data.slice(offset, offset + IV_END);
    if (end <= captured) addEspTrailer(closed.evidence, this.data, offset, end);
  }

  private mergeEvidence(slot: number, later: ClosedEvidence | null | undefined): void {
    if (!later || slot < SaSlot.first || slot >= MAX_EVIDENCE) return;
    const own = this.evidenceOf(slot);
    // Had the pieces been one, this IV would have been compared with our last one.
    if (later.firstIv !== null) addEspIv(own.evidence, later.firstIv, 0);
    own.firstIv ??= later.firstIv;
    mergeSuiteEvidence(own.evidence, later.evidence);
  }

  private addMode(batch: PacketBatch, header: number, at: number): void {
    const { records } = this.state;
    if (!isIpInIp(nextHeaderOf(batch, header))) {
      records[at + Sa.transport]! += 1;
      return;
    }
    records[at + Sa.tunnel]! += 1;
    records[at + Sa.tunnelBytes]! += ipHeaderBytes(this.data, batch.security.ipOffset[header]!);
  }

  /** @param later of what was seen after everything in this table */
  merge(later: SecurityAssociationsState): void {
    for (let other = 0; other < later.table.count; other++) {
      const slot = other < SaSlot.first ? other : this.table.findKey(later.table.keys, other * KEY_WORDS);
      this.makeRoomFor(slot);
      const { records, sequences } = this.state;
      const at = slot * SA_STRIDE;
      const otherAt = other * SA_STRIDE;
      for (let i = Sa.wireBytes; i <= Sa.fragmented; i++) records[at + i]! += later.records[otherAt + i]!;
      for (const i of [Sa.largestBytes, Sa.largestFragmentBytes]) {
        records[at + i] = Math.max(records[at + i]!, later.records[otherAt + i]!);
      }
      this.mergeEvidence(slot, later.evidence[other]);
      uniteSpans(records, at + Sa.span, later.records, otherAt + Sa.span);
      if (slot === SaSlot.other)
        records[at + Sequence.packets]! += later.records[otherAt + Sequence.packets]!;
      else joinSequence(sequences, slot, records, at, later.sequences, other, later.records, otherAt);
    }
  }
}

const PLAIN_ESP =
  PacketFlag.esp | PacketFlag.ah | PacketFlag.tcpEncap | PacketFlag.reassembled | PacketFlag.malformed;

/** Closed ESP alone in a whole packet: nothing but size and number to count. */
function isPlainEsp(batch: PacketBatch, header: number): boolean {
  const { security } = batch;
  if ((batch.flags[security.row[header]!]! & PLAIN_ESP) !== PacketFlag.esp) return false;
  return (security.opened[header]! | security.integrity[header]!) === 0;
}
