/** Congestion window and slow start threshold of a connection, in segments; the window may hold a fraction of one. */
export interface CongestionWindow {
  segments: number;
  ssthresh: number;
}

/** RFC 6928. */
export const INITIAL_WINDOW = 10;
/** RFC 5681 section 3.1: not less than two segments. */
const MIN_SSTHRESH = 2;

/** How the congestion window grows and shrinks while nothing is being recovered. */
export interface CongestionControl {
  /** Segments were acknowledged, and the window was what kept more from being sent. */
  grow(window: CongestionWindow, acknowledged: number, nowNs: number): void;
  /** @returns the slow start threshold after a loss; called before the window is reduced */
  thresholdAfterLoss(window: CongestionWindow): number;
  /** After `thresholdAfterLoss`, if it was the retransmission timer that told of the loss. */
  timedOut(): void;
  /** All that was outstanding at the last call has been acknowledged; comes before `measured`. */
  beginRound(nowNs: number): void;
  /** A segment that was sent once was acknowledged. */
  measured(window: CongestionWindow, rttNs: number, nowNs: number, srttNs: number): void;
  /** Nothing was outstanding for so long. */
  resumed(idleNs: number): void;
}

/**
 * Slow start, a segment for each segment acknowledged (RFC 3465 without its limit; Linux: `tcp_slow_start`).
 * @returns segments acknowledged that were not needed to reach the threshold
 */
export function slowStart(window: CongestionWindow, acknowledged: number): number {
  const segments = Math.min(window.segments + acknowledged, window.ssthresh);
  const rest = acknowledged - (segments - window.segments);
  window.segments = segments;
  return rest;
}

/** Reno's congestion avoidance (RFC 5681 section 3.1), counting segments, not acknowledgements, as Linux does. */
export class NewReno implements CongestionControl {
  grow(window: CongestionWindow, acknowledged: number): void {
    const rest = window.segments < window.ssthresh ? slowStart(window, acknowledged) : acknowledged;
    window.segments += rest / window.segments;
  }

  thresholdAfterLoss(window: CongestionWindow): number {
    return Math.max(window.segments / 2, MIN_SSTHRESH);
  }

  timedOut(): void {}

  beginRound(): void {}

  measured(): void {}

  resumed(): void {}
}
