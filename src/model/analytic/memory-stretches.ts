import type { GuestMemory } from '../qemu/guest-memory.js';
import { type DirtyGroup, dirtyShare } from '../workload/dirty-group.js';

/** Pages that are alike, as numbers: how many are dirty, not which. Expected values, so fractions of pages too. */
export interface Stretch {
  readonly pages: number;
  readonly zero: boolean;
  readonly group: DirtyGroup | null;
  dirty: number;
  /** In the XBZRLE cache. */
  cached: number;
}

/**
 * A guest's memory for the analytic model: the regions of its RAM, cut where groups of the workload begin and end, in the order in
 * which they are scanned. Within a stretch the position of dirty pages is forgotten.
 */
export class MemoryStretches {
  readonly stretches: readonly Stretch[];
  #at = 0;
  /** Passes over all of memory that are behind. */
  rounds = 0;
  dirtyPages: number;

  constructor(memory: GuestMemory, groups: readonly DirtyGroup[]) {
    this.stretches = memory.regions.flatMap((region) => cut(region, groups));
    this.dirtyPages = memory.pages;
  }

  /** The stretch that is sent next; null if all is clean. */
  next(): Stretch | null {
    if (this.dirtyPages <= 0) return null;
    const { stretches } = this;
    for (let steps = 0; steps <= stretches.length; steps++) {
      const stretch = stretches[this.#at]!;
      if (stretch.dirty > 0) return stretch;
      if (++this.#at === stretches.length) {
        this.#at = 0;
        this.rounds++;
      }
    }
    this.dirtyPages = 0;
    return null;
  }

  /** Pages of a stretch were sent. */
  take(stretch: Stretch, pages: number): void {
    // What rounding leaves is no page.
    const left = stretch.dirty - pages > 1e-9 ? stretch.dirty - pages : 0;
    this.dirtyPages -= stretch.dirty - left;
    stretch.dirty = left;
  }

  /** The guest has written for so long. @returns pages that were clean before */
  write(seconds: number): number {
    let added = 0;
    for (const stretch of this.stretches) {
      if (stretch.group === null) continue;
      const dirtied = (stretch.pages - stretch.dirty) * dirtyShare(stretch.group, seconds);
      stretch.dirty += dirtied;
      added += dirtied;
    }
    this.dirtyPages += added;
    return added;
  }
}

/** Cuts a region where groups begin and end. */
function cut(
  { first, end, zero }: { readonly first: number; readonly end: number; readonly zero: boolean },
  groups: readonly DirtyGroup[],
): Stretch[] {
  const stretches: Stretch[] = [];
  const add = (from: number, to: number, group: DirtyGroup | null): void => {
    const pages = to - from;
    if (pages > 0) stretches.push({ pages, zero, group, dirty: pages, cached: 0 });
  };
  let at = first;
  // Groups are in the order of their pages and do not overlap.
  for (const group of groups) {
    const [from, to] = [Math.max(at, group.first), Math.min(end, group.end)];
    if (to <= from) continue;
    add(at, from, null);
    add(from, to, group);
    at = to;
  }
  add(at, end, null);
  return stretches;
}
