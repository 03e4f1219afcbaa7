import { inflateSync } from 'node:zlib';
import type { PageEncoding, PageSink } from '../migration/page-sink.js';
import { applyXbzrle } from './apply-xbzrle.js';
import { CHUNK_BYTES, type PageStore } from './page-store.js';

/*
 * Theory of operation. Content goes into chunks of a PageStore; a page of zeros takes none. Of each page it is kept what is known of
 * it (5 bytes), in spans that exist only where pages were seen, so that a block that claims to be of 2^60 bytes costs nothing.
 *
 * Later content takes the place of earlier content. Where channels overtake each other the epoch tells which is the later one.
 */

/** What is known of a page. */
export const PageState = {
  unseen: 0,
  /** Every byte is zero. */
  zero: 1,
  whole: 2,
  /** Parts of it were not captured. */
  partial: 3,
  /** It was sent, last or at all, in a form that is not read. */
  unread: 4,
} as const;

const SPAN_PAGES = 4096;
const MAX_ENCODED_BYTES = 1 << 18;

interface Span {
  readonly states: Uint8Array;
  readonly epochs: Uint16Array;
  /** Bytes of the page's latest content that were seen, in 1/4096 of a page. */
  readonly received: Uint16Array;
  /** Chunk + 1 in the store; 0: none. */
  readonly chunks: Int32Array;
}

/** One RAM block, as far as it was seen. */
export interface MemoryBlock {
  readonly name: string;
  /** Span number -> span. */
  readonly spans: Map<number, Span>;
}

/** A guest's memory, rebuilt from what a migration sends. */
export class GuestMemory implements PageSink {
  readonly blocks = new Map<string, MemoryBlock>();
  /** Pages that no room was left for. */
  isPartial = false;
  readonly pageBytes: number;
  private readonly store: PageStore;
  private readonly pagesPerChunk: number;
  private readonly encodedBytes = new Uint8Array(MAX_ENCODED_BYTES);
  private encodedRead = 0;

  /** @param pageBytes of the target; QEMU's x86 has 4096 */
  constructor(store: PageStore, pageBytes = 4096) {
    this.store = store;
    this.pageBytes = pageBytes;
    this.pagesPerChunk = CHUNK_BYTES / pageBytes;
  }

  content(
    block: string,
    offset: number,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
    _timeNs: number,
    epoch?: number,
  ): void {
    const page = offset / this.pageBytes;
    const span = this.spanOf(block, page);
    if (span === null) return;
    const index = page % SPAN_PAGES;
    if (!isCurrent(span, index, epoch)) return;
    if (at === 0 || (epoch !== undefined && span.epochs[index] !== epoch)) span.received[index] = 0;
    if (epoch !== undefined) span.epochs[index] = epoch;
    const place = this.placeOf(span, page);
    this.store
      .change(place.chunk, place.at + at, length)
      .set(data.subarray(from, from + length), place.at + at);
    const received = Math.min(4096, span.received[index]! + (length * 4096) / this.pageBytes);
    span.received[index] = received;
    span.states[index] = received === 4096 ? PageState.whole : PageState.partial;
  }

  fill(block: string, offset: number, byte: number, _timeNs: number, epoch?: number): void {
    const page = offset / this.pageBytes;
    const span = this.spanOf(block, page);
    if (span === null) return;
    const index = page % SPAN_PAGES;
    if (!isCurrent(span, index, epoch)) return;
    if (epoch !== undefined) span.epochs[index] = epoch;
    span.received[index] = 4096;
    span.states[index] = byte === 0 ? PageState.zero : PageState.whole;
    if (byte === 0 && span.chunks[Math.floor(index / this.pagesPerChunk)] === 0) return;
    const place = this.placeOf(span, page);
    this.store.change(place.chunk, place.at, this.pageBytes).fill(byte, place.at, place.at + this.pageBytes);
  }

  encoded(
    block: string,
    offset: number,
    encoding: PageEncoding,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
    bytes: number,
  ): void {
    if (at === 0) this.encodedRead = 0;
    if (at === this.encodedRead && bytes <= MAX_ENCODED_BYTES) {
      this.encodedBytes.set(data.subarray(from, from + length), at);
      this.encodedRead += length;
    }
    if (at + length < bytes) return;
    const isRead =
      this.encodedRead === bytes &&
      this.decode(block, offset, encoding, this.encodedBytes.subarray(0, bytes));
    if (!isRead) this.unread(block, offset);
  }

  unread(block: string, offset: number): void {
    const page = offset / this.pageBytes;
    const span = this.spanOf(block, page);
    if (span !== null) span.states[page % SPAN_PAGES] = PageState.unread;
  }

  /** @returns a `PageState` value */
  stateOf(block: string, page: number): number {
    const span = this.blocks.get(block)?.spans.get(Math.floor(page / SPAN_PAGES));
    return span === undefined ? PageState.unseen : span.states[page % SPAN_PAGES]!;
  }

