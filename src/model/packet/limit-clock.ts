import type { Limit } from '../../result/run-result.js';

/** Long against a window of QEMU's rate limit no more than short against a transfer. */
const SLICE_NS = 10e6;

/** How long everything was in use so far. */
export interface Usage {
  linkNs: number;
  sourceNs: number;
  destinationNs: number;
  /** QEMU slept for the sake of its own rate limit. */
  sleptNs: number;
}

/**
 * Splits the time of a transfer over what held it back. In each slice of 10 ms the most used of link, source and destination is
 * charged with the time for which it was busy; of the rest, QEMU's rate limit with what it slept, and round trips with what is left:
 * windows were used up, or the last bytes were on their way.
 */
export class LimitClock {
  readonly nsByLimit: Record<Limit, number> = {
    link: 0,
    sourceCpu: 0,
    destinationCpu: 0,
    roundTrips: 0,
    maxBandwidth: 0,
  };
  /** End of the slice at hand. */
  nextNs = SLICE_NS;
  readonly #usageAt: (nowNs: number) => Usage;
  #startNs = 0;
  #before: Usage = { linkNs: 0, sourceNs: 0, destinationNs: 0, sleptNs: 0 };

  constructor(usageAt: (nowNs: number) => Usage) {
    this.#usageAt = usageAt;
  }

  /** Nothing happens before `nowNs` that has not been told. */
  advance(nowNs: number): void {
    while (this.nextNs <= nowNs) {
      this.#close(this.nextNs);
      this.nextNs += SLICE_NS;
    }
  }

  /** The transfer ends. */
  finish(nowNs: number): void {
    this.advance(nowNs);
    if (nowNs > this.#startNs) this.#close(nowNs);
  }

  #close(endNs: number): void {
    const sliceNs = endNs - this.#startNs;
    const usage = this.#usageAt(endNs);
    const before = this.#before;
    const link = usage.linkNs - before.linkNs;
    const source = usage.sourceNs - before.sourceNs;
    const destination = usage.destinationNs - before.destinationNs;
    const most = Math.max(link, source, destination);
    const limit = most === link ? 'link' : most === source ? 'sourceCpu' : 'destinationCpu';
    const busyNs = Math.min(sliceNs, Math.max(0, most));
    const sleptNs = Math.min(sliceNs - busyNs, Math.max(0, usage.sleptNs - before.sleptNs));
    this.nsByLimit[limit] += busyNs;
    this.nsByLimit.maxBandwidth += sleptNs;
    this.nsByLimit.roundTrips += sliceNs - busyNs - sleptNs;
    this.#before = usage;
    this.#startNs = endNs;
  }
}
