/** The inverse of `parse-quantity`: the shortest text that is read as exactly the same number. */
import {
  parseBitRate,
  parseByteRate,
  parseBytes,
  parseDuration,
  parseShare,
  QuantityError,
  type TimeUnit,
} from './parse-quantity.js';

const BINARY_BYTES = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 } as const;
const DECIMAL_BYTES = { TB: 1e12, GB: 1e9, MB: 1e6, kB: 1e3, B: 1 } as const;
const BYTES = Object.entries({ ...BINARY_BYTES, ...DECIMAL_BYTES });
const BITS = Object.entries({ Tbit: 1e12, Gbit: 1e9, Mbit: 1e6, kbit: 1e3, bit: 1 });
const TIMES_NS = { h: 3.6e12, min: 6e10, s: 1e9, ms: 1e6, us: 1e3, ns: 1 } as const;

/** `4GiB`, `125MB`, `4097B`. Whole bytes. */
export function writeBytes(bytes: number): string {
  return shortest(bytes, BYTES, parseBytes, `${bytes}B`);
}

/** `128MiB/s`, `125MB/s`. Whole bytes, not 0. */
export function writeByteRate(bytesPerSecond: number): string {
  const units = BYTES.map(([name, factor]): Unit => [`${name}/s`, factor]);
  return shortest(bytesPerSecond, units, parseByteRate, `${bytesPerSecond}B/s`);
}

/** `10Gbit`, `2.5Gbit`. Not 0. */
export function writeBitRate(bps: number): string {
  return shortest(bps, BITS, parseBitRate, `${bps}bit`);
}

/** `300ms`, `2min`, from an amount in `unit`. */
export function writeDuration(duration: number, unit: TimeUnit): string {
  const units = Object.entries(TIMES_NS).map(([name, ns]): Unit => [name, ns / TIMES_NS[unit]]);
  return shortest(duration, units, (text) => parseDuration(text, unit), `${duration}${unit}`);
}

/** `90%`; a number where no percentage is exact, and for nothing. */
export function writeShare(share: number): string | number {
  const percent = `${Number((share * 100).toPrecision(15))}%`;
  return share !== 0 && isPlain(percent) && parseShare(percent) === share ? percent : share;
}

type Unit = readonly [name: string, factor: number];

/** @param otherwise when no unit gives a number that can be written and read again */
function shortest(
  value: number,
  units: readonly Unit[],
  parse: (text: string) => number,
  otherwise: string,
): string {
  const shorter = units
    .map(([name, factor]) => `${Number((value / factor).toPrecision(15))}${name}`)
    .filter((text) => text.length < otherwise.length && isPlain(text) && !text.startsWith('0'))
    .sort((a, b) => a.length - b.length);
  return shorter.find((text) => isReadAs(value, text, parse)) ?? otherwise;
}

function isReadAs(value: number, text: string, parse: (text: string) => number): boolean {
  try {
    return parse(text) === value;
  } catch (error) {
    // Not a whole number of bytes any more.
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

/** Without exponent: `1e+21GiB` is not how people write. */
function isPlain(text: string): boolean {
  return !/\de[+-]?\d/.test(text);
}
