import type { FrameBlock } from '../packet/frame-block.js';
import { type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import type { ProtectionClass, TimelineSummary } from './analysis-summary.js';
import {
  datagramClass,
  isOuterFragment,
  NOT_WIRE,
  PROTECTION_CLASSES,
  protectionClass,
  provisionalClass,
  provisionalClassOfDatagram,
} from './packet-class.js';
import { Amount, CELL_STRIDE, settleCells } from './timeline-cells.js';

/*
 * Theory of operation. Time is cut into intervals of 2^n ms that begin at multiples of their length since 1970, the
 * shortest ones of which MAX_INTERVALS hold the capture. Which these are follows from the first and the last packet alone,
 * and two short intervals make exactly one of the next length, so pieces join to what one piece would have given.
 * Fragments are moved to the class of their datagram when it is whole (timeline-cells.ts).
 */
const MAX_INTERVALS = 1024;
/** Later times are no times, and numbers no longer exact. */
const LAST_MS = 2 ** 50;
const CLASSES = PROTECTION_CLASSES.length;

/** Plain data. */
export interface TimelineState {
  intervalMs: number;
  /** Number of the first interval since 1970, of `intervalMs` each. */
  first: number;
  /** Intervals in use. */
  count: number;
  /** Wire bytes: interval by interval, a cell each. */
  cells: Float64Array;
}

/** Analysis: bytes on the wire over time, by protection. */
export class Timeline {
  readonly state: TimelineState = {
    intervalMs: 1,
    first: 0,
    count: 0,
    cells: new Float64Array(MAX_INTERVALS * CELL_STRIDE),
  };
  /**
   * The interval that the last packet fell into, for packets come in order as a rule: nanoseconds from the beginning of
   * `currentSeconds` on, and its place in `cells`.
   */
  private currentSeconds = 0;
  private currentStartNs = 0;
  private currentEndNs = 0;
  private currentAt = 0;

  /** Counts rows `from` to `to` of the batch. */
  add(batch: PacketBatch, from: number, to: number): void {
    const { flags, protocol, block } = batch;
    const { wireLength, timeSeconds, timeNanoseconds } = block;
    for (let row = from; row < to; ) {
      const rowFlags = flags[row]!;
      if ((rowFlags & NOT_WIRE) !== 0) {
        row++;
        continue;
      }
      this.moveToRow(block, row);
      if ((rowFlags & PacketFlag.reassembled) !== 0) {
        this.addDatagram(batch, row++);
        continue;
      }
      const rowProtocol = protocol[row]!;
      const endNs = this.currentEndNs;
      const { currentSeconds, currentStartNs } = this;
      // The first row goes to the interval just found whatever its time, then rows of its kind in the same interval.
      let bytes = wireLength[row++]!;
      for (; row < to && flags[row] === rowFlags && protocol[row] === rowProtocol; row++) {
        const next = (timeSeconds[row]! - currentSeconds) * 1e9 + timeNanoseconds[row]!;
        if (next < currentStartNs || next >= endNs) break;
        bytes += wireLength[row]!;
      }
      const place = isOuterFragment(rowFlags)
        ? Amount.waiting + provisionalClass(rowProtocol)
        : Amount.sure + protectionClass(rowFlags, rowProtocol);
      this.state.cells[this.currentAt + place]! += bytes;
    }
  }

  private addDatagram(batch: PacketBatch, row: number): void {
    const bytes = batch.fragmentBytes[row]!;
    const { cells } = this.state;
    cells[this.currentAt + Amount.waiting + provisionalClassOfDatagram(batch, row)]! -= bytes;
    cells[this.currentAt + Amount.datagrams + datagramClass(batch, row)]! += bytes;
  }

  merge(later: TimelineState): void {
    const { state } = this;
    for (let i = 0; i < later.count; i++) {
      this.moveTo((later.first + i) * later.intervalMs);
      const longest = Math.max(state.intervalMs, later.intervalMs);
      if (state.intervalMs < longest) {
        this.widenTo(longest);
        this.moveTo((later.first + i) * later.intervalMs);
      }
      addCell(state.cells, this.currentAt, later.cells, i * CELL_STRIDE);
    }
  }

  /** Null if nothing was counted. */
  summary(): TimelineSummary | null {
    const { intervalMs, first, count, cells } = this.state;
    if (count === 0) return null;
    const bytes = settleCells(cells, count);
    const byClass = {} as Record<ProtectionClass, number[]>;
    for (const [kind, name] of PROTECTION_CLASSES.entries()) {
      byClass[name] = Array.from({ length: count }, (_, i) => bytes[i * CLASSES + kind]!);
    }
    return {
      startNs: String(BigInt(first * intervalMs) * 1_000_000n),
      intervalNs: intervalMs * 1e6,
      byClass,
    };
  }

  private moveToRow(block: FrameBlock, row: number): void {
    const seconds = block.timeSeconds[row]!;
    const ns = (seconds - this.currentSeconds) * 1e9 + block.timeNanoseconds[row]!;
    if (ns >= this.currentStartNs && ns < this.currentEndNs) return;
    this.moveTo(Math.min(LAST_MS, seconds * 1000 + Math.floor(block.timeNanoseconds[row]! / 1e6)));
  }

  /** Makes the interval of that moment the current one. */
  private moveTo(ms: number): void {
    const { state } = this;
    if (state.count === 0) {
      state.first = Math.floor(ms / state.intervalMs);
      state.count = 1;
    }
    for (;;) {
      const index = Math.floor(ms / state.intervalMs);
      const first = Math.min(index, state.first);
      const count = Math.max(index + 1, state.first + state.count) - first;
      if (count <= MAX_INTERVALS) {
        this.makeRoom(first, count);
        this.currentSeconds = Math.floor((index * state.intervalMs) / 1000);
        this.currentStartNs = (index * state.intervalMs - this.currentSeconds * 1000) * 1e6;
        this.currentEndNs = this.currentStartNs + state.intervalMs * 1e6;
        this.currentAt = (index - first) * CELL_STRIDE;
        return;
      }
      this.widenTo(state.intervalMs * 2);
    }
  }

  private makeRoom(first: number, count: number): void {
    const { state } = this;
    const shift = state.first - first;
    if (shift > 0) {
      state.cells.copyWithin(shift * CELL_STRIDE, 0, state.count * CELL_STRIDE);
      state.cells.fill(0, 0, shift * CELL_STRIDE);
    }
    state.first = first;
    state.count = count;
  }

  /** Joins intervals to longer ones. */
  private widenTo(intervalMs: number): void {
    const { state } = this;
    const factor = intervalMs / state.intervalMs;
    const first = Math.floor(state.first / factor);
    const joined = new Float64Array(state.cells.length);
    for (let i = 0; i < state.count; i++) {
      const to = (Math.floor((state.first + i) / factor) - first) * CELL_STRIDE;
      addCell(joined, to, state.cells, i * CELL_STRIDE);
    }
    const last = Math.floor((state.first + state.count - 1) / factor);
    state.cells.set(joined);
    state.intervalMs = intervalMs;
    state.first = first;
    state.count = last - first + 1;
    this.currentEndNs = this.currentStartNs;
  }
}

function addCell(to: Float64Array, at: number, from: Float64Array, fromAt: number): void {
  for (let i = 0; i < CELL_STRIDE; i++) to[at + i]! += from[fromAt + i]!;
}
