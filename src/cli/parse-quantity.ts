/** Amounts as people type them: `4GiB`, `2.5Gbit/s`, `1280..9000:20`. */

/** Text that is no such amount. The message quotes it, shortened, and says what would be. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

/** Whole numbers, both included; `step` is 1 unless given. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
  readonly step?: number;
}

const AMOUNT = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z/]*)$/;
/** `Gb` is read as bits by whoever writes `GB` for bytes; `gb` is just quickly typed. */
const BITS = /[bB]it|bps|^[KMGTP]i?b$/;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  byte: 1,
  bytes: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
};
const BIT_PREFIXES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/**
 * Bytes: `4GiB`, `400MB`, `1.5 GB`, `4096`. Bits are refused, and letters that leave open whether 1000 or 1024 is meant.
 * @throws QuantityError for these, for amounts that are not whole bytes, and beyond 2^53
 */
export function parseBytes(text: string): number {
  const wanted = 'write a size such as 400MB (10^6) or 4GiB (2^30)';
  const [number, unit] = amountOf(text, wanted);
  if (/^[kmgtp]$/i.test(unit)) {
    const letter = unit.toUpperCase();
    throw new QuantityError(
      `${quote(text)} leaves open what ${unit} is: write ${number}${letter}B (powers of 1000) or ${number}${letter}iB (of 1024)`,
    );
  }
  if (BITS.test(unit)) throw new QuantityError(`${quote(text)} are bits: ${wanted}`);
  const factor = BYTE_UNITS[unit.toLowerCase()];
  if (factor === undefined) throw new QuantityError(`${quote(text)} has an unknown unit: ${wanted}`);
  const bytes = roundIfWhole(number * factor);
  if (bytes === null) throw new QuantityError(`${quote(text)} are no whole bytes: ${wanted}`);
  if (bytes > Number.MAX_SAFE_INTEGER) throw new QuantityError(`${quote(text)} is beyond 2^53 bytes`);
  return bytes;
}

/**
 * Bits per second: `10Gbit`, `2.5Gbit/s`, `100Mbps`, `10G`. Prefixes are powers of 1000, as for every line rate.
 * @throws QuantityError for anything else, for bytes and for zero; with the spelling that was probably meant, if there is one
 */
export function parseBitRate(text: string): number {
  const wanted = 'write a rate in bits such as 10Gbit or 2.5Gbit/s';
  const [number, unit] = amountOf(text, wanted);
  const prefix = /^([kmgt]?)(?:bit(?:s)?(?:\/s|ps)?|bps|b\/s)?$/i.exec(unit)?.[1]?.toLowerCase();
  if (prefix === undefined || /B/.test(unit))
    throw new QuantityError(misspeltRate(text, number, unit, wanted));
  const bps = number * BIT_PREFIXES[prefix]!;
  if (bps === 0) throw new QuantityError(`${quote(text)} is no rate at all: ${wanted}`);
  return bps;
}

/** What is wrong with a unit that is none of a rate, and the spelling that was probably meant. */
function misspeltRate(text: string, number: number, unit: string, wanted: string): string {
  const match = /^([kmgt]?)(i?)(b|byte|bytes|bit|bits)?(?:\/s|ps)?$/i.exec(unit);
  if (match === null) return `${quote(text)} has an unknown unit: ${wanted}`;
  const [, letter = '', binary = '', name = ''] = match;
  const prefix = letter.toUpperCase() === 'K' ? 'k' : letter.toUpperCase();
  const rate = (scale: number): string => `${Number((number * scale).toPrecision(10))}${prefix}bit`;
  const unitScale = binary === '' ? 1 : 1.024 ** ' KMGT'.indexOf(letter.toUpperCase());
  if (name === 'B' || /^byte/i.test(name)) {
    return `${quote(text)} are bytes: ${wanted}, here ${rate(8 * unitScale)}`;
  }
  if (binary !== '') return `${quote(text)}: rates go by powers of 1000: write ${rate(1)}`;
  return `${quote(text)} may be bits or bytes: write ${rate(1)} (bits), or ${rate(8)} if it is bytes`;
}

/**
 * `1500`, `1280..9000`, `1280..9000:20`.
 * @param least smallest number allowed
 * @param most greatest number allowed
 * @throws QuantityError for anything else, for empty ranges and numbers out of bounds
 */
export function parseRange(text: string, least: number, most: number): NumberRange {
  const match = /^(\d{1,9})(?:\.\.(\d{1,9})(?::(\d{1,9}))?)?$/.exec(text.trim());
  const wanted = `give ${least} to ${most}, or a range such as ${least}..${most}`;
  if (match === null) throw new QuantityError(`${quote(text)} is no number or range: ${wanted}`);
  const from = Number(match[1]);
  const to = match[2] === undefined ? from : Number(match[2]);
  const step = match[3] === undefined ? 1 : Number(match[3]);
  if (from > to) throw new QuantityError(`${quote(text)} runs backwards: write ${to}..${from}`);
  if (from < least || to > most) {
    throw new QuantityError(`${quote(text)} is out of bounds: ${wanted}`);
  }
  if (step < 1) throw new QuantityError(`${quote(text)}: the step behind the colon is 1 or more`);
  return { from, to, step };
}

function amountOf(text: string, wanted: string): [number: number, unit: string] {
  const match = AMOUNT.exec(text.trim());
  if (match === null) throw new QuantityError(`${quote(text)} is no amount: ${wanted}`);
  return [Number(match[1]), match[2] ?? ''];
}

/** Decimal fractions of a unit are rarely exact in binary: 0.1 GB is 100 000 000 bytes all the same. */
function roundIfWhole(value: number): number | null {
  const rounded = Math.round(value);
  return Math.abs(value - rounded) <= Math.max(1e-6, value * 1e-12) ? rounded : null;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
