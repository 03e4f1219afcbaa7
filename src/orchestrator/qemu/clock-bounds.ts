import type { QmpEvent } from './qmp-client.js';

/** How far a host's clock is ahead of ours. */
export interface ClockDifference {
  readonly offsetMs: number;
  /** The truth lies within `offsetMs` ± this. */
  readonly errorMs: number;
}

/**
 * Compares a host's clock with ours by the events of its QEMU: each happened before we heard of it, and, if a command of ours
 * caused it, after that was sent. Each event narrows what the difference can be.
 */
export class ClockBounds {
  private least = Number.NEGATIVE_INFINITY;
  private most = Number.POSITIVE_INFINITY;

  /** @param sentMs when the command was sent that caused it, if one did */
  observe({ timeMs, arrivedMs }: QmpEvent, sentMs?: number): void {
    this.least = Math.max(this.least, timeMs - arrivedMs);
    if (sentMs !== undefined) this.most = Math.min(this.most, timeMs - sentMs);
  }

  /** @returns null before both sides are bounded, or if a clock was set meanwhile */
  difference(): ClockDifference | null {
    const errorMs = (this.most - this.least) / 2;
    if (!Number.isFinite(errorMs) || errorMs < 0) return null;
    return { offsetMs: (this.most + this.least) / 2, errorMs };
  }
}
