import type { SecurityAssociationSummary } from '../analysis/analysis-summary.js';
import { SaSlot, type SecurityAssociationsState } from '../analysis/sa-counters.js';
import { SA_STRIDE, Sa } from '../analysis/sa-record.js';
import type { SaSuite } from '../analysis/sa-suite.js';
import { summarizeSa } from '../analysis/security-associations.js';
import { Sequence } from '../analysis/sequence-numbers.js';
import type { LiveSecurityAssociation, LiveSnapshot } from './live-snapshot.js';
import type { SuiteMemory } from './suite-memory.js';

/** SAs in a snapshot. */
const MAX_LISTED = 64;
/** SAs that detectors are told of. */
const MAX_SUMMARIZED = 256;
const UNKNOWN_SUITE: SaSuite = { name: null, certainty: 'inferred', candidates: [], paddings: [] };

/** What each SA had counted at the snapshot before. */
const Before = { packets: 0, bytes: 1, missing: 2 } as const;
const BEFORE_STRIDE = 3;

/** Lists the SAs that carry most, with what the last interval added to each. */
export class AssociationList {
  private readonly suites: SuiteMemory;
  private before = new Float64Array(16 * BEFORE_STRIDE);
  /** Of the snapshot read last: those that carry most, some more than are listed. */
  summaries: SecurityAssociationSummary[] = [];

  constructor(suites: SuiteMemory) {
    this.suites = suites;
  }

  /** Call once a snapshot. */
  read(state: SecurityAssociationsState): LiveSnapshot['securityAssociations'] {
    const { count } = state.table;
    this.makeRoomFor(count);
    const slots = this.busiestSlots(state);
    this.summaries = slots.map((slot) =>
      summarizeSa(state, slot, this.suites.suiteOf(state, slot) ?? UNKNOWN_SUITE),
    );
    const busiest = slots.slice(0, MAX_LISTED).map((slot, i) => this.describe(this.summaries[i]!, slot));
    for (let slot = SaSlot.first; slot < count; slot++) {
      this.before[slot * BEFORE_STRIDE + Before.packets] =
        state.records[slot * SA_STRIDE + Sequence.packets]!;
      this.before[slot * BEFORE_STRIDE + Before.bytes] = state.records[slot * SA_STRIDE + Sa.wireBytes]!;
    }
    return { count: count - SaSlot.first, busiest };
  }

  private busiestSlots({ table, records }: SecurityAssociationsState): number[] {
    const added = (slot: number): number =>
      records[slot * SA_STRIDE + Sa.wireBytes]! - this.before[slot * BEFORE_STRIDE + Before.bytes]!;
    const slots = Array.from({ length: table.count - SaSlot.first }, (_, i) => SaSlot.first + i);
    slots.sort(
      (a, b) =>
        added(b) - added(a) ||
        records[b * SA_STRIDE + Sa.wireBytes]! - records[a * SA_STRIDE + Sa.wireBytes]! ||
        a - b,
    );
    return slots.slice(0, MAX_SUMMARIZED);
  }

  private describe(sa: SecurityAssociationSummary, slot: number): LiveSecurityAssociation {
    const at = slot * BEFORE_STRIDE;
    const missingBefore = this.before[at + Before.missing]!;
    this.before[at + Before.missing] = sa.sequence.missing;
    return {
      protocol: sa.protocol,
      spi: sa.spi,
      source: sa.source,
      destination: sa.destination,
      udpEncap: sa.udpEncap,
      mode: sa.mode,
      suite: { name: sa.suite.name, certainty: sa.suite.certainty },
      packets: sa.packets,
      bytes: sa.bytes,
      lastTimeNs: sa.lastTimeNs,
      sequence: sa.sequence,
      integrity: sa.integrity,
      interval: {
        packets: sa.packets - this.before[at + Before.packets]!,
        bytes: sa.bytes - this.before[at + Before.bytes]!,
        missing: sa.sequence.missing - missingBefore,
      },
    };
  }

  private makeRoomFor(count: number): void {
    if (count * BEFORE_STRIDE <= this.before.length) return;
    const grown = new Float64Array(Math.max(count * BEFORE_STRIDE, this.before.length * 2));
    grown.set(this.before);
    this.before = grown;
  }
}
