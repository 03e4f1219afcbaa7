import type { ReassemblyBudget } from './reassembly-budget.js';
import { WaitingSegments } from './waiting-segments.js';

/*
 * Theory of operation. One direction of one TCP connection becomes a sequence of bytes again. Segments that come in order,
 * nearly all, are handed on where they lie. A segment behind a hole is copied and waits for the hole to be filled. Of
 * bytes that come twice the first copy counts, whatever the second one says.
 *
 * A hole that is never filled was lost by the capture, not by TCP. It is declared a gap when more would have to wait than
 * a receiver can have waiting, or when the capture ends. Bytes cut off by the snapshot length are gaps of known length.
 *
 * Sequence numbers are unwrapped relative to the next byte expected, so a stream may have any length. A segment further
 * ahead than anything that may wait is believed only when another one continues it: else one bogus packet would move the
 * stream to a place where everything real is old.
 */

/** Takes a stream in order. */
export interface StreamConsumer {
  /** `data[offset .. offset + length)`; valid during the call only. Times never decrease. */
  data(data: Uint8Array, offset: number, length: number, timeNs: number): void;
  /** Bytes of the stream that the capture does not have. */
  gap(bytes: number, timeNs: number): void;
}

/** Reach of one stream beyond a hole. Linux' default receive window ends at 6 MiB (tcp_rmem), so TCP itself stays below. */
export const MAX_WAITING_BYTES = 8 << 20;

export class TcpStream {
  /** Bytes beyond the next expected one within which segments are kept; power of two. */
  reachBytes = MAX_WAITING_BYTES;
  /** Unwrapped sequence numbers of the first byte and of the next one expected. */
  private first = 0;
  private next = 0;
  private isStarted = false;
  /** Before the first byte any time will do: those of a capture out of order may lie before its first frame. */
  private lastTimeNs = Number.NEGATIVE_INFINITY;
  /** Where a segment that was too far ahead ended; -1: there was none. */
  private farEnd = -1;
  private readonly consumer: StreamConsumer;
  private readonly waiting: WaitingSegments;

  constructor(consumer: StreamConsumer, budget: ReassemblyBudget) {
    this.consumer = consumer;
    this.waiting = new WaitingSegments(budget);
  }

  /** Bytes handed on, gaps included. */
  get position(): number {
    return this.next - this.first;
  }

  /** @param sequence of the first byte of the stream; without a call the first segment added is the start */
  start(sequence: number): void {
    this.first = sequence >>> 0;
    this.next = this.first;
    this.isStarted = true;
  }

  /**
   * A segment with payload.
   * @param sequence of its first byte, 32 bits, signed or not
   * @param length payload bytes on the wire
   * @param captured bytes of them which are in `data` from `offset` on
   */
  add(
    sequence: number,
    data: Uint8Array,
    offset: number,
    length: number,
    captured: number,
    timeNs: number,
  ): void {
    if (!this.isStarted) this.start(sequence);
    const { next } = this;
    const start = next + ((sequence - next) | 0);
    if (start === next && this.waiting.count === 0) {
      this.deliver(data, offset, length, captured, timeNs);
      return;
    }
    if (start + length > next) this.addAside(start, data, offset, length, captured, timeNs);
  }

  /** Hands on what waits behind holes. Nothing may be added afterwards. */
  finish(): void {
    while (this.waiting.count > 0) this.skipHole();
    this.waiting.clear();
  }

  private deliver(data: Uint8Array, offset: number, length: number, captured: number, timeNs: number): void {
    const time = Math.max(timeNs, this.lastTimeNs);
    this.lastTimeNs = time;
    this.next += length;
    if (captured > 0) this.consumer.data(data, offset, captured, time);
    if (captured < length) this.consumer.gap(length - captured, time);
  }

  /** A segment that is not simply the next one. */
  private addAside(
    start: number,
    data: Uint8Array,
    offset: number,
    length: number,
    captured: number,
    timeNs: number,
  ): void {
    const { waiting } = this;
    const known = waiting.count === 0 ? this.next : waiting.lastEnd;
    if (start - known > this.reachBytes && !this.continuesFar(start, start + length)) return;
    let old = 0;
    for (;;) {
      old = Math.max(old, this.next - start);
      if (old >= length) return;
      const have = Math.max(0, captured - old);
      if (waiting.count === 0 && start + old === this.next) {
        this.deliver(data, offset + old, length - old, have, timeNs);
        return;
      }
      const isKept = waiting.insert(
        this.next,
        start + old,
        length - old,
        have,
        data,
        offset + old,
        timeNs,
        this.reachBytes,
      );
      if (isKept) break;
      if (waiting.count > 0) this.skipHole();
      else this.declareGap(start + old - this.next, timeNs);
    }
    this.drain();
  }

  private continuesFar(start: number, end: number): boolean {
    const isContinued = this.farEnd >= 0 && Math.abs(start - this.farEnd) <= this.reachBytes;
    this.farEnd = isContinued ? -1 : end;
    return isContinued;
  }

  private skipHole(): void {
    const { firstStart, firstTimeNs } = this.waiting;
    if (firstStart > this.next) this.declareGap(firstStart - this.next, firstTimeNs);
    this.drain();
  }

  private declareGap(bytes: number, timeNs: number): void {
    if (timeNs > this.lastTimeNs) this.lastTimeNs = timeNs;
    this.next += bytes;
    this.consumer.gap(bytes, this.lastTimeNs);
  }

  private drain(): void {
    const { waiting } = this;
    while (waiting.count > 0 && waiting.firstStart === this.next) {
      const { ring, firstStart, firstDataEnd, firstEnd, firstTimeNs } = waiting;
      const mask = ring.length - 1;
      const from = firstStart & mask;
      const captured = firstDataEnd - firstStart;
      const length = firstEnd - firstStart;
      const untilWrap = Math.min(captured, ring.length - from);
      if (captured > untilWrap) {
        this.deliver(ring, from, untilWrap, untilWrap, firstTimeNs);
        this.deliver(ring, 0, length - untilWrap, captured - untilWrap, firstTimeNs);
      } else this.deliver(ring, from, length, captured, firstTimeNs);
      waiting.removeFirst();
    }
    if (waiting.count === 0) waiting.clear();
  }
}
