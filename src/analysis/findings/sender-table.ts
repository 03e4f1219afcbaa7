import { readLinkHeader } from '../../packet/link-header.js';
import type { PacketBatch } from '../../packet/packet-batch.js';
import type { FlowKeys } from './flow-words.js';
import { movePlace, type PacketPlace, placeOf } from './sightings.js';

/*
 * Theory of operation. A table of directions of TCP connections: each place holds the one that took it last and from whom its
 * last segment came: MAC address and TTL. Frames to another MAC address are another way through the network (a mirror port shows
 * both sides of a router, each packet twice) and are not compared. When the sender changes, that is noted; what the changes mean
 * is decided at the end (tcp-attacks.ts).
 *
 * Pieces: the first segment at each place is kept, and held against what the earlier piece left there.
 */

/** Places of a table: a power of two. */
const PLACES = 1024;
/** Most changes kept. */
const MAX_CHANGES = 512;

/** Columns of a place. `mac0` to `mac2`: the first 12 bytes of the frame, so destination and source. */
const Column = { low: 0, high: 1, mac0: 2, mac1: 3, mac2: 4, ttl: 5, end: 6, isTaken: 7 } as const;
const COLUMNS = 8;
/** Values of `isTaken`. */
const Taken = { no: 0, withoutData: 1, withData: 2 } as const;

/** From whom a segment came, as plain data. */
export interface Sender {
  /** Source address: two and four bytes. */
  macHigh: number;
  macLow: number;
  ttl: number;
}

/** The sender of one direction of a connection changed, as plain data. */
export interface SenderChange {
  flow: Int32Array;
  /** Destination address of the frames. */
  toHigh: number;
  toLow: number;
  vlan: number;
  from: Sender;
  to: Sender;
  /** The segment resets the connection. */
  isReset: boolean;
  place: PacketPlace;
}

/** First segment at a place, as plain data. */
interface FirstSegment {
  flow: Int32Array;
  columns: Int32Array;
  vlan: number;
  isReset: boolean;
  place: PacketPlace;
}

/** Plain data. */
export interface SenderTableState {
  first: (FirstSegment | null)[];
  last: Int32Array;
  /** In no order. */
  changes: SenderChange[];
}

/** A segment as the table looks at it; one object, refilled. */
export interface SentSegment {
  mac0: number;
  mac1: number;
  mac2: number;
  ttl: number;
  isReset: boolean;
  /** Sequence number behind its last byte. */
  end: number;
  hasData: boolean;
}

/** The senders of the connections seen last. */
export class SenderTable {
  readonly state: SenderTableState = {
    first: new Array<FirstSegment | null>(PLACES).fill(null),
    last: new Int32Array(PLACES * COLUMNS),
    changes: [],
  };

  /**
   * Puts the segment in `row` into the table.
   * @param keys have been asked for its flow
   */
  put(segment: SentSegment, keys: FlowKeys, batch: PacketBatch, row: number, fileIndex: number): void {
    const { last } = this.state;
    const at = (keys.low & (PLACES - 1)) * COLUMNS;
    const { mac0, mac1, mac2, ttl } = segment;
    const isKnown = last[at + Column.low] === keys.low && last[at + Column.high] === keys.high;
    if (
      !isKnown ||
      last[at + Column.mac2] !== mac2 ||
      last[at + Column.mac1] !== mac1 ||
      last[at + Column.mac0] !== mac0 ||
      last[at + Column.ttl] !== ttl ||
      last[at + Column.isTaken] === Taken.no
    )
      this.replace(at, segment, keys, isKnown, batch, row, fileIndex);
    if (!segment.hasData) return;
    const isFurther = ((segment.end - last[at + Column.end]!) | 0) > 0;
    if (isFurther || last[at + Column.isTaken] !== Taken.withData) last[at + Column.end] = segment.end;
    last[at + Column.isTaken] = Taken.withData;
  }

  /** Lets a segment from somebody else than the last one take a place. */
  private replace(
    at: number,
    segment: SentSegment,
    keys: FlowKeys,
    isKnown: boolean,
    batch: PacketBatch,
    row: number,
    fileIndex: number,
  ): void {
    const { first, last } = this.state;
    const isTaken = last[at + Column.isTaken] !== Taken.no;
    if (!isTaken) first[at / COLUMNS] = describe(segment, keys, batch, row, fileIndex);
    // Where connections take turns at a place, or ways do, nothing is made.
    else if (isKnown && hasSameReceiver(last, at, segment.mac0, segment.mac1))
      this.noteChange(at, describe(segment, keys, batch, row, fileIndex));
    last[at + Column.low] = keys.low;
    last[at + Column.high] = keys.high;
    last[at + Column.mac0] = segment.mac0;
    last[at + Column.mac1] = segment.mac1;
    last[at + Column.mac2] = segment.mac2;
    last[at + Column.ttl] = segment.ttl;
    if (!isTaken || !isKnown) last[at + Column.isTaken] = Taken.withoutData;
  }

