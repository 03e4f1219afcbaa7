/*
 * Is a stretch of bytes as uniform as cipher text? Pearson's chi-square over the 256 values of a byte, and Shannon's entropy. Both
 * are computed of blocks of at least BLOCK_BYTES: fewer bytes say little (with less than 5 of each value expected, the
 * distribution of chi-square is not what is taken for it).
 *
 * A test of uniformity can only refute: compressed data pass it nearly as well. That bytes cannot be read is not shown by it, but by the
 * key that nobody else has; what it shows is that no part of them was left as it was.
 */

/** Five of each value expected. */
export const BLOCK_BYTES = 1280;
const VALUES = 256;
/** Of random blocks, one in a hundred lies outside. */
const SIGNIFICANCE = 0.01;
/** Share of truly random blocks that are judged uniform. */
export const EXPECTED_UNIFORM_SHARE = 1 - SIGNIFICANCE;

/** Bits per byte, 0 to 8. */
export function entropyBits(counts: Uint32Array | Float64Array, total: number): number {
  if (total === 0) return 0;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return Math.max(0, bits);
}

/** With 255 degrees of freedom if all 256 values are equally probable. */
export function chiSquare(counts: Uint32Array | Float64Array, total: number): number {
  const expected = total / VALUES;
  let sum = 0;
  for (const count of counts) sum += (count - expected) ** 2;
  return expected === 0 ? 0 : sum / expected;
}

/** Probability of a chi-square as large or larger, by Wilson and Hilferty's approximation (1931). */
export function chiSquareTail(value: number, degrees = VALUES - 1): number {
  const variance = 2 / (9 * degrees);
  const z = (Math.cbrt(value / degrees) - (1 - variance)) / Math.sqrt(variance);
  return 0.5 * complementaryError(z / Math.SQRT2);
}

/** Entropy that `total` random bytes show: below 8 because they are few (Miller and Madow, 1955). */
export function entropyOfRandom(total: number): number {
  return 8 - (VALUES - 1) / (2 * total * Math.LN2);
}

/** Is a chi-square as random bytes give it, neither too large nor too small? */
export function isUniform(value: number): boolean {
  const tail = chiSquareTail(value);
  return tail >= SIGNIFICANCE / 2 && tail <= 1 - SIGNIFICANCE / 2;
}

/** Numerical Recipes' rational approximation of erfc, to 1.2e-7. */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const sum = terms.reduceRight((total, term) => total * t + term, 0);
  const tail = t * Math.exp(-x * x + sum);
  return x >= 0 ? tail : 2 - tail;
}

export interface RandomnessSummary {
  payloads: number;
  bytes: number;
  /** Blocks of BLOCK_BYTES or more: long payloads alone, short ones put together in their order. */
  blocks: number;
  /** Share of them whose chi-square is that of random bytes; `expectedUniformShare` of them if they are. */
  uniformShare: number;
  expectedUniformShare: number;
  /** Bits per byte of the blocks, and what random bytes in blocks of their mean size show. */
  entropy: { min: number; mean: number; max: number; ofRandom: number };
  chiSquare: { min: number; mean: number; max: number };
  /** Of all bytes together. */
  total: { entropy: number; chiSquare: number; probability: number };
  /** How many blocks have an entropy of 0 to 0.25 bits, ... 7.75 to 8. */
  entropyHistogram: number[];
}

const HISTOGRAM_BINS = 32;

/** Judges payloads as they come. */
export class Randomness {
  private readonly totals = new Float64Array(VALUES);
  private readonly pooled = new Uint32Array(VALUES);
  private readonly counts = new Uint32Array(VALUES);
  private pooledBytes = 0;
  private payloads = 0;
  private bytes = 0;
  private blockBytes = 0;
  private uniform = 0;
  private readonly entropies = new Extent();
  private readonly chiSquares = new Extent();
  private readonly histogram = new Array<number>(HISTOGRAM_BINS).fill(0);

  add(data: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    this.payloads += 1;
    this.bytes += to - from;
    const isLong = to - from >= BLOCK_BYTES;
    const counts = isLong ? this.counts : this.pooled;
    for (let i = from; i < to; i++) counts[data[i]!]! += 1;
    if (isLong) this.judge(counts, to - from);
    else {
      this.pooledBytes += to - from;
      if (this.pooledBytes < BLOCK_BYTES) return;
      this.judge(counts, this.pooledBytes);
      this.pooledBytes = 0;
    }
  }

  /** Null if there was nothing. */
  summary(): RandomnessSummary | null {
    if (this.payloads === 0) return null;
    const { payloads, bytes, entropies, chiSquares, uniform, blockBytes, totals } = this;
    const all = totals.map((count, i) => count + this.pooled[i]!);
    const blocks = entropies.count;
    const total = chiSquare(all, bytes);
    return {
      payloads,
      bytes,
      blocks,
      uniformShare: blocks === 0 ? 0 : uniform / blocks,
      expectedUniformShare: EXPECTED_UNIFORM_SHARE,
      entropy: { ...entropies.summary(), ofRandom: blocks === 0 ? 0 : entropyOfRandom(blockBytes / blocks) },
      chiSquare: chiSquares.summary(),
      total: { entropy: entropyBits(all, bytes), chiSquare: total, probability: chiSquareTail(total) },
      entropyHistogram: [...this.histogram],
    };
  }

  private judge(counts: Uint32Array, bytes: number): void {
    const entropy = entropyBits(counts, bytes);
    const square = chiSquare(counts, bytes);
    this.entropies.add(entropy);
    this.chiSquares.add(square);
    this.blockBytes += bytes;
    if (isUniform(square)) this.uniform += 1;
    const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor((entropy / 8) * HISTOGRAM_BINS));
    this.histogram[bin]! += 1;
    for (let i = 0; i < VALUES; i++) this.totals[i]! += counts[i]!;
    counts.fill(0);
  }
}

class Extent {
  count = 0;
  private sum = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  summary(): { min: number; mean: number; max: number } {
    if (this.count === 0) return { min: 0, mean: 0, max: 0 };
    return { min: this.min, mean: this.sum / this.count, max: this.max };
  }
}
