import { LAYER_STRIDE } from '../packet/layers.js';
import { PROTECTION_CLASSES } from './packet-class.js';
import { clearSpan, uniteSpans } from './time-span.js';

/** Fields of a flow's record, one Float64 each. Everything before `span` is a sum. */
export const Flow = {
  /** 16 sums, index as in `Layer`. They add up to the flow's wire bytes. */
  layers: 0,
  /** Packets by protection class. */
  packets: LAYER_STRIDE,
  /** Wire bytes by protection class. */
  bytes: LAYER_STRIDE + PROTECTION_CLASSES.length,
  /** Of layer `ip`, what IPsec tunnels added. */
  tunnelBytes: LAYER_STRIDE + 2 * PROTECTION_CLASSES.length,
  /** Totals of TCP connections that lie between the first and the last one of the flow. */
  pastBytes: 29,
  pastDistinct: 30,
  pastRetransmissions: 31,
  pastKeepAlives: 32,
  /** First and last packet (time-span.ts). */
  span: 33,
  /** MSS option of the first SYN that had one; 0: none. */
  mssAnnounced: 37,
  /** Largest TCP payload. */
  mssUsed: 38,
  /** Streams (tcp-streams.ts): the flow's first connection, and the last one; 0: none. */
  headStream: 39,
  tailStream: 40,
} as const;

export const FLOW_STRIDE = 41;

/** A record that counts nothing. */
export function clearFlowRecord(records: Float64Array, at: number): void {
  records.fill(0, at, at + FLOW_STRIDE);
  clearSpan(records, at + Flow.span);
}

/** Packets of all protection classes. */
export function packetsOf(records: Float64Array, at: number): number {
  return sumOf(records, at + Flow.packets);
}

/** Wire bytes of all protection classes. */
export function bytesOf(records: Float64Array, at: number): number {
  return sumOf(records, at + Flow.bytes);
}

function sumOf(records: Float64Array, at: number): number {
  let total = 0;
  for (let i = 0; i < PROTECTION_CLASSES.length; i++) total += records[at + i]!;
  return total;
}

/** Adds sums, times and MSS of `from` (at `fromAt`) to `to`; streams are the caller's. */
export function mergeFlowRecord(to: Float64Array, at: number, from: Float64Array, fromAt: number): void {
  for (let i = 0; i < Flow.span; i++) to[at + i]! += from[fromAt + i]!;
  uniteSpans(to, at + Flow.span, from, fromAt + Flow.span);
  to[at + Flow.mssAnnounced] ||= from[fromAt + Flow.mssAnnounced]!;
  to[at + Flow.mssUsed] = Math.max(to[at + Flow.mssUsed]!, from[fromAt + Flow.mssUsed]!);
}
