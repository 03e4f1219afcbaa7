/**
 * A set of integers as half-open intervals, ascending and apart from one another: what has been seen of a sequence space.
 * Plain data, so that it can be sent between workers.
 */
export interface IntervalList {
  /** Interval i is `bounds[2i] <= n < bounds[2i + 1]`. */
  bounds: Float64Array;
  count: number;
  /** Integers inside the intervals that were never seen: gaps given up when the list was full. */
  forgotten: number;
}

/** Most intervals of one list, unless told otherwise. */
export const MAX_INTERVALS = 2048;

export function createIntervalList(): IntervalList {
  return { bounds: new Float64Array(4), count: 0, forgotten: 0 };
}

export function copyIntervalList(list: IntervalList, shift = 0): IntervalList {
  const bounds = list.bounds.slice(0, Math.max(4, list.count * 2));
  for (let i = 0; i < list.count * 2; i++) bounds[i]! += shift;
  return { bounds, count: list.count, forgotten: list.forgotten };
}

/** How many integers are in the set. */
export function cardinality(list: IntervalList): number {
  let total = 0;
  for (let i = 0; i < list.count; i++) total += list.bounds[2 * i + 1]! - list.bounds[2 * i]!;
  return total - list.forgotten;
}

/** End of the last interval; -Infinity for the empty set. */
export function endOf(list: IntervalList): number {
  return list.count === 0 ? Number.NEGATIVE_INFINITY : list.bounds[list.count * 2 - 1]!;
}

/** Index of the first interval whose end is at or behind `value`; `count` if there is none. */
export function firstEndingAt(list: IntervalList, value: number): number {
  const { bounds } = list;
  let low = 0;
  let high = list.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[2 * middle + 1]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Adds `start <= n < end`.
 * @param limit most intervals; beyond it the gaps in the middle of the list are given up (see `giveUpMiddleGaps`)
 * @returns how many of these integers were there before
 */
export function addInterval(list: IntervalList, start: number, end: number, limit = MAX_INTERVALS): number {
  const first = firstEndingAt(list, start);
  const { bounds, count } = list;
  let last = first;
  let mergedStart = start;
  let mergedEnd = end;
  let overlap = 0;
  while (last < count && bounds[2 * last]! <= end) {
    const otherStart = bounds[2 * last]!;
    const otherEnd = bounds[2 * last + 1]!;
    overlap += Math.max(0, Math.min(end, otherEnd) - Math.max(start, otherStart));
    mergedStart = Math.min(mergedStart, otherStart);
    mergedEnd = Math.max(mergedEnd, otherEnd);
    last += 1;
  }
  replaceIntervals(list, first, last, mergedStart, mergedEnd);
  if (list.count > limit) giveUpMiddleGaps(list, limit);
  return overlap;
}

function replaceIntervals(list: IntervalList, first: number, last: number, start: number, end: number): void {
  const growth = 1 - (last - first);
  if ((list.count + growth) * 2 > list.bounds.length) {
    const grown = new Float64Array(list.bounds.length * 2);
    grown.set(list.bounds);
    list.bounds = grown;
  }
  if (growth !== 0) list.bounds.copyWithin(2 * (first + 1), 2 * last, 2 * list.count);
  list.bounds[2 * first] = start;
  list.bounds[2 * first + 1] = end;
  list.count += growth;
}

/**
 * Makes one interval of the middle half of the list. The number of missing integers stays right (`forgotten`); one that
 * arrives for a gap given up is taken for a repetition. Both ends stay exact, because there late arrivals and merging with
 * neighbouring pieces change the set.
 */
function giveUpMiddleGaps(list: IntervalList, limit: number): void {
  const { bounds, count } = list;
  const first = Math.max(0, limit >> 2);
  const last = Math.max(first + 1, count - (limit >> 2));
  for (let i = first; i + 1 < last; i++) list.forgotten += bounds[2 * i + 2]! - bounds[2 * i + 1]!;
  replaceIntervals(list, first, last, bounds[2 * first]!, bounds[2 * last - 1]!);
}

/** Adds all of `other`, moved by `shift`, to `list`. */
export function uniteIntervals(
  list: IntervalList,
  other: IntervalList,
  shift: number,
  limit = MAX_INTERVALS,
): void {
  for (let i = 0; i < other.count; i++) {
    addInterval(list, other.bounds[2 * i]! + shift, other.bounds[2 * i + 1]! + shift, limit);
  }
  list.forgotten += other.forgotten;
}

/** Most entries one of `owners` lists may take of a common budget, at least `least` and at most `most`. */
export function shareOf(budget: number, owners: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(budget / Math.max(1, owners))));
}
