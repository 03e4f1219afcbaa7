/*
 * Theory of operation. How often each page was sent, and in which pass last: three bytes a page, in chunks that exist only
 * where pages were seen, so that a block which claims to be of 2^60 bytes costs nothing. Scans run through memory in
 * order: the chunk of the page before is nearly always that of the next.
 */

const CHUNK_BITS = 12;
const CHUNK_PAGES = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_PAGES - 1;
/** Counts end here. */
export const MAX_SENDS = 255;
const MAX_PASS = 0xfffe;

/** Pages that may be tracked in all; a page takes three bytes. */
export class PageBudget {
  private freePages: number;

  constructor(pages: number) {
    this.freePages = pages;
  }

  take(pages: number): boolean {
    if (pages > this.freePages) return false;
    this.freePages -= pages;
    return true;
  }

  giveBack(pages: number): void {
    this.freePages += pages;
  }
}

interface Chunk {
  readonly sends: Uint8Array;
  /** Pass + 1; 0: not sent. */
  readonly passes: Uint16Array;
}

export class PageSends {
  /** Whether some page could not be tracked. */
  isPartial = false;
  private readonly budget: PageBudget;
  private readonly chunks = new Map<number, Chunk>();
  private recentNumber = -1;
  private recent: Chunk = { sends: new Uint8Array(0), passes: new Uint16Array(0) };

  constructor(budget: PageBudget) {
    this.budget = budget;
  }

  /**
   * Notes that a page was sent.
   * @param page number in its block
   * @param pass over memory, 0 or more
   * @returns the pass in which it was sent last; -1 if it never was, or cannot be tracked
   */
  mark(page: number, pass: number): number {
    const number = page < 0x4000_0000 ? page >> CHUNK_BITS : Math.floor(page / CHUNK_PAGES);
    if (number !== this.recentNumber && !this.choose(number)) return -1;
    const { sends, passes } = this.recent;
    const index = page & CHUNK_MASK;
    const before = passes[index]! - 1;
    passes[index] = Math.min(pass, MAX_PASS) + 1;
    const count = sends[index]!;
    if (count < MAX_SENDS) sends[index] = count + 1;
    return before;
  }

  /** @returns the pass in which the page was sent last; -1 if it never was */
  passOf(page: number): number {
    const chunk = this.chunks.get(Math.floor(page / CHUNK_PAGES));
    return chunk === undefined ? -1 : chunk.passes[page & CHUNK_MASK]! - 1;
  }

  /** Calls back for each page that was sent, in no particular order. */
  forEach(visit: (page: number, sends: number) => void): void {
    for (const [number, { sends }] of this.chunks) {
      for (let i = 0; i < CHUNK_PAGES; i++) {
        if (sends[i] !== 0) visit(number * CHUNK_PAGES + i, sends[i]!);
      }
    }
  }

  /** Forgets everything and gives the memory back. */
  clear(): void {
    this.budget.giveBack(this.chunks.size * CHUNK_PAGES);
    this.chunks.clear();
    this.recentNumber = -1;
  }

  private choose(number: number): boolean {
    let chunk = this.chunks.get(number);
    if (chunk === undefined) {
      if (!this.budget.take(CHUNK_PAGES)) {
        this.isPartial = true;
        return false;
      }
      chunk = { sends: new Uint8Array(CHUNK_PAGES), passes: new Uint16Array(CHUNK_PAGES) };
      this.chunks.set(number, chunk);
    }
    this.recent = chunk;
    this.recentNumber = number;
    return true;
  }
}
