import type { FrameBlock } from '../../packet/frame-block.js';
import type { PacketPlace } from './sightings.js';

/*
 * Theory of operation. A table of packets by a key of 64 bits: each place holds the packet that took it last. A packet that comes
 * to a place held by another one with its key has met it: a repetition. What was displaced is forgotten, so only the last few
 * hundred packets are sure to be met: memory does not grow with the capture.
 *
 * Pieces: which packet of a later piece met one of an earlier piece is decided by those that were the first at their place: their
 * place was then as the earlier piece left it. So the first packet at each place is kept too, and joining is exact.
 */

/** Places of a table: a power of two. */
export const RECENT_PACKETS = 512;

/** Packets before this number in a packed place belong to the same file. */
const FILE_STRIDE = 2 ** 40;

/** What meeting another packet with the same key meant. */
export const Meeting = { none: 0, sameValue: 1, otherValue: 2 } as const;

/** Plain data; index is the place. `packet` 0: nobody. */
export interface RecentColumns {
  keyLow: Int32Array;
  keyHigh: Int32Array;
  value: Int32Array;
  /** File index and packet number in one. */
  packet: Float64Array;
  seconds: Float64Array;
  nanoseconds: Uint32Array;
}

/** Plain data. */
export interface RecentPackets {
  first: RecentColumns;
  last: RecentColumns;
}

/** A packet that met an earlier one. */
export interface Encounter {
  earlier: PacketPlace;
  later: PacketPlace;
}

function newColumns(): RecentColumns {
  return {
    keyLow: new Int32Array(RECENT_PACKETS),
    keyHigh: new Int32Array(RECENT_PACKETS),
    value: new Int32Array(RECENT_PACKETS),
    packet: new Float64Array(RECENT_PACKETS),
    seconds: new Float64Array(RECENT_PACKETS),
    nanoseconds: new Uint32Array(RECENT_PACKETS),
  };
}

export function newRecentPackets(): RecentPackets {
  return { first: newColumns(), last: newColumns() };
}

/** A packet's number and that of its file in one number. */
export function packPlace(fileIndex: number, packet: number): number {
  return fileIndex * FILE_STRIDE + packet;
}

/** Whom a packet with this key would meet at a place: a `Meeting`. */
export function meetingAt(
  { last }: RecentPackets,
  place: number,
  keyLow: number,
  keyHigh: number,
  value: number,
): number {
  if (last.keyLow[place] !== keyLow || last.keyHigh[place] !== keyHigh || last.packet[place] === 0)
    return Meeting.none;
  return last.value[place] === value ? Meeting.sameValue : Meeting.otherValue;
}

/**
 * Lets the packet in a row take a place. Its number and time go from column to column: on their way through calls they would be
 * boxed, which costs more than all else here.
 * @param fileBase number of the packet before its file's first one, by `packPlace`
 */
export function takePlace(
  { first, last }: RecentPackets,
  place: number,
  keyLow: number,
  keyHigh: number,
  value: number,
  { frameNumber, timeSeconds, timeNanoseconds }: FrameBlock,
  row: number,
  fileBase: number,
): void {
  const isFirst = last.packet[place] === 0;
  last.keyLow[place] = keyLow;
  last.keyHigh[place] = keyHigh;
  last.value[place] = value;
  last.packet[place] = fileBase + frameNumber[row]!;
  last.seconds[place] = timeSeconds[row]!;
  last.nanoseconds[place] = timeNanoseconds[row]!;
  if (isFirst) copyPacket(last, first, place);
}

/** Lets a packet that is known by its figures take a place. */
export function takePlaceAs(
  { first, last }: RecentPackets,
  place: number,
  keyLow: number,
  keyHigh: number,
  value: number,
  packet: PacketPlace,
): void {
  const isFirst = last.packet[place] === 0;
  last.keyLow[place] = keyLow;
  last.keyHigh[place] = keyHigh;
  last.value[place] = value;
  last.packet[place] = packPlace(packet.fileIndex, packet.packet);
  last.seconds[place] = packet.seconds;
  last.nanoseconds[place] = packet.nanoseconds;
  if (isFirst) copyPacket(last, first, place);
}

function copyPacket(from: RecentColumns, to: RecentColumns, place: number): void {
  to.keyLow[place] = from.keyLow[place]!;
  to.keyHigh[place] = from.keyHigh[place]!;
  to.value[place] = from.value[place]!;
  to.packet[place] = from.packet[place]!;
  to.seconds[place] = from.seconds[place]!;
  to.nanoseconds[place] = from.nanoseconds[place]!;
}

/** The packet at a place. */
export function packetAt(columns: RecentColumns, place: number): PacketPlace {
  return unpackPlace(columns.packet[place]!, columns.seconds[place]!, columns.nanoseconds[place]!);
}

/** @param packed by `packPlace` */
export function unpackPlace(packed: number, seconds: number, nanoseconds: number): PacketPlace {
  const fileIndex = Math.floor(packed / FILE_STRIDE);
  return { fileIndex, packet: packed - fileIndex * FILE_STRIDE, seconds, nanoseconds };
}

/**
 * Appends what a later piece met.
 * @param meet told of each meeting of a packet of the later piece with one of this, in no order
 */
export function joinRecentPackets(
  own: RecentPackets,
  later: RecentPackets,
  framesBefore: number,
  meet: (encounter: Encounter, meeting: number) => void,
): void {
  const { first, last } = later;
  for (let place = 0; place < RECENT_PACKETS; place++) {
    if (last.packet[place] === 0) continue;
    const meeting = meetingAt(own, place, first.keyLow[place]!, first.keyHigh[place]!, first.value[place]!);
    if (meeting !== Meeting.none) {
      const moved = packetAt(first, place);
      moved.packet += framesBefore;
      meet({ earlier: packetAt(own.last, place), later: moved }, meeting);
    }
    for (const columns of [first, last]) {
      const packet = packetAt(columns, place);
      packet.packet += framesBefore;
      takePlaceAs(own, place, columns.keyLow[place]!, columns.keyHigh[place]!, columns.value[place]!, packet);
    }
  }
}
