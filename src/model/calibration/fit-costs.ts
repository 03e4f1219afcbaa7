import type { PacketCosts } from './calibration.js';

/** One measurement: packets of one size. */
export interface CostSample {
  readonly payloadBytes: number;
  /** Time of one packet, nanoseconds. */
  readonly packetNs: number;
}

export interface FittedCosts extends PacketCosts {
  /** (fitted - measured) / measured, sample by sample. */
  readonly residuals: readonly number[];
  /** The largest of them, without sign. */
  readonly worstResidual: number;
}

/**
 * Time for each packet and for each byte, from measurements at several sizes: least squares of relative errors, so that small
 * packets count as much as large ones. Neither comes out negative: what would be is 0, and the other is fitted alone.
 * @throws RangeError for fewer than two different sizes, or times that are not positive
 */
export function fitCosts(samples: readonly CostSample[]): FittedCosts {
  if (samples.some(({ packetNs }) => !(packetNs > 0))) throw new RangeError('a time is not more than 0');
  if (new Set(samples.map(({ payloadBytes }) => payloadBytes)).size < 2) {
    throw new RangeError('give measurements at two sizes at least');
  }
  const costs = nonNegative(solve(samples), samples);
  const residuals = samples.map(
    ({ payloadBytes, packetNs }) => (costs.packetNs + costs.byteNs * payloadBytes) / packetNs - 1,
  );
  return { ...costs, residuals, worstResidual: Math.max(...residuals.map(Math.abs)) };
}

/** Normal equations of 1 = (packetNs + byteNs * bytes) / time. */
function solve(samples: readonly CostSample[]): PacketCosts {
  let [aa, ab, bb, a, b] = [0, 0, 0, 0, 0];
  for (const { payloadBytes, packetNs } of samples) {
    const [x, y] = [1 / packetNs, payloadBytes / packetNs];
    aa += x * x;
    ab += x * y;
    bb += y * y;
    a += x;
    b += y;
  }
  const determinant = aa * bb - ab * ab;
  return { packetNs: (a * bb - b * ab) / determinant, byteNs: (b * aa - a * ab) / determinant };
}

function nonNegative(costs: PacketCosts, samples: readonly CostSample[]): PacketCosts {
  if (costs.packetNs >= 0 && costs.byteNs >= 0) return costs;
  const weights = samples.map(
    ({ payloadBytes, packetNs }) => (costs.byteNs < 0 ? 1 : payloadBytes) / packetNs,
  );
  const alone = sum(weights) / sum(weights.map((weight) => weight * weight));
  return costs.byteNs < 0 ? { packetNs: alone, byteNs: 0 } : { packetNs: 0, byteNs: alone };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
