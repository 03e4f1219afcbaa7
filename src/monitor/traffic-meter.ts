import type { Certainty, LayerBytes } from '../analysis/analysis-summary.js';
import { type EspSplit, splitClosedEsp, weakest } from '../analysis/esp-split.js';
import { bytesOf, FLOW_STRIDE, packetsOf } from '../analysis/flow-record.js';
import { FlowSlot, type FlowsState, redundantBytesOfFlow } from '../analysis/flow-table.js';
import { protectionSummary, totalRecord } from '../analysis/overhead.js';
import { PROTECTION_CLASSES } from '../analysis/packet-class.js';
import { SaSlot, type SecurityAssociationsState } from '../analysis/sa-counters.js';
import { SA_STRIDE, Sa } from '../analysis/sa-record.js';
import { closedEspOf } from '../analysis/sa-suite.js';
import type { TalliesState } from '../analysis/tallies.js';
import { Layer } from '../packet/layers.js';
import type { LiveTraffic } from './live-snapshot.js';
import type { SuiteMemory } from './suite-memory.js';

/*
 * Theory of operation. The tables of the analysis are read once a snapshot; nothing is counted a second time per packet.
 * Packets, bytes and layers are sums over the flow table. Two things would cost too much to be told anew each time:
 *
 *  - what was sent again: asked of the flows alone that have new packets;
 *  - how closed ESP splits: of the SAs alone that have new packets, and of those packets only, by the suite as it is known
 *    now. A total is the sum of such parts: where a suite became known late the report at the end, which splits all by what
 *    is known then, says something a little different.
 */

/** Reads from the analysis' tables what was on the wire, up to now and since it was read last. */
export class TrafficMeter {
  private readonly suites: SuiteMemory;
  /** Packets of each flow when it was last looked at, and what it had sent again. */
  private flowPackets = new Float64Array(64);
  private flowRedundant = new Float64Array(64);
  private redundantBytes = 0;
  /** Closed packets and bytes of each SA when they were last split. */
  private closedPackets = new Float64Array(64);
  private closedBytes = new Float64Array(64);
  private closedTotal = 0;
  /** Of all closed ESP: what IPsec added, and what it carries. */
  private closedOverhead = 0;
  private closedPayload = 0;
  private innerIpBytes = 0;
  /** Of the inner IP headers, those of tunnels. */
  private tunnelBytes = 0;
  private last: LiveTraffic = noTraffic();

  constructor(suites: SuiteMemory) {
    this.suites = suites;
  }

  /** @returns what was on the wire since the start, and since the last call */
  read({ flows, associations }: TalliesState): { total: LiveTraffic; interval: LiveTraffic } {
    const record = totalRecord(flows);
    this.readRedundant(flows);
    const certainties = this.readClosed(associations);
    const unassigned = record[Layer.espOpaque]! - this.closedTotal;
    if (unassigned > 0) certainties.push(this.addSplit({ packets: 1, bytes: unassigned, candidates: [] }));
    if (hasTunnel(associations)) this.tunnelBytes += record[Layer.innerIp]! - this.innerIpBytes;
    this.innerIpBytes = record[Layer.innerIp]!;
    let ipsecBytes = this.closedOverhead + this.tunnelBytes;
    for (let layer = Layer.udpEncap; layer <= Layer.espIcv; layer++) ipsecBytes += record[layer]!;
    const total: LiveTraffic = {
      packets: packetsOf(record, 0),
      bytes: bytesOf(record, 0),
      protection: protectionSummary(flows, record),
      ipsecBytes,
      ipsecCertainty: certainties.reduce<Certainty>(weakest, this.last.ipsecCertainty),
      goodputBytes: Math.max(0, record[Layer.payload]! + this.closedPayload - this.redundantBytes),
    };
    const interval = difference(total, this.last, certainties.reduce<Certainty>(weakest, 'measured'));
    this.last = total;
    return { total, interval };
  }

