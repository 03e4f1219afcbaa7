/**
 * Packets lost while capturing, as the file's interface statistics tell it.
 *
 * The counts are running totals: of several statistics blocks of one interface the last one holds. Interfaces belong to
 * a section, so a tally that begins in the middle of a file keeps the section it began in apart: the statistics of the
 * part before it, if any, are superseded when the two tallies are joined.
 *
 * Plain data, may be sent from a worker.
 */
export interface DropTally {
  /** Sections that began within the part counted. */
  sectionStarts: number;
  /** Totals of sections that began and ended within the part; null if they reported nothing. */
  closed: number | null;
  /** By interface number: the section in which the part begins. */
  first: (number | undefined)[];
  /** By interface number: the section in which the part ends. The same array as `first` if that is the same section. */
  last: (number | undefined)[];
}

export function createDropTally(): DropTally {
  const only: (number | undefined)[] = [];
  return { sectionStarts: 0, closed: null, first: only, last: only };
}

export function recordDrops(tally: DropTally, interfaceId: number, packets: number): void {
  tally.last[interfaceId] = packets;
}

export function startSection(tally: DropTally): void {
  if (tally.sectionStarts > 0) tally.closed = addKnown(tally.closed, sum(tally.last));
  tally.sectionStarts++;
  tally.last = [];
}

/** @returns the tally of two adjoining parts of one file */
export function joinDropTallies(before: DropTally, after: DropTally): DropTally {
  const seam = overlay(before.last, after.first);
  const joined: DropTally = {
    sectionStarts: before.sectionStarts + after.sectionStarts,
    closed: addKnown(before.closed, after.closed),
    first: before.sectionStarts === 0 ? seam : before.first,
    last: after.sectionStarts === 0 ? seam : after.last,
  };
  if (before.sectionStarts > 0 && after.sectionStarts > 0) {
    joined.closed = addKnown(joined.closed, sum(seam));
  }
  return joined;
}

/** @returns packets dropped, or null if no statistics said anything */
export function totalDrops(tally: DropTally): number | null {
  const first = sum(tally.first);
  if (tally.sectionStarts === 0) return first;
  return addKnown(addKnown(first, tally.closed), sum(tally.last));
}

function overlay(
  earlier: readonly (number | undefined)[],
  later: readonly (number | undefined)[],
): (number | undefined)[] {
  const result = earlier.slice();
  for (const [interfaceId, packets] of later.entries()) {
    if (packets !== undefined) result[interfaceId] = packets;
  }
  return result;
}

function sum(counts: readonly (number | undefined)[]): number | null {
  let total: number | null = null;
  for (const packets of counts) {
    if (packets !== undefined) total = (total ?? 0) + packets;
  }
  return total;
}

function addKnown(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}
