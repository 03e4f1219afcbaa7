/**
 * What TCP carries where neither link nor processors hold it back: the well-known formulas, each with its source. Windows are in
 * segments, times in seconds, rates in segments per second.
 */
import type { CongestionControl } from '../../scenario/scenario.js';

/** RFC 9438 section 4.6 and 5. */
const CUBIC_BETA = 0.7;
const CUBIC_C = 0.4;
const RENO_BETA = 0.5;
/**
 * The formulas below are for losses that come at equal distances. For losses that are independent of each other the mean window is
 * larger by a factor: for Reno 1.309 / sqrt(3 / 2) (Ott, Kemperman, Mathis: "The stationary behavior of ideal TCP
 * congestion avoidance", 1996); for CUBIC from following its window through a million such losses, fast convergence included, which a
 * test does again.
 */
const RANDOM_LOSS = { reno: 1.069, cubicAsReno: 1.154, cubic: 1.136 } as const;
/** Linux: TCP_RTO_MIN. */
const MIN_RTO_SECONDS = 0.2;

/**
 * Mean window of Reno under losses at equal distances: sqrt(3 / (2 p)) (Mathis, Semke, Mahdavi, Ott: "The macroscopic behavior of the
 * TCP congestion avoidance algorithm", CCR 27(3), 1997). Linux counts acknowledged segments, not acknowledgements (RFC 3465), so
 * delayed acknowledgements take nothing away.
 */
export function renoWindow(loss: number): number {
  return Math.sqrt(3 / (2 * loss));
}

/** Mean window of CUBIC under such losses: RFC 9438 section 5.1 equation 5. */
export function cubicWindow(loss: number, rttSeconds: number): number {
  const scale = ((CUBIC_C * (3 + CUBIC_BETA)) / (4 * (1 - CUBIC_BETA))) ** 0.25;
  return scale * (rttSeconds / loss) ** 0.75;
}

/** Mean window where each segment is lost with the same probability. CUBIC's is not below Reno's (RFC 9438 section 4.3). */
export function randomLossWindow(loss: number, rttSeconds: number, control: CongestionControl): number {
  if (control === 'reno') return renoWindow(loss) * RANDOM_LOSS.reno;
  const asReno = renoWindow(loss) * RANDOM_LOSS.cubicAsReno;
  return Math.max(asReno, cubicWindow(loss, rttSeconds) * RANDOM_LOSS.cubic);
}

/**
 * Segments per second under random loss. With selective acknowledgements (RFC 6675) a retransmission timeout is needed only where what
 * was sent again is lost too, so that Padhye's term for timeouts (SIGCOMM 1998, equation 30) has loss squared instead of
 * loss.
 */
export function lossRate(loss: number, rttSeconds: number, control: CongestionControl): number {
  if (loss <= 0) return Number.POSITIVE_INFINITY;
  if (loss >= 1) return 0;
  const window = Math.max(1, randomLossWindow(loss, rttSeconds, control));
  return 1 / (rttSeconds / window + (MIN_RTO_SECONDS + rttSeconds) * loss * loss);
}

/**
 * Share of a link's rate that one connection uses where its window outgrows path and queue and is cut back: the window runs from
 * beta to 1 times path + queue, in a straight line for Reno, in a cubic's first half for CUBIC. 1 if it never falls below what the
 * path holds.
 * @param pathSegments rate of the bottleneck * round trip
 */
export function queueUtilisation(
  pathSegments: number,
  queueSegments: number,
  control: CongestionControl,
): number {
  const top = pathSegments + queueSegments;
  if (top <= 0) return 1;
  const beta = control === 'reno' ? RENO_BETA : CUBIC_BETA;
  const share = pathSegments / top;
  if (share <= beta) return 1;
  const power = control === 'reno' ? 1 : 3;
  // The window at part s of the time between two losses is top * (1 - (1 - beta) (1 - s)^power).
  const full = 1 - ((1 - share) / (1 - beta)) ** (1 / power);
  const area = full - ((1 - beta) / (power + 1)) * (1 - (1 - full) ** (power + 1));
  return area / share + 1 - full;
}
