/**
 * Recorded traffic, as it would have looked with another protection, MTU or MSS.
 *
 * Theory of operation: TCP cuts what it has at hand into full segments and one shorter rest. So a maximal run of full segments
 * and the shorter segment that ends it - a burst - is taken for one write of that many bytes, and cut anew. What was a
 * small message stays one; what was a long run becomes more or fewer segments. With the observed MSS every burst falls into
 * the segments it came from, so the same protection gives the same counts and bytes exactly.
 */
import { pathMtu, tcpMss } from '../ipsec/path-mtu.js';
import type { ProtectionStack } from '../ipsec/protection-stack.js';
import { emptyTotals, type LayerTotals, PLAN_LAYERS, requireExact } from './layer-totals.js';
import { packetCost } from './packet-cost.js';
import { datagramMtu, FrameTally, requireMss } from './transfer.js';

/** One direction of a TCP connection. */
export interface ObservedFlow {
  /** IP version that TCP uses (inside tunnels). */
  readonly family: 4 | 6;
  /** Ethernet's 14; what a cooked capture has instead. VLAN tags belong to the target stack. */
  readonly linkHeaderBytes: number;
  /** TCP options in segments with payload: 12 with timestamps. */
  readonly tcpOptionBytes: number;
  /** Largest payload this side sent. */
  readonly mssBytes: number;
  /** Bytes of a burst -> how many. A burst is a run of segments of `mssBytes` with the shorter one that ends it, if any. */
  readonly bursts: ReadonlyMap<number, number>;
  /** Segments without payload. */
  readonly pureAcks: number;
  /** Index of the other direction in the list, whose segments those acknowledge; then their number follows that of the segments. */
  readonly peer?: number;
}

export interface WhatIfTarget {
  readonly stack: ProtectionStack;
  readonly linkMtuBytes: number;
  /** `auto`: Linux's. `observed`: that of each flow. */
  readonly mss: 'auto' | 'observed' | number;
}

export interface PredictedFlow {
  readonly mssBytes: number;
  readonly dataPackets: number;
  readonly ackPackets: number;
  readonly packets: number;
  readonly wireBytes: number;
  /** `wireBytes` by owner. */
  readonly layers: LayerTotals;
  readonly fragmented: boolean;
}

export interface WhatIfResult {
  readonly packets: number;
  readonly wireBytes: number;
  readonly layers: LayerTotals;
  readonly flows: readonly PredictedFlow[];
}

/**
 * Collects bursts from the payload lengths of one direction, in the order sent. Retransmissions should be left out: they were not
 * new writes. Finish with `end`.
 */
export class BurstCollector {
  readonly bursts = new Map<number, number>();
  readonly #mssBytes: number;
  #open = 0;

  constructor(mssBytes: number) {
    requireMss(mssBytes);
    this.#mssBytes = mssBytes;
  }

  /** @param payloadBytes 1 to MSS; 0 is passed over */
  add(payloadBytes: number): void {
    if (payloadBytes === 0) return;
    this.#open += payloadBytes;
    if (payloadBytes !== this.#mssBytes) this.end();
  }

  /** The flow is over, or paused. */
  end(): void {
    if (this.#open > 0) this.bursts.set(this.#open, (this.bursts.get(this.#open) ?? 0) + 1);
    this.#open = 0;
  }
}

/**
 * @throws RangeError for impossible stacks, MTUs and MSSs, or a `peer` that is not in the list
 */
export function whatIf(flows: readonly ObservedFlow[], target: WhatIfTarget): WhatIfResult {
  const ratios = flows.map((flow) => segmentRatio(flow, mssFor(flow, target)));
  const predicted = flows.map((flow) => predictFlow(flow, target, ackPackets(flow, ratios)));
  const layers = emptyTotals();
  for (const flow of predicted) for (const layer of PLAN_LAYERS) layers[layer] += flow.layers[layer];
  return {
    packets: predicted.reduce((sum, flow) => sum + flow.packets, 0),
    wireBytes: requireExact(
      'wire bytes',
      predicted.reduce((sum, flow) => sum + flow.wireBytes, 0),
    ),
    layers,
    flows: predicted,
  };
}

interface SegmentRatio {
  readonly observed: number;
  readonly predicted: number;
}

function segmentRatio(flow: ObservedFlow, mssBytes: number): SegmentRatio {
  let observed = 0;
  let predicted = 0;
  for (const [bytes, count] of flow.bursts) {
    observed += Math.ceil(bytes / flow.mssBytes) * count;
    predicted += Math.ceil(bytes / mssBytes) * count;
  }
  return { observed, predicted };
}

/** To the nearest whole packet; unchanged where the segments are. */
function ackPackets(flow: ObservedFlow, ratios: readonly SegmentRatio[]): number {
  if (flow.peer === undefined) return flow.pureAcks;
  const ratio = ratios[flow.peer];
  if (ratio === undefined) throw new RangeError(`peer ${flow.peer} is not among the ${ratios.length} flows`);
  if (ratio.observed === 0 || ratio.observed === ratio.predicted) return flow.pureAcks;
  return Math.round((flow.pureAcks * ratio.predicted) / ratio.observed);
}

function mssFor(flow: ObservedFlow, target: WhatIfTarget): number {
  if (target.mss === 'observed') return flow.mssBytes;
  if (target.mss !== 'auto') {
    requireMss(target.mss);
    return target.mss;
  }
  return tcpMss(pathMtu(target.stack, flow.family, target.linkMtuBytes), flow.family, flow.tcpOptionBytes);
}

function predictFlow(flow: ObservedFlow, target: WhatIfTarget, acks: number): PredictedFlow {
  const mssBytes = mssFor(flow, target);
  const cost = packetCost(target.stack, flow.family, flow.tcpOptionBytes, flow.linkHeaderBytes);
  const tally = new FrameTally(cost, datagramMtu(target.stack, target.linkMtuBytes), 0);
  let dataPackets = 0;
  for (const [bytes, count] of flow.bursts) {
    const last = bytes % mssBytes;
    const full = (bytes - last) / mssBytes;
    tally.add(mssBytes, full * count);
    if (last > 0) tally.add(last, count);
    dataPackets += (full + (last > 0 ? 1 : 0)) * count;
  }
  tally.add(0, acks);
  const { packets, wireBytes, layers, fragmented } = tally.result();
  return { mssBytes, dataPackets, ackPackets: acks, packets, wireBytes, layers, fragmented };
}
