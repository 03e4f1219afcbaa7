import {
  addInterval,
  cardinality,
  createIntervalList,
  endOf,
  type IntervalList,
  shareOf,
  uniteIntervals,
} from './interval-list.js';

/*
 * Theory of operation. Two sets say all there is to say about the sequence numbers of an SA: D, the numbers seen, and R,
 * those that were higher than all before them when they arrived. missing = span - |D|, duplicate = packets - |D|,
 * reordered = |D| - |R|. A later piece joins by D = D u D', R = R u { r in R' : r > max D }, which is associative.
 *
 * Only the low 32 bits are on the wire (RFC 4303 section 2.2.1). A step from the highest quarter of the 32-bit range into
 * the lowest one starts the next epoch, a step back the former one. The step is taken from the packet before, not from the
 * highest number: so where a later piece stands follows from its first number and our last one.
 *
 * Numbers in order, nearly all, touch two fields of the record; `settle` brings the ends of both lists up to date.
 */

const EPOCH = 2 ** 32;

/** Fields at the start of an SA's record. */
export const Sequence = {
  /** First number as it stood in the packet; -1 if there was none. */
  first: 0,
  /** Last number, epochs unwrapped. */
  last: 1,
  /** One more than the highest number. */
  end: 2,
  packets: 3,
} as const;
export const SEQUENCE_FIELDS = 4;

const INTERVAL_BUDGET = 1 << 20;
const MIN_INTERVALS = 16;
const MAX_SA_INTERVALS = 2048;

/** Plain data; index is the SA's slot. */
export interface SequenceSets {
  /** D */
  seen: (IntervalList | null)[];
  /** R */
  rising: (IntervalList | null)[];
}

/** What an SA's sequence numbers say. Numbers are epochs unwrapped. */
export interface SequenceFindings {
  lowest: number;
  highest: number;
  missing: number;
  duplicate: number;
  reordered: number;
}

export function clearSequence(records: Float64Array, at: number): void {
  records.fill(0, at, at + SEQUENCE_FIELDS);
  records[at + Sequence.first] = -1;
}

/** Where `sequence` (32 bits, unsigned) stands, given the number before it. */
function unwrap(last: number, sequence: number): number {
  const epoch = Math.floor(last / EPOCH);
  const quarterBefore = (last - epoch * EPOCH) >>> 30;
  const quarter = sequence >>> 30;
  if (quarterBefore === 3 && quarter === 0) return (epoch + 1) * EPOCH + sequence;
  if (quarterBefore === 0 && quarter === 3) return (epoch - 1) * EPOCH + sequence;
  return epoch * EPOCH + sequence;
}

/** @param at start of the SA's record */
export function addSequence(
  sets: SequenceSets,
  slot: number,
  records: Float64Array,
  at: number,
  sequence: number,
): void {
  records[at + Sequence.packets]! += 1;
  const last = records[at + Sequence.last]!;
  const next = last + 1;
  if (next === records[at + Sequence.end] && next >>> 0 === sequence) {
    records[at + Sequence.last] = next;
    records[at + Sequence.end] = next + 1;
    return;
  }
  addUnusual(sets, slot, records, at, sequence);
}

/** Adds `count` numbers that follow one another, from `sequence` on; none of them wraps. */
export function addSequenceRun(
  sets: SequenceSets,
  slot: number,
  records: Float64Array,
  at: number,
  sequence: number,
  count: number,
): void {
  addSequence(sets, slot, records, at, sequence);
  const last = records[at + Sequence.last]!;
  if (last + 1 === records[at + Sequence.end]!) {
    records[at + Sequence.last] = last + count - 1;
    records[at + Sequence.end] = last + count;
    records[at + Sequence.packets]! += count - 1;
    return;
  }
  for (let i = 1; i < count; i++) addSequence(sets, slot, records, at, sequence + i);
}

