/** One bit for each page, as QEMU's migration keeps (`RAMBlock.bmap`), over all blocks. */
export class DirtyBitmap {
  readonly pages: number;
  readonly #words: Uint32Array;
  #dirty = 0;

  constructor(pages: number) {
    this.pages = pages;
    this.#words = new Uint32Array(Math.ceil(pages / 32));
  }

  /** Pages that are marked. */
  get dirtyPages(): number {
    return this.#dirty;
  }

  has(page: number): boolean {
    return ((this.#words[page >>> 5]! >>> (page & 31)) & 1) === 1;
  }

  mark(page: number): void {
    const word = this.#words[page >>> 5]!;
    const bit = 1 << (page & 31);
    if ((word & bit) !== 0) return;
    this.#words[page >>> 5] = word | bit;
    this.#dirty++;
  }

  /** Marks `first` to before `end`. */
  markRange(first: number, end: number): void {
    let page = first;
    while (page < end && (page & 31) !== 0) this.mark(page++);
    for (; page + 32 <= end; page += 32) {
      const word = this.#words[page >>> 5]!;
      if (word === 0xffff_ffff) continue;
      this.#dirty += 32 - popCount(word);
      this.#words[page >>> 5] = 0xffff_ffff;
    }
    while (page < end) this.mark(page++);
  }

  clear(page: number): void {
    const word = this.#words[page >>> 5]!;
    const bit = 1 << (page & 31);
    if ((word & bit) === 0) return;
    this.#words[page >>> 5] = word & ~bit;
    this.#dirty--;
  }

  /** First marked page at or behind `from`; `pages` if there is none. */
  next(from: number): number {
    const words = this.#words;
    let index = from >>> 5;
    if (index >= words.length) return this.pages;
    let word = words[index]! & (0xffff_ffff << (from & 31));
    while (word === 0) {
      if (++index >= words.length) return this.pages;
      word = words[index]!;
    }
    return (index << 5) + 31 - Math.clz32(word & -word);
  }

  /** Stretches of marked pages from `first` to before `end`. */
  countStretches(first: number, end: number): number {
    let stretches = 0;
    let page = this.next(first);
    while (page < end) {
      stretches++;
      while (page < end && this.has(page)) page++;
      page = this.next(page);
    }
    return stretches;
  }
}

function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
