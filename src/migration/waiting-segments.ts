import type { ReassemblyBudget } from './reassembly-budget.js';

/** Most segments that wait, so that tiny ones cannot fill memory with bookkeeping. */
const MAX_SEGMENTS = 8192;
const MIN_RING_BYTES = 1 << 16;

/**
 * Segments behind a hole, in the order of the stream and without overlaps: where they overlapped the one that came first
 * stayed. Positions are unwrapped sequence numbers; the byte at position p is `ring[p & (ring.length - 1)]`.
 */
export class WaitingSegments {
  ring: Uint8Array = new Uint8Array(0);
  private readonly budget: ReassemblyBudget;
  private starts: number[] = [];
  private dataEnds: number[] = [];
  private ends: number[] = [];
  private times: number[] = [];
  /** Index of the first one: removing it must not move the others. */
  private head = 0;

  constructor(budget: ReassemblyBudget) {
    this.budget = budget;
  }

  get count(): number {
    return this.starts.length - this.head;
  }

  get firstStart(): number {
    return this.starts[this.head]!;
  }

  /** Where the captured bytes of the first segment end. */
  get firstDataEnd(): number {
    return this.dataEnds[this.head]!;
  }

  get firstTimeNs(): number {
    return this.times[this.head]!;
  }

  get firstEnd(): number {
    return this.ends[this.head]!;
  }

  /** End of everything that waits. */
  get lastEnd(): number {
    return this.ends[this.ends.length - 1]!;
  }

  removeFirst(): void {
    this.head += 1;
    if (this.head < 1024) return;
    this.starts = this.starts.slice(this.head);
    this.dataEnds = this.dataEnds.slice(this.head);
    this.ends = this.ends.slice(this.head);
    this.times = this.times.slice(this.head);
    this.head = 0;
  }

  /** Gives the memory back. */
  clear(): void {
    this.budget.giveBack(this.ring.length);
    this.ring = new Uint8Array(0);
    this.starts.length = 0;
    this.dataEnds.length = 0;
    this.ends.length = 0;
    this.times.length = 0;
    this.head = 0;
  }

  /**
   * Keeps those bytes of a segment that are not there yet.
   * @param base nothing before it is needed any more
   * @returns false if there is no room for it
   */
  insert(
    base: number,
    start: number,
    length: number,
    captured: number,
    data: Uint8Array,
    offset: number,
    timeNs: number,
    reachBytes: number,
  ): boolean {
    const end = start + length;
    if (end - base > reachBytes || this.count >= MAX_SEGMENTS) return false;
    if (end - base > this.ring.length && !this.grow(base, end - base, reachBytes)) return false;
    const dataEnd = start + captured;
    let i = this.firstEndingAfter(start);
    let from = start;
    while (from < end) {
      const until = i < this.starts.length ? Math.min(end, Math.max(from, this.starts[i]!)) : end;
      if (until > from) {
        this.keep(i, from, until, Math.min(Math.max(dataEnd, from), until), data, offset - start, timeNs);
        i += 1;
      }
      if (i >= this.starts.length) break;
      from = Math.max(until, this.ends[i]!);
      i += 1;
    }
    return true;
  }

  /** Index of the first segment that ends behind `position`. Most segments come at the end. */
  private firstEndingAfter(position: number): number {
    let low = this.head;
    let high = this.ends.length;
    if (high > low && this.ends[high - 1]! <= position) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** @param shift what to add to a position for its index in `data` */
  private keep(
    index: number,
    from: number,
    until: number,
    dataEnd: number,
    data: Uint8Array,
    shift: number,
    timeNs: number,
  ): void {
    this.write(data.subarray(from + shift, dataEnd + shift), from);
    if (index === this.starts.length) {
      this.starts.push(from);
      this.dataEnds.push(dataEnd);
      this.ends.push(until);
      this.times.push(timeNs);
      return;
    }
    this.starts.splice(index, 0, from);
    this.dataEnds.splice(index, 0, dataEnd);
    this.ends.splice(index, 0, until);
    this.times.splice(index, 0, timeNs);
  }

  private write(bytes: Uint8Array, position: number): void {
    const { ring } = this;
    const at = position & (ring.length - 1);
    const untilWrap = ring.length - at;
    if (bytes.length <= untilWrap) {
      ring.set(bytes, at);
      return;
    }
    ring.set(bytes.subarray(0, untilWrap), at);
    ring.set(bytes.subarray(untilWrap), 0);
  }

  private grow(base: number, bytes: number, reachBytes: number): boolean {
    let size = Math.max(MIN_RING_BYTES, this.ring.length);
    while (size < bytes) size *= 2;
    size = Math.min(size, Math.max(reachBytes, MIN_RING_BYTES));
    if (!this.budget.take(size - this.ring.length)) return false;
    const old = this.ring;
    this.ring = new Uint8Array(size);
    for (let i = this.head; i < this.starts.length; i++) {
      const from = Math.max(base, this.starts[i]!);
      for (let at = from; at < this.dataEnds[i]!; ) {
        const index = at & (old.length - 1);
        const count = Math.min(this.dataEnds[i]! - at, old.length - index);
        this.write(old.subarray(index, index + count), at);
        at += count;
      }
    }
    return true;
  }
}