  /** Bytes of a page that are known: all, none, or those that were captured. */
  knownBytes(block: string, page: number): number {
    const span = this.blocks.get(block)?.spans.get(Math.floor(page / SPAN_PAGES));
    const index = page % SPAN_PAGES;
    return span === undefined ? 0 : this.knownOf(span.states[index]!, span.received[index]!);
  }

  /** Visits all pages that were seen, span by span in no particular order. */
  forEachPage(block: string, visit: (page: number, state: number, knownBytes: number) => void): void {
    for (const [number, { states, received }] of this.blocks.get(block)?.spans ?? []) {
      for (let i = 0; i < SPAN_PAGES; i++) {
        const state = states[i]!;
        if (state === PageState.unseen) continue;
        visit(number * SPAN_PAGES + i, state, this.knownOf(state, received[i]!));
      }
    }
  }

  /** Number behind the last page of a block that was seen. */
  pageCount(block: string): number {
    const spans = this.blocks.get(block)?.spans;
    if (spans === undefined || spans.size === 0) return 0;
    const last = Math.max(...spans.keys());
    return last * SPAN_PAGES + spans.get(last)!.states.findLastIndex((state) => state !== 0) + 1;
  }

  /**
   * Visits all chunks of a block that hold content, ascending. What was not seen of them is zero.
   * @param visit bytes are valid during the call
   */
  forEachChunk(block: string, visit: (firstPage: number, bytes: Uint8Array) => void): void {
    const spans = this.blocks.get(block)?.spans ?? new Map<number, Span>();
    for (const number of [...spans.keys()].sort((a, b) => a - b)) {
      spans.get(number)!.chunks.forEach((chunk, i) => {
        if (chunk > 0) visit(number * SPAN_PAGES + i * this.pagesPerChunk, this.store.read(chunk - 1));
      });
    }
  }

  private knownOf(state: number, received: number): number {
    if (state === PageState.zero || state === PageState.whole) return this.pageBytes;
    return state === PageState.partial ? (received * this.pageBytes) / 4096 : 0;
  }

  private decode(block: string, offset: number, encoding: PageEncoding, coded: Uint8Array): boolean {
    const page = offset / this.pageBytes;
    const span = this.spanOf(block, page);
    if (span === null) return false;
    const index = page % SPAN_PAGES;
    if (encoding === 'xbzrle') {
      const { chunk, at } = this.placeOf(span, page);
      if (span.states[index] === PageState.zero) span.states[index] = PageState.whole;
      return (
        span.states[index] === PageState.whole &&
        applyXbzrle(this.store.change(chunk, at, this.pageBytes), at, this.pageBytes, coded)
      );
    }
    const content = inflatedPage(coded, this.pageBytes);
    if (content === null) return false;
    const { chunk, at } = this.placeOf(span, page);
    this.store.change(chunk, at, this.pageBytes).set(content, at);
    span.received[index] = 4096;
    span.states[index] = PageState.whole;
    return true;
  }

  /** @returns null if that is no page, or there are too many */
  private spanOf(name: string, page: number): Span | null {
    if (!Number.isInteger(page)) return null;
    let block = this.blocks.get(name);
    if (block === undefined) {
      block = { name, spans: new Map() };
      this.blocks.set(name, block);
    }
    const number = Math.floor(page / SPAN_PAGES);
    let span = block.spans.get(number);
    if (span === undefined) {
      if (this.store.freeSpans === 0) {
        this.isPartial = true;
        return null;
      }
      this.store.freeSpans -= 1;
      span = {
        states: new Uint8Array(SPAN_PAGES),
        epochs: new Uint16Array(SPAN_PAGES),
        received: new Uint16Array(SPAN_PAGES),
        chunks: new Int32Array(SPAN_PAGES / this.pagesPerChunk),
      };
      block.spans.set(number, span);
    }
    return span;
  }

  private placeOf(span: Span, page: number): { chunk: number; at: number } {
    const slot = Math.floor((page % SPAN_PAGES) / this.pagesPerChunk);
    if (span.chunks[slot] === 0) span.chunks[slot] = this.store.add() + 1;
    return { chunk: span.chunks[slot]! - 1, at: (page % this.pagesPerChunk) * this.pageBytes };
  }
}

/** Is what comes with this epoch later than, or as late as, what is there? Epochs wrap. */
function isCurrent(span: Span, index: number, epoch: number | undefined): boolean {
  if (epoch === undefined || span.states[index] === PageState.unseen) return true;
  return ((epoch - span.epochs[index]!) << 16) >> 16 >= 0;
}

function inflatedPage(coded: Uint8Array, pageBytes: number): Uint8Array | null {
  try {
    const content = inflateSync(coded, { maxOutputLength: pageBytes });
    return content.length === pageBytes ? content : null;
  } catch {
    return null;
  }
}
