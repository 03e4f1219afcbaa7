import { Integrity, NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { isIpv6At } from '../ip-header.js';
import { addressesOf, KEY_WORDS, KeyTable, type KeyTableState } from '../key-table.js';
import { NOT_WIRE } from '../packet-class.js';
import { IPPROTO_ESP, SA_UDP_ENCAP } from '../sa-counters.js';
import type { Detector, FindingContext } from './detector.js';
import type { Finding } from './finding.js';
import { Meeting, meetingAt, newRecentPackets, packetAt, packPlace, takePlace } from './recent-packets.js';
import {
  addStep,
  isFarStep,
  ivPlace,
  meetIv,
  meetNumber,
  mergeSaNumbers,
  newSaNumbers,
  type SaNumbers,
  sequencePlace,
} from './sa-numbers.js';
import {
  addSighting,
  MAX_PLACES,
  mergeSightings,
  newSightings,
  placeOf,
  type Sightings,
} from './sightings.js';

/** SAs whose numbers are watched: one takes 64 KiB. Of others only wrong ICVs are. */
export const MAX_WATCHED = 256;
/** Rows whose headers say nothing about their sender. */
const UNTRUSTED = PacketFlag.malformed | PacketFlag.incomplete;
const FIRST_SLOT = 1;
const MAX_SAS = 16_384;
/** Bytes behind the IV of 8 bytes that mark the content: they hold what differs between packets of one connection. */
const MARK_BYTES = 12;

/** Plain data. */
export interface SaWatchState {
  table: KeyTableState;
  /** By slot. */
  numbers: (SaNumbers | null)[];
  failed: (Sightings | null)[];
  /** Packets that were not judged: malformed, or incomplete. */
  unjudged: number[];
}

/** What was seen of one SA. */
export interface WatchedSa {
  readonly numbers: SaNumbers | null;
  /** Packets whose ICV was wrong. */
  readonly failed: Sightings | null;
  readonly unjudged: number;
}

/** What rules are told with: `saKey` of a summary's SA leads to what was watched of it. */
export type WatchedSas = ReadonlyMap<string, WatchedSa>;

/** Looks at each AH and ESP header: numbers, IVs, ICVs. Rules of `sa-rules.ts` tell what that means. */
export class SaWatch implements Detector<SaWatchState> {
  readonly flags = PacketFlag.ah | PacketFlag.esp;
  readonly state: SaWatchState;
  private readonly fileIndex: number;
  /** Of packets' numbers in tables. */
  private readonly fileBase: number;
  private readonly tell: (watched: WatchedSas, context: FindingContext) => Finding[];
  private readonly table = new KeyTable(FIRST_SLOT, MAX_SAS, 0);
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.data.buffer);

  constructor(fileIndex: number, tell: (watched: WatchedSas, context: FindingContext) => Finding[]) {
    this.fileIndex = fileIndex;
    this.fileBase = packPlace(fileIndex, 0);
    this.tell = tell;
    this.state = { table: this.table.state, numbers: [], failed: [], unjudged: [] };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { data } = batch.block;
    if (data !== this.data) {
      this.data = data;
      this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    const { flags } = batch;
    const { row, ipOffset, integrity, spi, udpEncap, protocol } = batch.security;
    const end = batch.securityStart[to]!;
    for (let header = batch.securityStart[from]!; header < end; header++) {
      const ip = ipOffset[header]!;
      const rowFlags = flags[row[header]!]!;
      if ((rowFlags & NOT_WIRE) !== 0 || ip === NONE) continue;
      const meta = protocol[header]! | (udpEncap[header] === 1 ? SA_UDP_ENCAP : 0);
      const slot = isIpv6At(data, ip)
        ? this.table.find6(meta, spi[header]! | 0, this.view, ip + 8)
        : this.table.find4(meta, spi[header]! | 0, this.view.getInt32(ip + 12), this.view.getInt32(ip + 16));
      if (slot < FIRST_SLOT) continue;
      if ((rowFlags & UNTRUSTED) !== 0) {
        this.state.unjudged[slot] = (this.state.unjudged[slot] ?? 0) + 1;
        continue;
      }
      // A forged packet's number is nobody's: it would be taken for the sender's.
      if (integrity[header] === Integrity.failed) this.addFailed(batch, row[header]!, slot);
      else if (slot < FIRST_SLOT + MAX_WATCHED) this.addHeader(batch, header, slot);
    }
  }

  private addFailed(batch: PacketBatch, row: number, slot: number): void {
    const { failed } = this.state;
    failed[slot] ??= newSightings();
    addSighting(failed[slot], placeOf(batch, row, this.fileIndex));
  }

  private addHeader(batch: PacketBatch, header: number, slot: number): void {
    const { security, block } = batch;
    const sequence = security.sequence[header]! | 0;
    const row = security.row[header]!;
    this.state.numbers[slot] ??= newSaNumbers(sequence);
    const numbers = this.state.numbers[slot];
    if (numbers.places.length < MAX_PLACES) numbers.places.push(placeOf(batch, row, this.fileIndex));
    if (isFarStep(numbers.lastSequence, sequence))
      addStep(numbers, sequence, placeOf(batch, row, this.fileIndex));
    numbers.lastSequence = sequence;

    const mark = this.markOf(batch, header, row);
    const at = sequencePlace(sequence);
    const { bySequence } = numbers;
    const meeting = meetingAt(bySequence, at, sequence, 0, mark);
    if (meeting !== Meeting.none) {
      const encounter = {
        earlier: packetAt(bySequence.last, at),
        later: placeOf(batch, row, this.fileIndex),
      };
      meetNumber(numbers, encounter, meeting);
    }
    takePlace(bySequence, at, sequence, 0, mark, block, row, this.fileBase);
    if (security.protocol[header] === IPPROTO_ESP) this.addIv(batch, header, numbers, sequence);
  }

  /** A number that two packets with different content hardly share; only equality means something. */
  private markOf(batch: PacketBatch, header: number, row: number): number {
    const { security, block } = batch;
    const { view } = this;
    const offset = security.offset[header]!;
    const end = security.end[header]!;
    const mark = (end - offset) | 0;
    const captured = Math.min(end, block.offset[row]! + block.capturedLength[row]!);
    const from = offset + 16;
    if (from + MARK_BYTES > captured) return mark;
    return mark ^ view.getInt32(from) ^ (view.getInt32(from + 4) << 1) ^ (view.getInt32(from + 8) << 2);
  }

  private addIv(batch: PacketBatch, header: number, numbers: SaNumbers, sequence: number): void {
    const { security, block } = batch;
    const row = security.row[header]!;
    const at = security.offset[header]! + 8;
    if (at + 8 > Math.min(security.end[header]!, block.offset[row]! + block.capturedLength[row]!)) return;
    const high = this.view.getInt32(at);
    const low = this.view.getInt32(at + 4);
    numbers.byIv ??= newRecentPackets();
    const place = ivPlace(low);
    const meeting = meetingAt(numbers.byIv, place, low, high, sequence);
    if (meeting !== Meeting.none) {
      const later = placeOf(batch, row, this.fileIndex);
      meetIv(numbers, { earlier: packetAt(numbers.byIv.last, place), later }, meeting);
    }
    takePlace(numbers.byIv, place, low, high, sequence, block, row, this.fileBase);
  }

  merge(later: SaWatchState, framesBefore: number): void {
    const { numbers, failed, unjudged } = this.state;
    for (let other = FIRST_SLOT; other < later.table.count; other++) {
      const slot = this.table.findKey(later.table.keys, other * KEY_WORDS);
      if (slot < FIRST_SLOT) continue;
      const laterFailed = later.failed[other];
      if (laterFailed) {
        failed[slot] ??= newSightings();
        mergeSightings(failed[slot], laterFailed, framesBefore);
      }
      const laterUnjudged = later.unjudged[other] ?? 0;
      if (laterUnjudged > 0) unjudged[slot] = (unjudged[slot] ?? 0) + laterUnjudged;
      const laterNumbers = later.numbers[other];
      if (!laterNumbers || slot >= FIRST_SLOT + MAX_WATCHED) continue;
      numbers[slot] ??= newSaNumbers(laterNumbers.firstSequence);
      mergeSaNumbers(numbers[slot], laterNumbers, framesBefore);
    }
  }

  findings(context: FindingContext): Finding[] {
    const watched = new Map<string, WatchedSa>();
    const { table, numbers, failed, unjudged } = this.state;
    for (let slot = FIRST_SLOT; slot < table.count; slot++) {
      const meta = table.keys[slot * KEY_WORDS]!;
      const protocol = (meta & 0xff) === IPPROTO_ESP ? 'esp' : 'ah';
      const spi = `0x${(table.keys[slot * KEY_WORDS + 1]! >>> 0).toString(16).padStart(8, '0')}`;
      const udpEncap = (meta & SA_UDP_ENCAP) !== 0;
      watched.set(saKey({ protocol, spi, udpEncap, ...addressesOf(table, slot) }), {
        numbers: numbers[slot] ?? null,
        failed: failed[slot] ?? null,
        unjudged: unjudged[slot] ?? 0,
      });
    }
    return this.tell(watched, context);
  }
}

/** What tells SAs apart. */
export function saKey(sa: {
  protocol: 'esp' | 'ah';
  spi: string;
  source: string;
  destination: string;
  udpEncap: boolean;
}): string {
  return [sa.protocol, sa.spi, sa.source, sa.destination, sa.udpEncap ? 'udp' : ''].join(' ');
}