  /** Compares a segment with the last one at its place, whose flow it shares. */
  private noteChange(at: number, { flow, columns, vlan, isReset, place }: FirstSegment): void {
    const { last, changes } = this.state;
    const toHigh = columns[Column.mac0]!;
    const toLow = columns[Column.mac1]! >>> 16;
    if (!hasSameReceiver(last, at, toHigh, columns[Column.mac1]!) || changes.length === MAX_CHANGES) return;
    const [from, to] = [senderOf(last.subarray(at, at + COLUMNS)), senderOf(columns)];
    changes.push({ flow, toHigh, toLow, vlan, from, to, isReset, place });
  }

  /**
   * Sequence number behind the last byte of a flow.
   * @param keys have been asked for the flow
   * @returns null if it is not known; undefined if an earlier piece may know
   */
  endOf(keys: { low: number; high: number }): number | null | undefined {
    const { last } = this.state;
    const at = (keys.low & (PLACES - 1)) * COLUMNS;
    const isTaken = last[at + Column.isTaken]!;
    if (isTaken === Taken.no) return undefined;
    if (last[at + Column.low] !== keys.low || last[at + Column.high] !== keys.high) return null;
    return isTaken === Taken.withData ? last[at + Column.end]! : undefined;
  }

  /** Appends what a later piece saw. @param framesBefore as in `Detector.merge` */
  merge(later: SenderTableState, framesBefore: number): void {
    const { first, last, changes } = this.state;
    for (let i = 0; i < PLACES; i++) {
      const begin = later.first[i]!;
      if (begin === null) continue;
      const at = i * COLUMNS;
      const moved = { ...begin, place: movePlace(begin.place, framesBefore) };
      const columns = later.last.slice(at, at + COLUMNS);
      const isKnown =
        last[at + Column.low] === begin.columns[Column.low] &&
        last[at + Column.high] === begin.columns[Column.high];
      if (last[at + Column.isTaken] === Taken.no) {
        first[i] = moved;
      } else if (isKnown) {
        if (!isSameSender(last.subarray(at, at + COLUMNS), begin.columns)) this.noteChange(at, moved);
        joinEnds(last.subarray(at, at + COLUMNS), columns);
      }
      last.set(columns, at);
    }
    for (const change of later.changes) {
      if (changes.length === MAX_CHANGES) break;
      changes.push({ ...change, place: movePlace(change.place, framesBefore) });
    }
  }
}

/** The segment as the first at its place. */
function describe(
  { mac0, mac1, mac2, ttl, isReset }: SentSegment,
  keys: FlowKeys,
  batch: PacketBatch,
  row: number,
  fileIndex: number,
): FirstSegment {
  return {
    flow: keys.copyWords(),
    columns: Int32Array.of(keys.low, keys.high, mac0, mac1, mac2, ttl, 0, Taken.withoutData),
    vlan: readLinkHeader(batch.block, row)?.vlan ?? 0,
    isReset,
    place: placeOf(batch, row, fileIndex),
  };
}

/** Did the last segment at a place go to the MAC address that these words begin with? */
function hasSameReceiver(last: Int32Array, at: number, mac0: number, mac1: number): boolean {
  return last[at + Column.mac0] === mac0 && last[at + Column.mac1]! >>> 16 === mac1 >>> 16;
}

function isSameSender(a: Int32Array, b: Int32Array): boolean {
  for (let column = Column.mac0; column <= Column.ttl; column++) if (a[column] !== b[column]) return false;
  return true;
}

/** Gives `later` the end of the same flow in an earlier piece, if that is further. */
function joinEnds(earlier: Int32Array, later: Int32Array): void {
  if (earlier[Column.low] !== later[Column.low] || earlier[Column.high] !== later[Column.high]) return;
  if (earlier[Column.isTaken] !== Taken.withData) return;
  const isFurther = ((later[Column.end]! - earlier[Column.end]!) | 0) > 0;
  if (later[Column.isTaken] !== Taken.withData || !isFurther) later[Column.end] = earlier[Column.end]!;
  later[Column.isTaken] = Taken.withData;
}

function senderOf(columns: Int32Array): Sender {
  return {
    macHigh: columns[Column.mac1]! & 0xffff,
    macLow: columns[Column.mac2]!,
    ttl: columns[Column.ttl]!,
  };
}
