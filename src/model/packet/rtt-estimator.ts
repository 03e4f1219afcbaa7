/** Linux: TCP_RTO_MIN. RFC 6298 asks for a second. */
const MIN_VARIATION_NS = 200e6;
/** Linux: TCP_RTO_MAX. */
const MAX_TIMEOUT_NS = 120e9;

/**
 * Round-trip time and retransmission timeout (RFC 6298). As in Linux it is the variation that has a lower bound, not the
 * timeout (`tcp_rtt_estimator`): the timeout is the smoothed round trip and 200 ms or more.
 */
export class RttEstimator {
  /** Smoothed. */
  srttNs: number;
  minNs: number;
  #variationNs: number;
  #backoff = 1;

  /** @param firstNs round trip of the handshake */
  constructor(firstNs: number) {
    this.srttNs = firstNs;
    this.minNs = firstNs;
    this.#variationNs = firstNs / 2;
  }

  get timeoutNs(): number {
    const once = this.srttNs + Math.max(MIN_VARIATION_NS, 4 * this.#variationNs);
    return Math.min(MAX_TIMEOUT_NS, once * this.#backoff);
  }

  sample(rttNs: number): void {
    if (rttNs < this.minNs) this.minNs = rttNs;
    this.#variationNs += (Math.abs(this.srttNs - rttNs) - this.#variationNs) / 4;
    this.srttNs += (rttNs - this.srttNs) / 8;
  }

  /** The timer went off (section 5.5). */
  backOff(): void {
    if (this.timeoutNs < MAX_TIMEOUT_NS) this.#backoff *= 2;
  }

  /** Something new was acknowledged. */
  resetBackoff(): void {
    this.#backoff = 1;
  }
}
