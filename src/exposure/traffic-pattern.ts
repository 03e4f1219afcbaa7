import { formatAddress } from '../analysis/format-address.js';
import { type PacketBatch, PacketFlag } from '../packet/packet-batch.js';

/*
 * Theory of operation. Sizes and times are what encryption leaves. Of each direction between two hosts the bytes are kept over time, in
 * intervals that double in length whenever there are too many of them, and its silences. The direction with most bytes is taken for
 * the migration's: it says who sends to whom, from when to when, and how much. Where the sender falls silent for long, measured by what is
 * usual, a burst ends: a pass over memory may end there, or the link was the limit for a moment. It is a guess, and called so.
 */

const MAX_INTERVALS = 512;
const FIRST_INTERVAL_NS = 1_000_000;
const MAX_DIRECTIONS = 4096;
/** Shorter ones are what schedulers and links do. */
const LEAST_PAUSE_NS = 20_000_000;
/** Of the mean distance between packets. */
const PAUSE_FACTOR = 20;
const MAX_PAUSES = 1000;
/** A page with content as QEMU sends it: header and 4096 bytes. */
const PAGE_ON_WIRE_BYTES = 8 + 4096;

export interface TrafficPattern {
  source: string;
  destination: string;
  /** Nanoseconds since 1970. */
  firstTimeNs: string;
  lastTimeNs: string;
  packets: number;
  bytes: number;
  /** Bytes that are not headers in the clear: an upper limit of what was carried. */
  closedBytes: number;
  /** Pages with content that at most fit into them. */
  pagesAtMost: number;
  /** Silences of the sender that stand out, the longest ones, in the order of time. From the first packet. */
  pauses: { fromNs: number; durationNs: number }[];
  /** What lies between them. */
  bursts: number;
  /** Wire bytes of the direction over time, from the first packet on. */
  intervalNs: number;
  bytesOverTime: number[];
}

interface Direction {
  readonly source: string;
  readonly destination: string;
  readonly firstSeconds: number;
  readonly firstNanoseconds: number;
  /** From the first packet on. */
  lastNs: number;
  packets: number;
  bytes: number;
  closedBytes: number;
  intervalNs: number;
  readonly cells: Float64Array;
  used: number;
  silences: { fromNs: number; durationNs: number }[];
}

/** Follows sizes and times of packets, and nothing else of them. */
export class TrafficWatch {
  /** By both addresses as they stand in the packets. */
  private readonly directions = new Map<string, Direction>();

  /** @param closedBytes of the frame that are no headers in the clear */
  add(batch: PacketBatch, row: number, closedBytes: number): void {
    const { block } = batch;
    const isIpv6 = (batch.flags[row]! & PacketFlag.outerIpv6) !== 0;
    const addressBytes = isIpv6 ? 16 : 4;
    const at = batch.ipOffset[row]! + (isIpv6 ? 8 : 12);
    const addresses = Buffer.from(block.data.buffer, block.data.byteOffset + at, 2 * addressBytes);
    const key = addresses.toString('latin1');
    const seconds = block.timeSeconds[row]!;
    const nanoseconds = block.timeNanoseconds[row]!;
    let direction = this.directions.get(key);
    if (direction === undefined) {
      if (this.directions.size >= MAX_DIRECTIONS) return;
      const source = formatAddress(addresses.subarray(0, addressBytes));
      const destination = formatAddress(addresses.subarray(addressBytes));
      direction = newDirection(source, destination, seconds, nanoseconds);
      this.directions.set(key, direction);
    }
    const { firstSeconds, firstNanoseconds } = direction;
    const atNs = (seconds - firstSeconds) * 1e9 + (nanoseconds - firstNanoseconds);
    note(direction, Math.max(direction.lastNs, atNs), block.wireLength[row]!, closedBytes);
  }

  /** Of the direction with most bytes; null without packets. */
  summary(): TrafficPattern | null {
    let most: Direction | null = null;
    for (const each of this.directions.values()) if (most === null || each.bytes > most.bytes) most = each;
    if (most === null) return null;
    const { source, destination, lastNs, packets, bytes, closedBytes, intervalNs } = most;
    const firstNs = BigInt(most.firstSeconds) * 1_000_000_000n + BigInt(most.firstNanoseconds);
    const least = Math.max(LEAST_PAUSE_NS, (PAUSE_FACTOR * lastNs) / packets);
    const pauses = most.silences.filter(({ durationNs }) => durationNs >= least);
    pauses.sort((a, b) => a.fromNs - b.fromNs);
    return {
      source,
      destination,
      firstTimeNs: String(firstNs),
      lastTimeNs: String(firstNs + BigInt(Math.round(lastNs))),
      packets,
      bytes,
      closedBytes,
      pagesAtMost: Math.floor(closedBytes / PAGE_ON_WIRE_BYTES),
      pauses,
      bursts: pauses.length + 1,
      intervalNs,
      bytesOverTime: [...most.cells.subarray(0, most.used)],
    };
  }
}

function newDirection(
  source: string,
  destination: string,
  firstSeconds: number,
  firstNanoseconds: number,
): Direction {
  return {
    source,
    destination,
    firstSeconds,
    firstNanoseconds,
    lastNs: 0,
    packets: 0,
    bytes: 0,
    closedBytes: 0,
    intervalNs: FIRST_INTERVAL_NS,
    cells: new Float64Array(MAX_INTERVALS),
    used: 0,
    silences: [],
  };
}

function note(direction: Direction, atNs: number, wireBytes: number, closedBytes: number): void {
  const silenceNs = atNs - direction.lastNs;
  if (silenceNs >= LEAST_PAUSE_NS && direction.packets > 0) keepSilence(direction, silenceNs);
  direction.lastNs = atNs;
  direction.packets += 1;
  direction.bytes += wireBytes;
  direction.closedBytes += closedBytes;
  while (atNs >= direction.intervalNs * MAX_INTERVALS) widen(direction);
  const cell = Math.floor(atNs / direction.intervalNs);
  direction.cells[cell]! += wireBytes;
  direction.used = Math.max(direction.used, cell + 1);
}

function keepSilence(direction: Direction, durationNs: number): void {
  const { silences } = direction;
  silences.push({ fromNs: direction.lastNs, durationNs });
  if (silences.length < 2 * MAX_PAUSES) return;
  silences.sort((a, b) => b.durationNs - a.durationNs);
  silences.length = MAX_PAUSES;
}

function widen(direction: Direction): void {
  const { cells } = direction;
  for (let i = 0; i < MAX_INTERVALS; i++) {
    const pair = 2 * i < MAX_INTERVALS ? cells[2 * i]! + cells[2 * i + 1]! : 0;
    cells[i] = pair;
  }
  direction.intervalNs *= 2;
  direction.used = Math.ceil(direction.used / 2);
}
