import type { ProtectionClass } from '../../analysis/analysis-summary.js';
import type { LiveSnapshot } from '../../monitor/live-snapshot.js';

/** Snapshots remembered: more than the widest curve shows. */
const MAX_POINTS = 240;

/** Bits per second of the last snapshots, for curves. */
export class LiveHistory {
  private readonly points: Record<ProtectionClass, number>[] = [];

  add({ interval, intervalNs }: LiveSnapshot): void {
    const point = {} as Record<ProtectionClass, number>;
    for (const [name, { bytes }] of Object.entries(interval.protection)) {
      point[name as ProtectionClass] = perSecond(bytes * 8, intervalNs);
    }
    this.points.push(point);
    if (this.points.length > MAX_POINTS) this.points.shift();
  }

  /** Oldest first, at most `count`. */
  ratesOf(name: ProtectionClass, count: number): number[] {
    return this.points.slice(-Math.max(1, count)).map((point) => point[name]);
  }

  /** The highest rate of any class in the last `count` snapshots. */
  peak(count: number): number {
    const latest = this.points.slice(-Math.max(1, count));
    return latest.reduce((peak, point) => Math.max(peak, ...Object.values(point)), 0);
  }
}

/** 0 where no time went by; never below 0. */
export function perSecond(amount: number, intervalNs: number): number {
  return intervalNs > 0 ? Math.max(0, amount) / (intervalNs / 1e9) : 0;
}
