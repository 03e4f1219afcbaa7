import { type CongestionControl, type CongestionWindow, slowStart } from './congestion-control.js';
import { Hystart } from './hystart.js';
import { START_NS } from './start.js';

/** RFC 9438 section 4.6. */
const BETA = 0.7;
/** Segments per second cubed; section 5. */
const C = 0.4;
/** Section 4.3: as fast as Reno on average. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
const MIN_SSTHRESH = 2;
/** Section 4.2: the target is at most this multiple of the window. */
const MAX_TARGET = 1.5;
/** Linux: before the first loss the window grows by a 20th each round trip at least (`bictcp_update`, "initially slow"). */
const FIRST_GROWTH = 1 / 20;
/** Linux: near the plateau the window grows by a 100th of a segment each round trip at least. */
const PLATEAU_SEGMENTS = 1 / 100;
const NS_PER_SECOND = 1e9;
const NOT_BEGUN_NS = Number.NEGATIVE_INFINITY;

/**
 * CUBIC (RFC 9438) with fast convergence and the Reno-friendly region, as Linux has it: the window a round trip ahead is taken
 * with the smallest round trip (`bictcp_update`), slow start ends by HyStart.
 */
export class Cubic implements CongestionControl {
  readonly #hystart: Hystart;
  /** W_max; 0: no loss yet. */
  #maxSegments = START_NS;
  /** Beginning of congestion avoidance since the last loss; -Infinity: it has not begun. */
  #epochNs = NOT_BEGUN_NS;
  #plateauSegments = START_NS;
  #kSeconds = START_NS;
  /** W_est. */
  #renoSegments = START_NS;
  #priorSegments = START_NS;
  #minRttNs = Number.POSITIVE_INFINITY;

  constructor(mssBytes: number) {
    this.#hystart = new Hystart(mssBytes);
  }

  grow(window: CongestionWindow, acknowledged: number, nowNs: number): void {
    const rest = window.segments < window.ssthresh ? slowStart(window, acknowledged) : acknowledged;
    if (rest === 0) return;
    if (this.#epochNs < 0) this.#beginEpoch(window.segments, nowNs);
    const segments = window.segments;
    const aheadNs = nowNs - this.#epochNs + this.#minRttNs;
    const offset = aheadNs / NS_PER_SECOND - this.#kSeconds;
    const target = Math.min(this.#plateauSegments + C * offset * offset * offset, MAX_TARGET * segments);
    let growth = Math.max(target - segments, PLATEAU_SEGMENTS);
    if (this.#maxSegments === 0) growth = Math.max(growth, segments * FIRST_GROWTH);
    // W_est grows as Reno once it is where the last loss was
    const alpha = this.#renoSegments < this.#priorSegments ? ALPHA : 1;
    this.#renoSegments += (alpha * rest) / segments;
    window.segments = Math.max(segments + (growth * rest) / segments, this.#renoSegments);
  }

  thresholdAfterLoss(window: CongestionWindow): number {
    const { segments } = window;
    // Fast convergence (section 4.7)
    this.#maxSegments = segments < this.#maxSegments ? (segments * (1 + BETA)) / 2 : segments;
    this.#priorSegments = segments;
    this.#epochNs = NOT_BEGUN_NS;
    return Math.max(segments * BETA, MIN_SSTHRESH);
  }

  /** Section 4.8: afterwards the plateau is where congestion avoidance begins. */
  timedOut(): void {
    this.#maxSegments = 0;
    this.#epochNs = NOT_BEGUN_NS;
    this.#hystart.reset();
  }

  beginRound(nowNs: number): void {
    this.#hystart.beginRound(nowNs);
  }

  measured(window: CongestionWindow, rttNs: number, nowNs: number, srttNs: number): void {
    // Linux: for a second after recovery round trips hold the queue of before
    if (this.#epochNs >= 0 && nowNs - this.#epochNs < NS_PER_SECOND) return;
    this.#minRttNs = Math.min(this.#minRttNs, rttNs);
    this.#hystart.measured(window, rttNs, nowNs, srttNs);
  }

  /** Time without anything to send is no time in which the window could have grown (section 5.8; `cubictcp_cwnd_event`). */
  resumed(idleNs: number): void {
    if (this.#epochNs >= 0) this.#epochNs += idleNs;
  }

  #beginEpoch(segments: number, nowNs: number): void {
    this.#epochNs = nowNs;
    this.#renoSegments = segments;
    const isBelow = segments < this.#maxSegments;
    this.#plateauSegments = isBelow ? this.#maxSegments : segments;
    this.#kSeconds = isBelow ? Math.cbrt((this.#maxSegments - segments) / C) : 0;
  }
}
