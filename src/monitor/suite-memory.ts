import type { SecurityAssociationsState } from '../analysis/sa-counters.js';
import { SA_STRIDE, Sa } from '../analysis/sa-record.js';
import { type SaSuite, SuiteFinder, type SuiteKnowledge } from '../analysis/sa-suite.js';
import { Sequence } from '../analysis/sequence-numbers.js';

/** Suites concluded anew between two snapshots, at most: concluding one takes up to some milliseconds. */
const MAX_CONCLUSIONS = 32;
/** An SA's suite is concluded anew when it has this many times the packets. */
const GROWTH = 2;

interface Known {
  readonly suite: SaSuite;
  readonly packets: number;
  readonly opened: boolean;
}

/** Remembers what suites SAs have, so that not every second all evidence is weighed again. */
export class SuiteMemory {
  private readonly finder: SuiteFinder;
  /** By slot. */
  private readonly known: Known[] = [];
  private conclusionsLeft = MAX_CONCLUSIONS;

  constructor(knowledge: SuiteKnowledge) {
    this.finder = new SuiteFinder(knowledge);
  }

  /** Call before the SAs of a snapshot are asked for. */
  startSnapshot(): void {
    this.conclusionsLeft = MAX_CONCLUSIONS;
  }

  /** @returns null if there was no time yet to find out */
  suiteOf(state: SecurityAssociationsState, slot: number): SaSuite | null {
    const known = this.known[slot];
    const at = slot * SA_STRIDE;
    const packets = state.records[at + Sequence.packets]!;
    const opened = state.records[at + Sa.opened]! > 0;
    const isFresh = known !== undefined && packets < known.packets * GROWTH && opened === known.opened;
    if (isFresh || this.conclusionsLeft === 0) return known?.suite ?? null;
    this.conclusionsLeft -= 1;
    const suite = this.finder.suiteOf(state, slot);
    this.known[slot] = { suite, packets, opened };
    return suite;
  }
}
