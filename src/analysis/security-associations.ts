import type { PacketBatch } from '../packet/packet-batch.js';
import type { Certainty, SecurityAssociationSummary } from './analysis-summary.js';
import { type EspSplit, splitClosedEsp, weakest } from './esp-split.js';
import { addressesOf, KEY_WORDS } from './key-table.js';
import {
  IPPROTO_ESP,
  SA_UDP_ENCAP,
  SaCounters,
  SaSlot,
  type SecurityAssociationsState,
} from './sa-counters.js';
import { SA_STRIDE, Sa } from './sa-record.js';
import { closedEspOf, type SaSuite, SuiteFinder, type SuiteKnowledge } from './sa-suite.js';
import { findingsOf, Sequence, type SequenceFindings } from './sequence-numbers.js';
import { rateBps, spanSeconds, spanTexts } from './time-span.js';

const ESP_HEADER_BYTES = 8;
const ESP_TRAILER_BYTES = 2;
const UDP_HEADER_BYTES = 8;
const EPOCH = 2 ** 32;

/** One SA's closed ESP, split. `source` and `destination` are texts. */
export interface SaSplit {
  source: string;
  destination: string;
  packets: number;
  /** Of `packets`, those in datagrams put together from fragments. */
  fragmentedPackets: number;
  split: EspSplit;
}

/** Analysis: the SAs that protect traffic, what they cost and what became of their packets. */
export class SecurityAssociations {
  private readonly counters = new SaCounters();
  readonly state: SecurityAssociationsState = this.counters.state;

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    this.counters.add(batch, from, to);
  }

  /** @param later of packets seen after all of this one's */
  merge(later: SecurityAssociationsState): void {
    this.counters.merge(later);
  }

  /** In order of first appearance. */
  summary(knowledge: SuiteKnowledge = {}): SecurityAssociationSummary[] {
    const finder = new SuiteFinder(knowledge);
    const summaries: SecurityAssociationSummary[] = [];
    for (let slot = SaSlot.first; slot < this.state.table.count; slot++) {
      summaries.push(summarizeSa(this.state, slot, finder.suiteOf(this.state, slot)));
    }
    return summaries;
  }

  /** How closed ESP splits: one element an SA that has any, and one for those beyond the table. */
  closedEsp(knowledge: SuiteKnowledge = {}): SaSplit[] {
    const { state } = this;
    const finder = new SuiteFinder(knowledge);
    const splits: SaSplit[] = [];
    for (let slot = 0; slot < state.table.count; slot++) {
      const at = slot * SA_STRIDE;
      const packets = state.records[at + Sa.closed]!;
      if (packets === 0) continue;
      const isOther = slot < SaSlot.first;
      const suite = isOther ? null : finder.suiteOf(state, slot);
      splits.push({
        ...(isOther ? { source: '', destination: '' } : addressesOf(state.table, slot)),
        packets,
        fragmentedPackets: state.records[at + Sa.closedFragmented]!,
        split: splitClosedEsp(closedEspOf(state, slot, suite)),
      });
    }
    return splits;
  }
}

/** One SA, with its suite as it is known by now. */
export function summarizeSa(
  state: SecurityAssociationsState,
  slot: number,
  suite: SaSuite,
): SecurityAssociationSummary {
  const { records } = state;
  const at = slot * SA_STRIDE;
  const meta = state.table.keys[slot * KEY_WORDS]!;
  const isEsp = (meta & 0xff) === IPPROTO_ESP;
  const bytes = records[at + Sa.wireBytes]!;
  const largest = records[at + Sa.largestBytes]!;
  return {
    protocol: isEsp ? 'esp' : 'ah',
    spi: `0x${(state.table.keys[slot * KEY_WORDS + 1]! >>> 0).toString(16).padStart(8, '0')}`,
    ...addressesOf(state.table, slot),
    udpEncap: (meta & SA_UDP_ENCAP) !== 0,
    mode: modeOf(records, at),
    packets: records[at + Sequence.packets]!,
    bytes,
    ...spanTexts(records, at + Sa.span),
    rateBps: rateBps(bytes, spanSeconds(records, at + Sa.span)),
    sequence: summarizeSequence(findingsOf(state.sequences, slot, records, at)),
    suite: { name: suite.name, certainty: suite.certainty, candidates: suite.candidates },
    integrity: {
      unchecked: records[at + Sa.integrity]!,
      verified: records[at + Sa.integrity + 1]!,
      failed: records[at + Sa.integrity + 2]!,
    },
    ...(isEsp ? espOverhead(state, slot, suite) : ahOverhead(records, at)),
    largestPacketBytes: largest,
    pathMtu: {
      atLeast: Math.max(largest, records[at + Sa.largestFragmentBytes]!),
      fragmented: records[at + Sa.fragmented]! > 0,
    },
  };
}

function modeOf(records: Float64Array, at: number): SecurityAssociationSummary['mode'] {
  const tunnel = records[at + Sa.tunnel]!;
  const transport = records[at + Sa.transport]!;
  if (tunnel + transport === 0) return 'unknown';
  return tunnel > transport ? 'tunnel' : 'transport';
}

function lowBits(number: number): number {
  return ((number % EPOCH) + EPOCH) % EPOCH;
}

function summarizeSequence(findings: SequenceFindings | null): SecurityAssociationSummary['sequence'] {
  const { lowest, highest, missing, duplicate, reordered } = findings ?? {
    lowest: 0,
    highest: 0,
    missing: 0,
    duplicate: 0,
    reordered: 0,
  };
  return {
    first: lowBits(lowest),
    last: lowBits(highest),
    missing,
    duplicate,
    reordered,
    untilWrap: EPOCH - 1 - lowBits(highest),
    wrapped: Math.floor(lowest / EPOCH) !== Math.floor(highest / EPOCH),
  };
}

interface Overhead {
  overheadBytes: number;
  overheadCertainty: Certainty;
}

function ahOverhead(records: Float64Array, at: number): Overhead {
  return {
    overheadBytes: records[at + Sa.ahBytes]! + records[at + Sa.tunnelBytes]!,
    overheadCertainty: 'measured',
  };
}

function espOverhead(state: SecurityAssociationsState, slot: number, suite: SaSuite): Overhead {
  const { records } = state;
  const at = slot * SA_STRIDE;
  const opened = records[at + Sa.opened]!;
  const closed = closedEspOf(state, slot, suite);
  const isEncapsulated = (state.table.keys[slot * KEY_WORDS]! & SA_UDP_ENCAP) !== 0;
  const headerBytes = ESP_HEADER_BYTES + (isEncapsulated ? UDP_HEADER_BYTES : 0);
  const measured =
    (opened + closed.packets) * headerBytes +
    opened * ESP_TRAILER_BYTES +
    records[at + Sa.ivBytes]! +
    records[at + Sa.icvBytes]! +
    records[at + Sa.padBytes]! +
    records[at + Sa.tunnelBytes]!;
  const { espIv, espIcv, espPadding, espTrailer } = splitClosedEsp(closed);
  const parts = [espIv, espIcv, espPadding, espTrailer];
  return {
    overheadBytes: parts.reduce((total, part) => total + part.bytes, measured),
    overheadCertainty: parts.reduce<Certainty>((worst, part) => weakest(worst, part.certainty), 'measured'),
  };
}