function addUnusual(
  sets: SequenceSets,
  slot: number,
  records: Float64Array,
  at: number,
  sequence: number,
): void {
  const isFirst = records[at + Sequence.first] === -1;
  if (isFirst) {
    records[at + Sequence.first] = sequence;
    records[at + Sequence.end] = Number.NEGATIVE_INFINITY;
  }
  const number = isFirst ? sequence : unwrap(records[at + Sequence.last]!, sequence);
  settle(sets, slot, records, at);
  const limit = intervalLimit(sets);
  sets.seen[slot] ??= createIntervalList();
  sets.rising[slot] ??= createIntervalList();
  addInterval(sets.seen[slot], number, number + 1, limit);
  if (number >= records[at + Sequence.end]!) addInterval(sets.rising[slot], number, number + 1, limit);
  records[at + Sequence.last] = number;
  records[at + Sequence.end] = endOf(sets.seen[slot]);
}

function intervalLimit(sets: SequenceSets): number {
  return shareOf(INTERVAL_BUDGET, sets.seen.length, MIN_INTERVALS, MAX_SA_INTERVALS);
}

/** Both sets end with the highest number. */
function settle(sets: SequenceSets, slot: number, records: Float64Array, at: number): void {
  const end = records[at + Sequence.end]!;
  for (const list of [sets.seen[slot], sets.rising[slot]]) {
    if (list) list.bounds[list.count * 2 - 1] = end;
  }
}

/** Joins an SA of a later piece. Of that, only ends of lists are brought up to date. */
export function joinSequence(
  sets: SequenceSets,
  slot: number,
  records: Float64Array,
  at: number,
  later: SequenceSets,
  laterSlot: number,
  laterRecords: Float64Array,
  laterAt: number,
): void {
  const first = laterRecords[laterAt + Sequence.first]!;
  if (first === -1) return;
  settle(later, laterSlot, laterRecords, laterAt);
  const isFirst = records[at + Sequence.first] === -1;
  const shift = isFirst ? 0 : unwrap(records[at + Sequence.last]!, first) - first;
  if (isFirst) records[at + Sequence.first] = first;
  else settle(sets, slot, records, at);
  const end = isFirst ? Number.NEGATIVE_INFINITY : records[at + Sequence.end]!;
  sets.seen[slot] ??= createIntervalList();
  sets.rising[slot] ??= createIntervalList();
  const limit = intervalLimit(sets);
  uniteIntervals(sets.seen[slot], later.seen[laterSlot]!, shift, limit);
  uniteRising(sets.rising[slot], later.rising[laterSlot]!, shift, end, limit);
  records[at + Sequence.packets]! += laterRecords[laterAt + Sequence.packets]!;
  records[at + Sequence.last] = laterRecords[laterAt + Sequence.last]! + shift;
  records[at + Sequence.end] = endOf(sets.seen[slot]);
}

/** Adds what of `later`, moved by `shift`, is at `end` or above. */
function uniteRising(
  rising: IntervalList,
  later: IntervalList,
  shift: number,
  end: number,
  limit: number,
): void {
  for (let i = 0; i < later.count; i++) {
    const start = Math.max(end, later.bounds[2 * i]! + shift);
    const stop = later.bounds[2 * i + 1]! + shift;
    if (start < stop) addInterval(rising, start, stop, limit);
  }
  rising.forgotten += later.forgotten;
}

/** @returns null if no number was seen */
export function findingsOf(
  sets: SequenceSets,
  slot: number,
  records: Float64Array,
  at: number,
): SequenceFindings | null {
  const seen = sets.seen[slot];
  const rising = sets.rising[slot];
  if (!seen || !rising) return null;
  settle(sets, slot, records, at);
  const lowest = seen.bounds[0]!;
  const end = records[at + Sequence.end]!;
  const distinct = cardinality(seen);
  return {
    lowest,
    highest: end - 1,
    missing: end - lowest - distinct,
    duplicate: records[at + Sequence.packets]! - distinct,
    reordered: distinct - cardinality(rising),
  };
}
