/**
 * What one TCP transfer costs on Ethernet: exact counts, no simulation. All segments but the last are full; nothing is lost or sent
 * again; the handshake and the end of the connection are left out.
 */

import { pathMtu, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import { fragmentBytes, IPV6_FRAGMENT_HEADER_BYTES } from '../ipsec/path-mtu-fragments.js';
import {
  ETHERNET_HEADER_BYTES,
  ipHeaderBytesOf,
  isLinkCarrier,
  MIN_FRAME_BYTES,
  type ProtectionStack,
} from '../ipsec/protection-stack.js';
import { bestMss } from './best-mss.js';
import { emptyTotals, type LayerTotals, PLAN_LAYERS, requireExact, sumOfLayers } from './layer-totals.js';
import { bareFrameBytes, datagramBytes, type PacketCost, packetCost, paddingOf } from './packet-cost.js';

/** Preamble and start delimiter 8, check sequence 4, inter-packet gap 12 (IEEE 802.3 sections 3.1.1, 4.4.2). */
export const ETHERNET_LINE_BYTES = 24;
/** A receiver acknowledges at least every second full segment (RFC 9293 section 3.8.6.3). */
const SEGMENTS_PER_ACK = 2;
/** What the length field of IP holds. */
export const MAX_DATAGRAM_BYTES = 65_535;

export interface TransferRequest {
  readonly payloadBytes: number;
  readonly stack: ProtectionStack;
  /** IP version that TCP uses. */
  readonly family: 4 | 6;
  readonly linkMtuBytes: number;
  /** `auto`: what Linux derives. A number above that makes packets that are fragmented after encryption. */
  readonly mss?: number | 'auto';
  /** 12 with timestamps (default), 0 without. */
  readonly tcpOptionBytes?: number;
  /** For times and packet rates; bits per second. */
  readonly linkBps?: number;
}

/** Frames of one kind. `wireBytes`: as a capture counts them, header 14, no check sequence. `lineBytes`: what the line is busy for. */
export interface FrameCount {
  readonly packets: number;
  readonly wireBytes: number;
  readonly lineBytes: number;
}

export interface TransferCost extends FrameCount {
  readonly pathMtuBytes: number;
  readonly mssBytes: number;
  /** MSS not above Linux's own that needs the fewest wire bytes for this transfer. */
  readonly bestMssBytes: number;
  readonly segments: number;
  /** `wireBytes` by owner. */
  readonly layers: LayerTotals;
  /** ESP padding, also in `layers`. */
  readonly paddingBytes: number;
  /** Filling up to the smallest Ethernet frame, also in `layers.link`. A sender's own capture does not show it. */
  readonly fillBytes: number;
  /** True if a packet does not fit the link in one piece. */
  readonly fragmented: boolean;
  /** Payload / wire bytes, 0 to 1. */
  readonly efficiency: number;
  /** Pure acknowledgements, in the other direction: one for two segments, behind the same stack. */
  readonly acks: FrameCount;
  /** At the full rate of the link; null unless `linkBps` was given. */
  readonly idealSeconds: number | null;
  readonly packetsPerSecond: number | null;
}

/**
 * @throws RangeError for impossible MTUs, MSSs and stacks, and where a total leaves the integers a number holds exactly (2^53)
 */
export function planTransfer(request: TransferRequest): TransferCost {
  const { stack, family, linkMtuBytes, payloadBytes, tcpOptionBytes = TCP_TIMESTAMP_BYTES } = request;
  const pathMtuBytes = pathMtu(stack, family, linkMtuBytes);
  const autoMss = tcpMss(pathMtuBytes, family, tcpOptionBytes);
  const mssBytes = request.mss === undefined || request.mss === 'auto' ? autoMss : request.mss;
  requirePayload(payloadBytes);
  requireMss(mssBytes);
  const cost = packetCost(stack, family, tcpOptionBytes, ETHERNET_HEADER_BYTES);
  const data = costSegments(cost, datagramMtu(stack, linkMtuBytes), payloadBytes, mssBytes);
  const acks = costAcks(cost, data.segments);
  const idealSeconds =
    request.linkBps === undefined ? null : (data.lineBytes * 8) / requireRate(request.linkBps);
  return {
    ...data,
    pathMtuBytes,
    mssBytes,
    bestMssBytes: bestMss(cost, payloadBytes, autoMss),
    efficiency: data.wireBytes === 0 ? 0 : payloadBytes / data.wireBytes,
    acks,
    idealSeconds,
    packetsPerSecond: idealSeconds === null || idealSeconds === 0 ? null : data.packets / idealSeconds,
  };
}

/** What the segments of a transfer come to, without acknowledgements. */
export interface SegmentsCost extends FrameCount {
  readonly segments: number;
  readonly layers: LayerTotals;
  readonly paddingBytes: number;
  readonly fillBytes: number;
  readonly fragmented: boolean;
}

/** The arithmetic alone, for callers that did the set-up and checked the arguments. */
export function costSegments(
  cost: PacketCost,
  mtuBytes: number,
  payloadBytes: number,
  mssBytes: number,
): SegmentsCost {
  const tally = new FrameTally(cost, mtuBytes);
  const last = payloadBytes % mssBytes;
  tally.add(mssBytes, (payloadBytes - last) / mssBytes);
  if (last > 0) tally.add(last, 1);
  return tally.result();
}

/** Pure acknowledgements for so many segments. */
export function costAcks(cost: PacketCost, segments: number): FrameCount {
  const packets = Math.ceil(segments / SEGMENTS_PER_ACK);
  const frame = Math.max(MIN_FRAME_BYTES, bareFrameBytes(cost, 0));
  return { packets, wireBytes: packets * frame, lineBytes: packets * (frame + ETHERNET_LINE_BYTES) };
}

/** Adds up frames by owner. */
export class FrameTally {
  readonly #cost: PacketCost;
  readonly #mtuBytes: number;
  readonly #minFrameBytes: number;
  readonly #layers = emptyTotals();
  #segments = 0;
  #packets = 0;
  #fillBytes = 0;
  #fragmented = false;

  /**
   * @param mtuBytes largest outermost IP packet that the link takes
   * @param minFrameBytes shorter frames are filled up to it; 0 to count as a capture on the sender does
   */
  constructor(cost: PacketCost, mtuBytes: number, minFrameBytes: number = MIN_FRAME_BYTES) {
    this.#minFrameBytes = minFrameBytes;
    this.#cost = cost;
    this.#mtuBytes = mtuBytes;
  }

  /** Adds `count` segments of `payloadBytes`; 0 is a pure acknowledgement. */
  add(payloadBytes: number, count: number): void {
    if (count === 0) return;
    const cost = this.#cost;
    const layers = this.#layers;
    for (const layer of PLAN_LAYERS) layers[layer] += cost.fixed[layer] * count;
    layers.payload += payloadBytes * count;
    layers.espPadding += paddingOf(cost, payloadBytes) * count;
    this.#segments += count;
    const datagram = datagramBytes(cost, payloadBytes);
    if (datagram > this.#mtuBytes) this.#addFragments(datagram, count);
    else this.#addFrames(datagram, count);
  }

  result(): SegmentsCost {
    const layers = this.#layers;
    const wireBytes = requireExact('wire bytes', sumOfLayers(layers));
    return {
      segments: this.#segments,
      packets: this.#packets,
      wireBytes,
      lineBytes: requireExact('line bytes', wireBytes + this.#packets * ETHERNET_LINE_BYTES),
      layers,
      paddingBytes: layers.espPadding,
      fillBytes: this.#fillBytes,
      fragmented: this.#fragmented,
    };
  }

  #addFrames(datagram: number, count: number): void {
    const fill = Math.max(0, this.#minFrameBytes - this.#cost.fixed.link - datagram) * count;
    this.#packets += count;
    this.#fillBytes += fill;
    this.#layers.link += fill;
  }

  /** Each fragment but the first repeats link and IP header; IPv6 adds a fragment header to all. */
  #addFragments(datagram: number, count: number): void {
    const { outerFamily, fixed } = this.#cost;
    if (datagram > MAX_DATAGRAM_BYTES) {
      throw new RangeError(
        `a packet of ${datagram} bytes is more than IP carries (65535): give a smaller MSS`,
      );
    }
    const sizes = fragmentBytes(datagram, outerFamily, this.#mtuBytes);
    const extraHeader = ipHeaderBytesOf(outerFamily) * (sizes.length - 1);
    const fragmentHeaders = outerFamily === 6 ? IPV6_FRAGMENT_HEADER_BYTES * sizes.length : 0;
    this.#layers.ip += (extraHeader + fragmentHeaders) * count;
    this.#layers.link += fixed.link * (sizes.length - 1) * count;
    this.#fragmented = true;
    for (const bytes of sizes) this.#addFrames(bytes, count);
  }
}

/** Largest outermost IP packet: what PPPoE and MPLS leave of the link's MTU. */
export function datagramMtu(stack: ProtectionStack, linkMtuBytes: number): number {
  return pathMtu(stack.filter(isLinkCarrier), 4, linkMtuBytes);
}

export function requirePayload(payloadBytes: number): void {
  if (Number.isSafeInteger(payloadBytes) && payloadBytes >= 0) return;
  throw new RangeError(`payloadBytes is ${payloadBytes}: give a whole number from 0 to 2^53 - 1`);
}

export function requireMss(mssBytes: number): void {
  if (Number.isInteger(mssBytes) && mssBytes >= 1 && mssBytes < MAX_DATAGRAM_BYTES) return;
  throw new RangeError(`an MSS of ${mssBytes} is impossible: give a whole number from 1 to 65534`);
}

function requireRate(linkBps: number): number {
  if (Number.isFinite(linkBps) && linkBps > 0) return linkBps;
  throw new RangeError(`linkBps is ${linkBps}: give bits per second, more than 0`);
}
