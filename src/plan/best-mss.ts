import { MIN_FRAME_BYTES } from '../ipsec/protection-stack.js';
import { bareFrameBytes, frameBytes, type PacketCost } from './packet-cost.js';

/**
 * The MSS, at most `limitBytes`, that carries a transfer in the fewest Ethernet bytes: frames filled up to 60, and
 * acknowledgements for every second segment counted. Of several, the largest.
 *
 * Theory of operation: let u be the largest MSS up to the limit that leaves full segments without padding. For a given number of
 * segments the padding of all of them is fixed modulo the alignment, and with u it is less than one alignment, all in the
 * last segment: the least there can be. One segment more costs a whole set of headers, which is more than that. So nothing
 * below u is better, and only what lies between u and the limit, less than one alignment, must be tried. Where a short last
 * frame would have to be filled up, the MSS that gives it just enough bytes is best. A property test holds this against the search
 * through all.
 */
export function bestMss(cost: PacketCost, transferBytes: number, limitBytes: number): number {
  if (transferBytes <= limitBytes) return limitBytes;
  const unpadded = limitBytes - ((limitBytes + cost.phaseBytes) % cost.alignBytes);
  const shortest = MIN_FRAME_BYTES - bareFrameBytes(cost, 0);
  if (shortest > 0) return bestWithFilling(cost, transferBytes, limitBytes, shortest);
  return bestOf(cost, transferBytes, Math.max(1, unpadded), limitBytes);
}

/** Only IPv4 without options and IPsec has frames so short, and no padding: the last segment must not be too short. */
function bestWithFilling(
  cost: PacketCost,
  transferBytes: number,
  limitBytes: number,
  shortest: number,
): number {
  const segments = ceilDivide(transferBytes, limitBytes);
  const least = ceilDivide(transferBytes, segments);
  const rest = transferBytes - shortest;
  const filled = Math.min(limitBytes, (rest - (rest % (segments - 1))) / (segments - 1));
  if (filled >= least && filled >= shortest) return filled;
  return bestOf(cost, transferBytes, least, limitBytes);
}

function bestOf(cost: PacketCost, transferBytes: number, fromMss: number, toMss: number): number {
  const ackBytes = frameBytes(cost, 0);
  let best = toMss;
  let fewest = Number.POSITIVE_INFINITY;
  for (let mss = toMss; mss >= fromMss; mss--) {
    const last = transferBytes % mss;
    const full = (transferBytes - last) / mss;
    const segments = last === 0 ? full : full + 1;
    // The payload is the same for all: without it the sum stays small enough to be exact.
    const added =
      full * (frameBytes(cost, mss) - mss) +
      (last === 0 ? 0 : frameBytes(cost, last) - last) +
      Math.ceil(segments / 2) * ackBytes;
    if (added < fewest) {
      fewest = added;
      best = mss;
    }
  }
  return best;
}

/** Exact for every safe integer, where rounding the quotient might not be. */
function ceilDivide(bytes: number, by: number): number {
  const rest = bytes % by;
  return (bytes - rest) / by + (rest === 0 ? 0 : 1);
}
