import type { CongestionWindow } from './congestion-control.js';
import { START_NS } from './start.js';

/** Below this window slow start goes on. These four: net/ipv4/tcp_cubic.c, `hystart_*`. */
const LOW_WINDOW_SEGMENTS = 16;
const ACK_SPACING_NS = 2e6;
const MIN_DELAY_INCREASE_NS = 4e6;
const MAX_DELAY_INCREASE_NS = 16e6;
/** RFC 9406 section 4.2 calls it N_RTT_SAMPLE. */
const SAMPLES = 8;
/** Linux allows a train for what four segmentation offload buffers of 64 KiB take at the pacing rate, at most a millisecond. */
const OFFLOAD_BYTES = 4 * 65_536;
const MAX_OFFLOAD_NS = 1e6;
/** `sk_pacing_rate` in slow start: twice a window in each round trip. */
const PACING_GAIN = 2;

/**
 * HyStart: leaves slow start before the queue overflows, once acknowledgements of one round have come in close succession for
 * half the smallest round trip, or once the round trip grows by an eighth (Ha and Rhee, "Taming the elephants", Computer
 * Networks 55, 2011; net/ipv4/tcp_cubic.c: `hystart_update`, on by default).
 */
export class Hystart {
  readonly #mssBytes: number;
  #isFound = false;
  #minRttNs = Number.POSITIVE_INFINITY;
  #roundStartNs = START_NS;
  #lastAckNs = START_NS;
  #roundRttNs = Number.POSITIVE_INFINITY;
  #samples = 0;

  constructor(mssBytes: number) {
    this.#mssBytes = mssBytes;
  }

  /** After a timeout slow start begins anew. */
  reset(): void {
    this.#isFound = false;
  }

  beginRound(nowNs: number): void {
    this.#roundStartNs = nowNs;
    this.#lastAckNs = nowNs;
    this.#roundRttNs = Number.POSITIVE_INFINITY;
    this.#samples = 0;
  }

  /** Ends slow start by setting the threshold to the window. */
  measured(window: CongestionWindow, rttNs: number, nowNs: number, srttNs: number): void {
    this.#minRttNs = Math.min(this.#minRttNs, rttNs);
    if (this.#isFound || window.segments >= window.ssthresh || window.segments < LOW_WINDOW_SEGMENTS) return;
    if (this.#isTrainLong(window, nowNs, srttNs) || this.#isDelayed(rttNs)) {
      this.#isFound = true;
      window.ssthresh = window.segments;
    }
  }

  #isTrainLong(window: CongestionWindow, nowNs: number, srttNs: number): boolean {
    if (nowNs - this.#lastAckNs > ACK_SPACING_NS) return false;
    this.#lastAckNs = nowNs;
    const pacingBytesPerNs = (PACING_GAIN * window.segments * this.#mssBytes) / srttNs;
    const offloadNs = Math.min(MAX_OFFLOAD_NS, OFFLOAD_BYTES / pacingBytesPerNs);
    return nowNs - this.#roundStartNs > (this.#minRttNs + offloadNs) / 2;
  }

  #isDelayed(rttNs: number): boolean {
    this.#roundRttNs = Math.min(this.#roundRttNs, rttNs);
    if (this.#samples < SAMPLES) {
      this.#samples++;
      return false;
    }
    const increaseNs = Math.min(MAX_DELAY_INCREASE_NS, Math.max(MIN_DELAY_INCREASE_NS, this.#minRttNs / 8));
    return this.#roundRttNs > this.#minRttNs + increaseNs;
  }
}
