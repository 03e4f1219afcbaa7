/** Amounts as people type them: `4GiB`, `2.5Gbit/s`, `128MiB/s`, `300ms`, `90%`, `1280..9000:20`. */

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

const AMOUNT = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z/%µμ]*)$/;
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
/** Powers of ten. */
const BIT_PREFIXES: Readonly<Record<string, number>> = { '': 0, k: 3, m: 6, g: 9, t: 12 };

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
  const [number, unit, digits] = amountOf(text, wanted);
  const prefix = /^([kmgt]?)(?:bit(?:s)?(?:\/s|ps)?|bps|b\/s)?$/i.exec(unit)?.[1]?.toLowerCase();
  if (prefix === undefined || /B/.test(unit))
    throw new QuantityError(misspeltRate(text, number, unit, wanted));
  const bps = timesPowerOfTen(digits, BIT_PREFIXES[prefix]!);
  if (bps === 0) throw new QuantityError(`${quote(text)} is no rate at all: ${wanted}`);
  if (bps > Number.MAX_SAFE_INTEGER) throw new QuantityError(`${quote(text)} is beyond 2^53 bit/s`);
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
 * Bytes per second: `128MiB/s`, `125MB/s`, `125MBps`.
 * @throws QuantityError for anything else, for sizes, bits and zero; with the spelling that was probably meant
 */
export function parseByteRate(text: string): number {
  const wanted = 'write a rate in bytes such as 128MiB/s or 125MB/s';
  const [number, unit] = amountOf(text, wanted);
  const [, size = '', perSecond = ''] = /^(.*?)(\/s|ps)?$/i.exec(unit)!;
  const letter = size.slice(0, 1).toUpperCase();
  if (/^[kmgt]?i?b?$/i.test(size) && !/B$/.test(size) && size !== '') {
    const [bytes, bits] = [`${number}${letter}B/s`, `${number / 8}${letter}B/s`];
    throw new QuantityError(`${quote(text)} may be bits or bytes: write ${bytes}, or ${bits} if it is bits`);
  }
  if (/bits?$/i.test(size)) {
    const inBytes = `${Number((number / 8).toPrecision(10))}${letter === 'B' ? '' : letter}B/s`;
    throw new QuantityError(`${quote(text)} are bits: ${wanted}, here ${inBytes}`);
  }
  if (!(size.toLowerCase() in BYTE_UNITS) || size === '') {
    throw new QuantityError(`${quote(text)} has ${size === '' ? 'no' : 'an unknown'} unit: ${wanted}`);
  }
  if (perSecond === '') throw new QuantityError(`${quote(text)} is a size: write ${number}${size}/s`);
  const bytes = parseBytes(`${number}${size}`);
  if (bytes === 0) throw new QuantityError(`${quote(text)} is no rate at all: ${wanted}`);
  return bytes;
}

/** What `parseDuration` can return. */
export type TimeUnit = 'ns' | 'us' | 'ms';

/** Powers of ten to a nanosecond. */
const DECIMAL_TIMES: Readonly<Record<string, number>> = { ns: 0, us: 3, µs: 3, μs: 3, ms: 6, s: 9, sec: 9 };
const LONG_TIMES: Readonly<Record<string, number>> = { min: 60, h: 3600 };

/**
 * `300ms`, `200us`, `60s`, `2min`, `1.5h`, in the unit asked for. A zero needs no unit.
 * @throws QuantityError for anything else, and for `5m`, which may be minutes or milliseconds
 */
export function parseDuration(text: string, inUnit: TimeUnit): number {
  const wanted = 'write a time such as 300ms, 200us, 60s or 2min';
  const [number, unit, digits] = amountOf(text, wanted);
  const name = unit.toLowerCase();
  if (name === '' && number === 0) return 0;
  if (name === '') throw new QuantityError(`${quote(text)} has no unit: ${wanted}`);
  if (name === 'm') {
    throw new QuantityError(
      `${quote(text)} may be minutes or milliseconds: write ${number}min or ${number}ms`,
    );
  }
  const seconds = LONG_TIMES[name];
  const power = DECIMAL_TIMES[name] ?? (seconds === undefined ? undefined : 9);
  if (power === undefined) throw new QuantityError(`${quote(text)} has an unknown unit: ${wanted}`);
  const duration = timesPowerOfTen(digits, power - DECIMAL_TIMES[inUnit]!) * (seconds ?? 1);
  if (duration > Number.MAX_SAFE_INTEGER) throw new QuantityError(`${quote(text)} is too long: ${wanted}`);
  return duration;
}

/**
 * Pages per second: `2000pages/s`, `2000`, or bytes of memory per second, `8MiB/s`, in pages of `pageBytes`.
 * @throws QuantityError for anything else
 */
export function parsePageRate(text: string, pageBytes: number): number {
  const wanted = 'write a rate such as 2000pages/s or 8MiB/s';
  const [number, unit] = amountOf(text, wanted);
  if (/^(pages?(\/s|ps)?)?$/i.test(unit)) {
    if (number <= Number.MAX_SAFE_INTEGER) return number;
    throw new QuantityError(`${quote(text)} is beyond 2^53: ${wanted}`);
  }
  if (!/b(\/s|ps)?$/i.test(unit)) throw new QuantityError(`${quote(text)} has an unknown unit: ${wanted}`);
  return number === 0 ? 0 : parseByteRate(text) / pageBytes;
}

/**
 * A share of something, 0 to 1: `90%`, `0.9`, `1e-6`.
 * @throws QuantityError for anything else, and beyond 1
 */
export function parseShare(text: string): number {
  const wanted = 'write a share such as 90% or 0.9';
  const match = /^(\d+(?:\.\d+)?|\.\d+)(?:(e-\d{1,3})|\s*(%))?$/i.exec(text.trim());
  if (match === null) throw new QuantityError(`${quote(text)} is no share: ${wanted}`);
  const [, digits = '', exponent = '', percent] = match;
  const share = percent === undefined ? Number(`${digits}${exponent}`) : timesPowerOfTen(digits, -2);
  if (share <= 1) return share;
  const meant = percent === undefined && share <= 100 ? `: write ${Number(digits)}% if that is meant` : '';
  throw new QuantityError(`${quote(text)} is more than the whole${meant || `: ${wanted}`}`);
}

/**
 * `1000packets` or `1000`.
 * @throws QuantityError for anything else, and for less than one packet
 */
export function parsePacketCount(text: string): number {
  const wanted = 'write a number of packets such as 1000';
  const match = /^(\d{1,15})\s*(?:packets?)?$/i.exec(text.trim());
  if (match === null) throw new QuantityError(`${quote(text)} is no number of packets: ${wanted}`);
  const packets = Number(match[1]);
  if (packets === 0) throw new QuantityError(`${quote(text)} leaves no room for a packet: ${wanted}`);
  return packets;
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

function amountOf(text: string, wanted: string): [number: number, unit: string, digits: string] {
  const match = AMOUNT.exec(text.trim());
  if (match === null) throw new QuantityError(`${quote(text)} is no amount: ${wanted}`);
  return [Number(match[1]), match[2] ?? '', match[1]!];
}

/** As decimal arithmetic has it: 1.1 * 10^3 is 1100. */
function timesPowerOfTen(digits: string, power: number): number {
  return Number(`${digits}e${power}`);
}

/** Decimal fractions of a unit are rarely exact in binary: 0.1 GB is 100 000 000 bytes all the same. */
function roundIfWhole(value: number): number | null {
  const rounded = Math.round(value);
  return Math.abs(value - rounded) <= Math.max(1e-6, value * 1e-12) ? rounded : null;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
