import type { DirtyBitmap } from './dirty-bitmap.js';
import type { GuestMemory, MemoryRegion } from './guest-memory.js';

/**
 * Where `ram_find_and_save_block` stands: it goes through the blocks in order, wraps at the end, and goes on from there at each call.
 * A synchronisation does not send it back.
 */
export class PageCursor {
  readonly #memory: GuestMemory;
  readonly #bitmap: DirtyBitmap;
  #page = 0;
  #region = 0;
  /** Passes over all of memory that are behind it. */
  rounds = 0;

  constructor(memory: GuestMemory, bitmap: DirtyBitmap) {
    this.#memory = memory;
    this.#bitmap = bitmap;
  }

  /** Of the page found last. */
  get region(): MemoryRegion {
    return this.#memory.regions[this.#region]!;
  }

  /** Next dirty page, which is clean from then on; -1 if there is none. */
  takeNext(): number {
    const { pages, regions } = this.#memory;
    if (this.#bitmap.dirtyPages === 0) return -1;
    let page = this.#bitmap.next(this.#page);
    if (page >= pages) {
      this.rounds++;
      this.#region = 0;
      page = this.#bitmap.next(0);
    }
    while (page >= regions[this.#region]!.end) this.#region++;
    this.#page = page + 1;
    this.#bitmap.clear(page);
    return page;
  }
}
