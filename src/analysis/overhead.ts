import { Layer, WIRE_LAYERS } from '../packet/layers.js';
import type { PacketBatch } from '../packet/packet-batch.js';
import type {
  DirectionSummary,
  LayerBytesSummary,
  PacketSizeBucket,
  PacketsAndBytes,
  ProtectionClass,
  WireSummary,
} from './analysis-summary.js';
import { addLayerBytes, type EspSplit, splitClosedEsp } from './esp-split.js';
import { bytesOf, clearFlowRecord, FLOW_STRIDE, Flow, mergeFlowRecord, packetsOf } from './flow-record.js';
import { FlowSlot, type FlowsState } from './flow-table.js';
import { addressesOf } from './key-table.js';
import { PROTECTION_CLASSES, PROVISIONAL_CLASSES } from './packet-class.js';
import { PacketSizes, type PacketSizesState } from './packet-sizes.js';
import type { SaSplit } from './security-associations.js';
import { spanTexts } from './time-span.js';

/** What `Overhead.summary` builds on beside its own counts. */
export interface OverheadInput {
  /** `Flows.state` of the same packets. */
  readonly flows: FlowsState;
  /** `SecurityAssociations.closedEsp()` of the same packets. */
  readonly closedEsp: readonly SaSplit[];
}

export interface OverheadSummary {
  wire: WireSummary;
  bytes: LayerBytesSummary;
  protection: Record<ProtectionClass, PacketsAndBytes>;
  directions: DirectionSummary[];
  packetSizes: PacketSizeBucket[];
}

export interface OverheadState {
  sizes: PacketSizesState;
}

/**
 * Analysis: where every byte on the wire went. All but packet sizes is the sum over the flow table's records, so nothing is
 * counted twice per packet.
 */
export class Overhead {
  private readonly sizes = new PacketSizes();
  readonly state: OverheadState = { sizes: this.sizes.state };

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    this.sizes.add(batch, from, to);
  }

  merge(later: OverheadState): void {
    this.sizes.merge(later.sizes);
  }

  summary(input: OverheadInput): OverheadSummary {
    const total = totalRecord(input.flows);
    const splits = input.closedEsp.map(({ split }) => split);
    const closedOverhead = splits.reduce((sum, split) => sum + overheadOf(split), 0);
    return {
      wire: {
        packets: packetsOf(total, 0),
        bytes: bytesOf(total, 0),
        ...spanTexts(total, Flow.span),
      },
      bytes: layerSummary(total, splits),
      protection: protectionSummary(input.flows, total),
      directions: directionSummaries(input),
      packetSizes: this.sizes.summary(closedOverhead),
    };
  }
}

/** All records in one: of nothing but sums and the span anything can be read. */
export function totalRecord(flows: FlowsState): Float64Array {
  const total = new Float64Array(FLOW_STRIDE);
  clearFlowRecord(total, 0);
  for (let slot = 0; slot < flows.table.count; slot++) {
    mergeFlowRecord(total, 0, flows.records, slot * FLOW_STRIDE);
  }
  return total;
}

/** IPsec's part of closed ESP. */
function overheadOf(split: EspSplit): number {
  return split.espIv.bytes + split.espPadding.bytes + split.espTrailer.bytes + split.espIcv.bytes;
}

/** The layers of all records, closed ESP split. What no SA accounts for is split by nothing but limits. */
function layerSummary(total: Float64Array, splits: readonly EspSplit[]): LayerBytesSummary {
  const summary = Object.fromEntries(
    WIRE_LAYERS.map((name, layer) => [name, { bytes: total[layer]!, certainty: 'measured' }]),
  ) as LayerBytesSummary;
  summary.other.bytes += total[Layer.fragment]!;
  let left = total[Layer.espOpaque]!;
  for (const split of splits) {
    left -= addSplit(summary, split);
  }
  if (left > 0) addSplit(summary, splitClosedEsp({ packets: 1, bytes: left, candidates: [] }));
  return summary;
}

/** @returns bytes that were added */
function addSplit(summary: LayerBytesSummary, split: EspSplit): number {
  let bytes = 0;
  for (const layer of ['espIv', 'espPadding', 'espTrailer', 'espIcv', 'payload'] as const) {
    summary[layer] = addLayerBytes(summary[layer], split[layer]);
    bytes += split[layer].bytes;
  }
  return bytes;
}

/**
 * Packets and bytes by class. The classes of waiting fragments are provisional; where a header in front of AH or ESP made
 * the datagram's class differ from that of its fragments, one of them has given more than it had: the others make up for it.
 */
export function protectionSummary(
  flows: FlowsState,
  total: Float64Array,
): Record<ProtectionClass, PacketsAndBytes> {
  const summary = Object.fromEntries(
    PROTECTION_CLASSES.map((name, kind) => [
      name,
      { packets: total[Flow.packets + kind]!, bytes: total[Flow.bytes + kind]! },
    ]),
  ) as Record<ProtectionClass, PacketsAndBytes>;
  const waiting = FlowSlot.fragments * FLOW_STRIDE;
  for (const [field, column] of [
    ['packets', Flow.packets],
    ['bytes', Flow.bytes],
  ] as const) {
    const amounts = flows.records.slice(waiting + column, waiting + column + PROTECTION_CLASSES.length);
    const settled = settleDebts(amounts);
    PROTECTION_CLASSES.forEach((name, kind) => {
      summary[name][field] += settled[kind]! - amounts[kind]!;
    });
  }
  return summary;
}

function settleDebts(amounts: Float64Array): Float64Array {
  const settled = amounts.slice();
  for (const debtor of PROVISIONAL_CLASSES) {
    for (const giver of PROVISIONAL_CLASSES) {
      if (settled[debtor]! >= 0) break;
      const given = Math.min(-settled[debtor]!, Math.max(0, settled[giver]!));
      settled[giver]! -= given;
      settled[debtor]! += given;
    }
  }
  return settled;
}

function directionSummaries({ flows, closedEsp }: OverheadInput): DirectionSummary[] {
  const directions = new Map<string, DirectionSummary>();
  for (let slot = FlowSlot.first; slot < flows.table.count; slot++) {
    const { source, destination } = addressesOf(flows.table, slot);
    const key = `${source} ${destination}`;
    let direction = directions.get(key);
    if (direction === undefined) {
      direction = {
        source,
        destination,
        packets: 0,
        bytes: 0,
        payloadBytes: 0,
        ipsecBytes: 0,
        certainty: 'measured',
      };
      directions.set(key, direction);
    }
    addFlow(direction, flows.records, slot * FLOW_STRIDE);
  }
  for (const { source, destination, split } of closedEsp) {
    const direction = directions.get(`${source} ${destination}`);
    if (direction === undefined) continue;
    const overhead = Math.min(overheadOf(split), direction.payloadBytes);
    direction.payloadBytes -= overhead;
    direction.ipsecBytes += overhead;
  }
  return [...directions.values()];
}

/** Closed ESP counts as payload at first; its overhead is taken from there SA by SA. */
function addFlow(direction: DirectionSummary, records: Float64Array, at: number): void {
  direction.packets += packetsOf(records, at);
  direction.bytes += bytesOf(records, at);
  direction.payloadBytes += records[at + Layer.payload]! + records[at + Layer.espOpaque]!;
  direction.ipsecBytes += records[at + Flow.tunnelBytes]!;
  for (let layer = Layer.udpEncap; layer <= Layer.espIcv; layer++) {
    direction.ipsecBytes += records[at + layer]!;
  }
  if (records[at + Layer.espOpaque]! > 0) direction.certainty = 'bounded';
}
