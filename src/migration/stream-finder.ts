import { readUint32, readUint64 } from './big-endian.js';
import type { RamBlocks } from './ram-blocks.js';
import { RamFlag } from './ram-section.js';
import { RAM_SECTION, SectionType } from './section-type.js';

/*
 * Theory of operation. Behind a gap that hid headers nobody knows where the next header is. Three things are looked for,
 * at every byte:
 *
 *  - page headers in a chain: at least 4, each where the one before says the next must be, offsets ascending, inside the
 *    blocks that were announced, and more than two pages long in all. A header has 64 bits of which at least 11 bits of
 *    flags and those above the largest block's size are fixed: in random bytes a chain of four turns up with
 *    probability below 2^-100 at a place. A copy of a stream in the guest's own memory does not look like one: the outer
 *    headers interrupt it every 4096 bytes, so that its headers are 4112 bytes apart, or its run of zero pages ends
 *    before two pages are full.
 *  - RAM's footer with a section header behind it: 7e, id, 02 or 03, the same id (80 bits), or 04 and a printable name.
 *  - the header of RAM's first section (17 bytes).
 *
 * Gaps may lie in between, as in captures with a snapshot length: a chain may run over page content that was not captured, but
 * each of its headers must be there.
 */

const WINDOW_BYTES = 1 << 17;
const MIN_CHAIN = 4;
const PAGES_IN_CHAIN = 2;
/** Bytes a chain may need beyond its start: four pages with headers, names and lengths. */
const LOOKAHEAD_BYTES = 4 * (4096 + 8 + 256 + 4) + 64;
const MIN_FOOTER = 14;

/** What was found. */
export const Found = { nothing: 0, pages: 1, footer: 2, ramStart: 3 } as const;

/** Looks for something to hold on to in bytes whose meaning was lost. */
export class StreamFinder {
  /** Where in `window` it was found. */
  foundAt = 0;
  readonly window = new Uint8Array(WINDOW_BYTES);
  /** 1 for each byte of `window` that was captured. */
  readonly present = new Uint8Array(WINDOW_BYTES);
  have = 0;
  /** Page size, and size of the largest block. */
  pageBytes = 4096;
  largestBytes = Number.POSITIVE_INFINITY;
  /** Section id of RAM; -1: not known. */
  ramId = -1;
  /** Places of `window` from which a chain was followed to where it broke: it breaks from there too. */
  private readonly broken = new Uint8Array(WINDOW_BYTES);
  private searched = 0;
  private chainEnd = 0;

  /** @param ramId section id of RAM; -1: not known */
  begin(blocks: RamBlocks, ramId: number): void {
    this.reset();
    this.pageBytes = blocks.pageBytes;
    this.largestBytes = blocks.largest?.bytes ?? Number.POSITIVE_INFINITY;
    this.ramId = ramId;
  }

  reset(): void {
    this.broken.fill(0, 0, this.have);
    this.have = 0;
    this.searched = 0;
  }

  /** Takes as many bytes as there is room for. @returns how many */
  push(data: Uint8Array, from: number, to: number): number {
    const count = this.makeRoom(to - from);
    this.window.set(data.subarray(from, from + count), this.have);
    this.present.fill(1, this.have, this.have + count);
    this.have += count;
    return count;
  }

  /** Takes bytes that were not captured. @returns how many */
  pushGap(bytes: number): number {
    const count = this.makeRoom(bytes);
    this.window.fill(0, this.have, this.have + count);
    this.present.fill(0, this.have, this.have + count);
    this.have += count;
    return count;
  }

  /**
   * Looks at what was not looked at yet.
   * @param isEnd nothing more will come
   */
  search(isEnd: boolean): number {
    const needed = Math.max(LOOKAHEAD_BYTES, PAGES_IN_CHAIN * (this.pageBytes + 16) + 512);
    const lookahead = Math.min(needed, WINDOW_BYTES / 2);
    const until = isEnd ? this.have - MIN_FOOTER : this.have - lookahead;
    for (; this.searched < until; this.searched++) {
      const found = this.lookAt(this.searched);
      if (found === Found.nothing) continue;
      this.foundAt = this.searched;
      return found;
    }
    return Found.nothing;
  }

  private makeRoom(bytes: number): number {
    if (this.have === WINDOW_BYTES) this.slide();
    return Math.min(bytes, WINDOW_BYTES - this.have);
  }

  private slide(): void {
    this.present.copyWithin(0, this.searched, this.have);
    this.window.copyWithin(0, this.searched, this.have);
    this.broken.copyWithin(0, this.searched, this.have);
    this.broken.fill(0, this.have - this.searched, this.have);
    this.have -= this.searched;
    this.searched = 0;
  }

