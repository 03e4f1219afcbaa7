import type { FrameBlock } from '../packet/frame-block.js';

/** Resolution of an interface that does not say (if_tsresol's default): microseconds. */
export const DEFAULT_RESOLUTION = 6;

/**
 * How one interface counts time.
 *
 * A timestamp is a 64-bit number of units. Up to 2^31 units per second (which covers microseconds and nanoseconds)
 * seconds come from a division in floating point, which may be one off; the remainder, computed modulo 2^32, is exact
 * and tells. Finer units take the way over BigInt.
 */
export interface PcapngClock {
  /** 0: too many for the quick way. */
  unitsPerSecond: number;
  /** Whole for powers of ten, and exact as a product for small powers of two. */
  nanosecondsPerUnit: number;
  unitsPerSecondBig: bigint;
  offsetSeconds: number;
}

/** Largest power of two whose fractions times 10^9 are exact in a double: 2^23 * 10^9 < 2^53. */
const MAX_QUICK_BINARY_EXPONENT = 23;
const MAX_QUICK_DECIMAL_EXPONENT = 9;

/**
 * @param resolution `if_tsresol`: 10^-n seconds, or 2^-n with the most significant bit set
 * @param offsetSeconds `if_tsoffset`
 */
export function createPcapngClock(resolution: number, offsetSeconds: number): PcapngClock {
  const isBinary = (resolution & 0x80) !== 0;
  const exponent = resolution & 0x7f;
  const unitsPerSecondBig = (isBinary ? 2n : 10n) ** BigInt(exponent);
  const isQuick = exponent <= (isBinary ? MAX_QUICK_BINARY_EXPONENT : MAX_QUICK_DECIMAL_EXPONENT);
  return {
    unitsPerSecond: isQuick ? Number(unitsPerSecondBig) : 0,
    nanosecondsPerUnit: isQuick ? 1e9 / Number(unitsPerSecondBig) : 0,
    unitsPerSecondBig,
    offsetSeconds,
  };
}

/** Writes the time `high * 2^32 + low` units as frame `index`'s; nanoseconds are rounded down. */
export function storeTime(
  clock: PcapngClock,
  high: number,
  low: number,
  block: FrameBlock,
  index: number,
): void {
  const unitsPerSecond = clock.unitsPerSecond;
  if (unitsPerSecond === 0) {
    storeFineTime(clock, high, low, block, index);
    return;
  }
  let seconds = Math.floor((high * 0x1_0000_0000 + low) / unitsPerSecond);
  let rest = (low - Math.imul(seconds, unitsPerSecond)) | 0;
  if (rest < 0 || rest >= unitsPerSecond) {
    const carry = Math.floor(rest / unitsPerSecond);
    seconds += carry;
    rest -= carry * unitsPerSecond;
  }
  block.timeSeconds[index] = seconds + clock.offsetSeconds;
  block.timeNanoseconds[index] = Math.floor(rest * clock.nanosecondsPerUnit);
}

function storeFineTime(
  clock: PcapngClock,
  high: number,
  low: number,
  block: FrameBlock,
  index: number,
): void {
  const units = (BigInt(high) << 32n) | BigInt(low);
  const perSecond = clock.unitsPerSecondBig;
  block.timeSeconds[index] = Number(units / perSecond) + clock.offsetSeconds;
  block.timeNanoseconds[index] = Number(((units % perSecond) * 1_000_000_000n) / perSecond);
}
