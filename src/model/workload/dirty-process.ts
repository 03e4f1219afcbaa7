import type { DirtyBitmap } from '../qemu/dirty-bitmap.js';
import { type DirtyGroup, dirtyShare } from './dirty-group.js';

/** Numbers from 0 to below 1, all equally likely. */
export interface RandomNumbers {
  next(): number;
}

/**
 * The guest's writes, page by page: says at each synchronisation which pages were written since the one before. The same random
 * numbers give the same pages.
 *
 * Writes are not walked one by one. Each page of a random group is dirty with the group's probability, independently; the
 * distances between dirty pages then are geometric, and are drawn instead of one number for each page (between clean pages
 * where most are dirty). So an interval costs as many random numbers as there are pages on the rarer side.
 */
export class DirtyProcess {
  readonly #groups: readonly DirtyGroup[];
  readonly #random: RandomNumbers;
  /** Of sequential groups: pages written so far, in fractions too. */
  readonly #written: Float64Array;

  constructor(groups: readonly DirtyGroup[], random: RandomNumbers) {
    this.#groups = groups;
    this.#random = random;
    this.#written = Float64Array.from(groups, ({ kind, first, end }) =>
      kind === 'sequential' ? random.next() * (end - first) : 0,
    );
  }

  /**
   * Marks what is written between two points in time.
   * @param throttle share of the time for which the guest's processors are stopped, 0..1
   */
  mark(bitmap: DirtyBitmap, fromNs: number, toNs: number, throttle: number): void {
    const seconds = ((toNs - fromNs) / 1e9) * (1 - throttle);
    if (seconds <= 0) return;
    for (let i = 0; i < this.#groups.length; i++) {
      const group = this.#groups[i]!;
      if (group.kind === 'sequential') this.#markOnwards(bitmap, i, seconds);
      else markAtRandom(bitmap, group, dirtyShare(group, seconds), this.#random);
    }
  }

  #markOnwards(bitmap: DirtyBitmap, index: number, seconds: number): void {
    const { first, end, writesPerSecond } = this.#groups[index]!;
    const pages = end - first;
    const before = this.#written[index]!;
    const after = before + writesPerSecond * pages * seconds;
    const from = Math.floor(before);
    const count = Math.min(pages, Math.floor(after) - from);
    const start = from % pages;
    bitmap.markRange(first + start, first + Math.min(pages, start + count));
    bitmap.markRange(first, first + Math.max(0, start + count - pages));
    this.#written[index] = after % pages;
  }
}

function markAtRandom(bitmap: DirtyBitmap, group: DirtyGroup, share: number, random: RandomNumbers): void {
  const { first, end } = group;
  if (share <= 0) return;
  if (share >= 1) {
    bitmap.markRange(first, end);
  } else if (share <= 0.5) {
    const scale = 1 / Math.log1p(-share);
    let page = first + geometric(scale, random);
    for (; page < end; page += 1 + geometric(scale, random)) bitmap.mark(page);
  } else {
    const scale = 1 / Math.log(share);
    let page = first;
    while (page < end) {
      const clean = page + geometric(scale, random);
      bitmap.markRange(page, Math.min(end, clean));
      page = clean + 1;
    }
  }
}

/** Failures before the first success: inversion of the geometric distribution. `scale` is 1 / ln(probability of failure). */
function geometric(scale: number, random: RandomNumbers): number {
  return Math.floor(Math.log(1 - random.next()) * scale);
}