  private readRedundant(flows: FlowsState): void {
    const { count } = flows.table;
    this.flowPackets = withRoom(this.flowPackets, count);
    this.flowRedundant = withRoom(this.flowRedundant, count);
    for (let slot = FlowSlot.first; slot < count; slot++) {
      const packets = packetsOf(flows.records, slot * FLOW_STRIDE);
      if (packets === this.flowPackets[slot]) continue;
      const redundant = redundantBytesOfFlow(flows, slot);
      this.redundantBytes += redundant - this.flowRedundant[slot]!;
      this.flowPackets[slot] = packets;
      this.flowRedundant[slot] = redundant;
    }
  }

  /** @returns how certain the split of each SA's new packets is */
  private readClosed(state: SecurityAssociationsState): Certainty[] {
    const { count } = state.table;
    this.closedPackets = withRoom(this.closedPackets, count);
    this.closedBytes = withRoom(this.closedBytes, count);
    const certainties: Certainty[] = [];
    for (let slot = 0; slot < count; slot++) {
      const at = slot * SA_STRIDE;
      const packets = state.records[at + Sa.closed]! - this.closedPackets[slot]!;
      if (packets === 0) continue;
      const bytes = state.records[at + Sa.closedBytes]! - this.closedBytes[slot]!;
      this.closedPackets[slot]! += packets;
      this.closedBytes[slot]! += bytes;
      const suite = slot < SaSlot.first ? null : this.suites.suiteOf(state, slot);
      certainties.push(this.addSplit({ ...closedEspOf(state, slot, suite), packets, bytes }));
    }
    return certainties;
  }

  private addSplit(closed: Parameters<typeof splitClosedEsp>[0]): Certainty {
    const { payload, ...added }: EspSplit = splitClosedEsp(closed);
    this.closedTotal += closed.bytes;
    this.closedPayload += payload.bytes;
    let certainty: Certainty = 'measured';
    for (const part of Object.values<LayerBytes>(added)) {
      this.closedOverhead += part.bytes;
      if ((part.max ?? part.bytes) > 0) certainty = weakest(certainty, part.certainty);
    }
    return certainty;
  }
}

function hasTunnel({ table, records }: SecurityAssociationsState): boolean {
  for (let at = SaSlot.first * SA_STRIDE; at < table.count * SA_STRIDE; at += SA_STRIDE) {
    if (records[at + Sa.tunnel]! > records[at + Sa.transport]!) return true;
  }
  return false;
}

type Numbers = Float64Array<ArrayBuffer>;

function withRoom(numbers: Numbers, count: number): Numbers {
  if (numbers.length >= count) return numbers;
  const grown = new Float64Array(Math.max(count, numbers.length * 2));
  grown.set(numbers);
  return grown;
}

function noTraffic(): LiveTraffic {
  return {
    packets: 0,
    bytes: 0,
    protection: protectionOf(() => ({ packets: 0, bytes: 0 })),
    ipsecBytes: 0,
    ipsecCertainty: 'measured',
    goodputBytes: 0,
  };
}

function difference(now: LiveTraffic, before: LiveTraffic, ipsecCertainty: Certainty): LiveTraffic {
  return {
    packets: now.packets - before.packets,
    bytes: now.bytes - before.bytes,
    protection: protectionOf((name) => ({
      packets: now.protection[name].packets - before.protection[name].packets,
      bytes: now.protection[name].bytes - before.protection[name].bytes,
    })),
    ipsecBytes: Math.max(0, now.ipsecBytes - before.ipsecBytes),
    ipsecCertainty,
    goodputBytes: Math.max(0, now.goodputBytes - before.goodputBytes),
  };
}

function protectionOf(
  amount: (name: (typeof PROTECTION_CLASSES)[number]) => { packets: number; bytes: number },
): LiveTraffic['protection'] {
  return Object.fromEntries(
    PROTECTION_CLASSES.map((name) => [name, amount(name)]),
  ) as LiveTraffic['protection'];
}
