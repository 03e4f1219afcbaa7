import { PAGE_BYTES } from './stream-framing.js';

/** CACHED_PAGE_LIFETIME in `migration/page_cache.c`: synchronisations for which a page is not thrown out by another one. */
const LIFETIME = 2;

/**
 * Which pages the XBZRLE cache holds (`migration/page_cache.c`): one slot for each page address modulo the number of slots,
 * a power of two.
 */
export class XbzrleCache {
  readonly #pageIn: Int32Array;
  readonly #age: Uint32Array;
  readonly #mask: number;

  constructor(cacheBytes: number) {
    const slots = 2 ** Math.floor(Math.log2(Math.max(1, cacheBytes / PAGE_BYTES)));
    this.#pageIn = new Int32Array(slots).fill(-1);
    this.#age = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  /**
   * Looks a page up that is about to be sent, and keeps it from then on if its slot is free or its holder is old.
   * @param synchronisations so far
   * @returns true if the cache has the page, so that its delta is enough
   */
  hit(page: number, synchronisations: number): boolean {
    const slot = page & this.#mask;
    const holder = this.#pageIn[slot]!;
    if (holder === page) {
      this.#age[slot] = synchronisations;
      return true;
    }
    if (holder < 0 || this.#age[slot]! + LIFETIME <= synchronisations) {
      this.#pageIn[slot] = page;
      this.#age[slot] = synchronisations;
    }
    return false;
  }
}
