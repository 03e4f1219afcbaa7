import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { addressesOf, KEY_WORDS, KeyTable, type KeyTableState } from '../key-table.js';
import { NOT_WIRE } from '../packet-class.js';
import { packPlace, unpackPlace } from './recent-packets.js';
import { MAX_PLACES, movePlace, type PacketPlace, placeOf, type Sightings } from './sightings.js';

/** Pairs of hosts told apart, by direction. */
const MAX_PAIRS = 4096;
const FIRST_SLOT = 1;

/**
 * Rows that are not in the clear, are no whole packets, or never were on the wire. Key exchange and its keep-alives must go beside
 * the SAs.
 */
const NOT_CLEAR =
  NOT_WIRE |
  PacketFlag.ah |
  PacketFlag.esp |
  PacketFlag.ike |
  PacketFlag.natKeepalive |
  PacketFlag.fragment |
  PacketFlag.innerFragment |
  PacketFlag.incomplete |
  PacketFlag.malformed;

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** Fields of a pair's record: packets, and the last of them (by `packPlace`) with its time. */
const Pair = { count: 0, last: 1, seconds: 2, nanoseconds: 3 } as const;
const STRIDE = 4;

/** Plain data. */
export interface ClearWatchState {
  table: KeyTableState;
  /** `STRIDE` numbers a slot. */
  records: Float64Array;
  /** The first packets, by slot. */
  places: PacketPlace[][];
}

/**
 * Counts TCP and UDP in the clear by who sends it to whom. What hosts must say to one another beside their SAs (ARP, neighbour
 * discovery, ICMP errors, multicast, routing protocols of their own) is none of these.
 */
export class ClearWatch {
  readonly state: ClearWatchState;
  private readonly fileIndex: number;
  private readonly fileBase: number;
  private readonly table = new KeyTable(FIRST_SLOT, MAX_PAIRS, 0);
  private data: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.data.buffer);

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
    this.fileBase = packPlace(fileIndex, 0);
    this.state = { table: this.table.state, records: new Float64Array(16 * STRIDE), places: [[]] };
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { data } = batch.block;
    if (data !== this.data) {
      this.data = data;
      this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    }
    const { flags, protocol, innerIpOffset } = batch;
    const { view } = this;
    let run = 0;
    let runSlot = 0;
    let runEnd = 0;
    let source = 0;
    let destination = 0;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & NOT_CLEAR) !== 0) continue;
      const carried = protocol[row]!;
      if (carried !== IPPROTO_TCP && carried !== IPPROTO_UDP) continue;
      const ip = innerIpOffset[row]!;
      if (ip === NONE) continue;
      const isIpv6 = (rowFlags & PacketFlag.ipv6) !== 0;
      const rowSource = view.getInt32(ip + 12);
      const rowDestination = view.getInt32(ip + 16);
      // Nearly all packets are from and to the same hosts as the one before.
      if (isIpv6 || run === 0 || rowSource !== source || rowDestination !== destination) {
        this.count(batch, runEnd, runSlot, run);
        run = 0;
        runSlot = isIpv6
          ? this.table.find6(0, 0, view, ip + 8)
          : this.table.find4(0, 0, rowSource, rowDestination);
        source = rowSource;
        destination = rowDestination;
        if (runSlot >= this.state.places.length) this.makeRoomFor(runSlot);
      }
      if (this.state.places[runSlot]!.length < MAX_PLACES) this.addPlace(batch, row, runSlot);
      run += isIpv6 ? 0 : 1;
      runEnd = row;
      if (isIpv6) this.count(batch, row, runSlot, 1);
    }
    this.count(batch, runEnd, runSlot, run);
  }

  private addPlace(batch: PacketBatch, row: number, slot: number): void {
    if (slot >= FIRST_SLOT) this.state.places[slot]!.push(placeOf(batch, row, this.fileIndex));
  }

  /** Counts `count` rows of one pair, the last of which is `row`. */
  private count(batch: PacketBatch, row: number, slot: number, count: number): void {
    if (count === 0 || slot < FIRST_SLOT) return;
    const { records } = this.state;
    const { frameNumber, timeSeconds, timeNanoseconds } = batch.block;
    const at = slot * STRIDE;
    records[at + Pair.count]! += count;
    records[at + Pair.last] = this.fileBase + frameNumber[row]!;
    records[at + Pair.seconds] = timeSeconds[row]!;
    records[at + Pair.nanoseconds] = timeNanoseconds[row]!;
  }

  private makeRoomFor(slot: number): void {
    const { state } = this;
    while (state.places.length <= slot) state.places.push([]);
    if ((slot + 1) * STRIDE <= state.records.length) return;
    const grown = new Float64Array(Math.max(state.records.length * 2, (slot + 1) * STRIDE));
    grown.set(state.records);
    state.records = grown;
  }

  merge(later: ClearWatchState, framesBefore: number): void {
    for (let other = FIRST_SLOT; other < later.places.length; other++) {
      const slot = this.table.findKey(later.table.keys, other * KEY_WORDS);
      if (slot < FIRST_SLOT) continue;
      this.makeRoomFor(slot);
      const { records, places } = this.state;
      const from = other * STRIDE;
      const own = places[slot]!;
      for (const place of later.places[other]!.slice(0, MAX_PLACES - own.length)) {
        own.push(movePlace(place, framesBefore));
      }
      records[slot * STRIDE]! += later.records[from]!;
      records.set(later.records.subarray(from + Pair.last, from + STRIDE), slot * STRIDE + Pair.last);
      records[slot * STRIDE + Pair.last]! += framesBefore;
    }
  }

  /** By `source destination`. */
  byPair(): Map<string, Sightings> {
    const { table, records, places } = this.state;
    const pairs = new Map<string, Sightings>();
    for (let slot = FIRST_SLOT; slot < places.length; slot++) {
      const { source, destination } = addressesOf(table, slot);
      const at = slot * STRIDE;
      const last = unpackPlace(
        records[at + Pair.last]!,
        records[at + Pair.seconds]!,
        records[at + Pair.nanoseconds]!,
      );
      pairs.set(`${source} ${destination}`, { count: records[at]!, places: places[slot]!, last });
    }
    return pairs;
  }
}
