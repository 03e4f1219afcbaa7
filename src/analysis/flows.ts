import { Layer, WIRE_LAYERS } from '../packet/layers.js';
import type { PacketBatch } from '../packet/packet-batch.js';
import type { FlowSummary, PacketsAndBytes, ReportedLayer } from './analysis-summary.js';
import { bytesOf, FLOW_STRIDE, Flow, packetsOf } from './flow-record.js';
import { FLOW_HAS_PORTS, FlowSlot, type FlowsState, FlowTable } from './flow-table.js';
import { addressesOf, KEY_WORDS } from './key-table.js';
import { PROTECTION_CLASSES, Protection } from './packet-class.js';
import { rateBps, spanSeconds, spanTexts } from './time-span.js';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  50: 'esp',
  51: 'ah',
  58: 'icmp6',
};
const IPPROTO_TCP = 6;

/** Analysis: directional flows by the innermost addresses, protocol and ports that can be seen. */
export class Flows {
  private readonly table = new FlowTable();
  readonly state: FlowsState = this.table.state;

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    this.table.add(batch, from, to);
  }

  /** @param later of packets seen after all of this one's */
  merge(later: FlowsState): void {
    this.table.merge(later);
  }

  /** The flows with most bytes, at most `most`, in order of first appearance. */
  busiest(most: number): FlowSummary[] {
    const { state } = this;
    const slots = Array.from({ length: state.table.count - FlowSlot.first }, (_, i) => FlowSlot.first + i);
    if (slots.length > most) {
      const bytes = Float64Array.from(slots, (slot) => bytesOfSlot(state, slot));
      const least = bytes.slice().sort().at(-most)!;
      return slots
        .filter((_, i) => bytes[i]! >= least)
        .slice(0, most)
        .map((slot) => summarizeFlow(this.table, slot));
    }
    return slots.map((slot) => summarizeFlow(this.table, slot));
  }

  /** Flows in order of first appearance. */
  summary(): { flows: FlowSummary[]; otherFlows: PacketsAndBytes | null } {
    const { records, table } = this.state;
    const flows: FlowSummary[] = [];
    for (let slot = FlowSlot.first; slot < table.count; slot++) flows.push(summarizeFlow(this.table, slot));
    const other = FlowSlot.other * FLOW_STRIDE;
    const packets = packetsOf(records, other);
    return { flows, otherFlows: packets === 0 ? null : { packets, bytes: bytesOf(records, other) } };
  }
}

function bytesOfSlot({ records }: FlowsState, slot: number): number {
  return bytesOf(records, slot * FLOW_STRIDE);
}

function summarizeFlow(table: FlowTable, slot: number): FlowSummary {
  const { state } = table;
  const { records } = state;
  const at = slot * FLOW_STRIDE;
  const meta = state.table.keys[slot * KEY_WORDS]!;
  const protocol = meta & 0xffff;
  const bytes = bytesOf(records, at);
  const seconds = spanSeconds(records, at + Flow.span);
  const layers = reportedLayers(records, at);
  const streams = table.streamTotals(slot);
  const retransmittedBytes = streams.bytes - streams.distinct;
  const distinctBytes = layers.payload - retransmittedBytes - streams.keepAlives;
  return {
    protocol: PROTOCOL_NAMES[protocol] ?? String(protocol),
    ...addressesOf(state.table, slot),
    ...portsOf(meta, state.table.keys[slot * KEY_WORDS + 1]!),
    packets: packetsOf(records, at),
    bytes,
    payloadBytes: layers.payload,
    ...spanTexts(records, at + Flow.span),
    wireBps: rateBps(bytes, seconds),
    goodputBps: rateBps(distinctBytes, seconds),
    mss: {
      announced: records[at + Flow.mssAnnounced]! || null,
      used: protocol === IPPROTO_TCP ? records[at + Flow.mssUsed]! || null : null,
    },
    retransmissions: streams.retransmissions,
    retransmittedBytes,
    protected: isProtected(records, at),
    protection: mainProtection(records, at),
    layers,
    isIpsecOpaque: records[at + Layer.espOpaque]! > 0,
  };
}

function portsOf(meta: number, ports: number): { sourcePort: number | null; destinationPort: number | null } {
  if ((meta & FLOW_HAS_PORTS) === 0) return { sourcePort: null, destinationPort: null };
  return { sourcePort: ports >>> 16, destinationPort: ports & 0xffff };
}

function reportedLayers(records: Float64Array, at: number): Record<ReportedLayer, number> {
  const layers = Object.fromEntries(WIRE_LAYERS.map((name, layer) => [name, records[at + layer]!])) as Record<
    ReportedLayer,
    number
  >;
  layers.payload += records[at + Layer.espOpaque]!;
  layers.other += records[at + Layer.fragment]!;
  return layers;
}

/** Did no packet of the flow go in the clear? */
function isProtected(records: Float64Array, at: number): boolean {
  return (
    records[at + Flow.packets + Protection.clear] === 0 && records[at + Flow.packets + Protection.notIp] === 0
  );
}

/** The class of most of its bytes. */
function mainProtection(records: Float64Array, at: number): FlowSummary['protection'] {
  let main = 0;
  for (let kind = 1; kind < PROTECTION_CLASSES.length; kind++) {
    if (records[at + Flow.bytes + kind]! > records[at + Flow.bytes + main]!) main = kind;
  }
  return PROTECTION_CLASSES[main]!;
}