  private lookAt(at: number): number {
    const first = this.window[at]!;
    if (first === SectionType.footer) return this.isFooter(at) ? Found.footer : Found.nothing;
    if (first === SectionType.start && this.isRamStart(at)) return Found.ramStart;
    if (first !== 0 || this.broken[at] !== 0) return Found.nothing;
    const flags = ((this.window[at + 6]! & 0x0f) << 8) | this.window[at + 7]!;
    if (flags === 0 || (flags & ~(RamFlag.continue | PAGE_FLAGS)) !== 0) return Found.nothing;
    return this.isChain(at) ? Found.pages : Found.nothing;
  }

  private isFooter(at: number): boolean {
    const { window } = this;
    if (!this.isPresent(at, MIN_FOOTER)) return false;
    const id = readUint32(window, at + 1);
    const type = window[at + 5]!;
    if (this.ramId >= 0 ? id !== this.ramId : id > 0xffff) return false;
    if (type === SectionType.part || type === SectionType.end) return readUint32(window, at + 6) === id;
    if (type !== SectionType.full && type !== SectionType.start) return false;
    return this.ramId >= 0 && this.isName(at + 11, window[at + 10]!);
  }

  private isRamStart(at: number): boolean {
    const { window } = this;
    if (!this.isPresent(at, 17) || window[at + 5] !== RAM_SECTION.length) return false;
    for (let i = 0; i < RAM_SECTION.length; i++) {
      if (window[at + 6 + i] !== RAM_SECTION.charCodeAt(i)) return false;
    }
    return readUint64(window, at + 9) === 4;
  }

  private isChain(at: number): boolean {
    let from = at;
    let last = -1;
    for (let headers = 0; ; headers++) {
      if (headers >= MIN_CHAIN && from - at >= PAGES_IN_CHAIN * this.pageBytes) return true;
      const offset = this.readHeader(from);
      if (offset <= last) return false;
      last = offset;
      this.broken[from] = 1;
      from = this.chainEnd;
    }
  }

  /** @returns offset of the page whose header is at `from`, with `chainEnd` behind the page; -1 if it is none */
  private readHeader(from: number): number {
    const { window, pageBytes } = this;
    if (!this.isPresent(from, 12)) return -1;
    const low = readUint32(window, from + 4);
    const flags = low & (pageBytes - 1) & 0xfff;
    const offset = readUint32(window, from) * 0x1_0000_0000 + (low - flags);
    if (offset % pageBytes !== 0 || offset >= Math.min(this.largestBytes, 2 ** 48)) return -1;
    let next = from + 8;
    // A chain stays in one block: names would make the odds worse, not better.
    if ((flags & RamFlag.continue) === 0 && from !== this.searched) return -1;
    if ((flags & RamFlag.continue) === 0) {
      const length = window[next]!;
      if (!this.isName(next + 1, length)) return -1;
      next += 1 + length;
    }
    if (!this.isPresent(next, 4)) return -1;
    switch (flags & ~RamFlag.continue) {
      case RamFlag.page:
        next += pageBytes;
        break;
      case RamFlag.zero:
        next += 1;
        break;
      case RamFlag.xbzrle:
        next += 3 + ((window[next + 1]! << 8) | window[next + 2]!);
        break;
      case RamFlag.compressPage:
        next += 4 + Math.min(readUint32(window, next), WINDOW_BYTES);
        break;
      default:
        return -1;
    }
    this.chainEnd = next;
    return offset;
  }

  private isName(at: number, length: number): boolean {
    return this.isPresent(at, length) && isSectionName(this.window, at, length, this.have);
  }

  private isPresent(at: number, count: number): boolean {
    if (at + count > this.have) return false;
    for (let i = at; i < at + count; i++) if (this.present[i] === 0) return false;
    return true;
  }
}

/** Flags that say how a page is sent. */
const PAGE_FLAGS = RamFlag.page | RamFlag.zero | RamFlag.xbzrle | RamFlag.compressPage;

/** Whether a name of `length` bytes at `at` is printable and there. */
export function isSectionName(data: Uint8Array, at: number, length: number, end: number): boolean {
  if (length === 0 || at + length > end) return false;
  for (let i = at; i < at + length; i++) if (data[i]! < 0x20 || data[i]! > 0x7e) return false;
  return true;
}

/** Calls back for each run of equal values, 1 or 0. */
export function forEachRun(
  present: Uint8Array,
  visit: (from: number, to: number, isPresent: boolean) => void,
): void {
  for (let from = 0; from < present.length; ) {
    const kind = present[from]!;
    const next = present.indexOf(1 - kind, from);
    const to = next < 0 ? present.length : next;
    visit(from, to, kind === 1);
    from = to;
  }
}
