import { z } from 'zod';
import { nearestNames } from './nearest-names.js';
import {
  parseBitRate,
  parseByteRate,
  parseBytes,
  parseDuration,
  parsePacketCount,
  parsePageRate,
  parseShare,
  QuantityError,
  type TimeUnit,
} from './parse-quantity.js';
import { PAGE_BYTES } from './scenario.js';
import { writeBitRate, writeByteRate, writeBytes, writeDuration, writeShare } from './write-quantity.js';

/**
 * Fields of a written scenario: text or number on the outside, a number in the unit of `Scenario` inside. Each reads and
 * writes, so that one schema does both.
 */

/** As YAML or JSON has it. */
type Written = string | number;

interface QuantityField {
  readonly parse: (text: string) => number;
  readonly write: (value: number) => Written;
  /** What to write, for messages: "a size such as 4GiB". */
  readonly example: string;
  /** Whether a number without unit can mean one thing only. */
  readonly needsUnit: boolean;
}

function quantityField({ parse, write, example, needsUnit }: QuantityField) {
  const read = (written: Written): number => {
    const text = `${written}`.trim();
    if (needsUnit && /^[\d.]+$/.test(text) && Number(text) !== 0) {
      throw new QuantityError(`${shown(text)} has no unit: write ${example}`);
    }
    if (text.startsWith('-')) throw new QuantityError(`${shown(text)} is negative: write ${example}`);
    return parse(text);
  };
  return z.codec(z.union([z.string(), z.number()], { error: expected(example) }), z.number(), {
    decode: (written, context) => orIssue(written, context, read),
    encode: write,
  });
}

/** Puts what is wrong with a value where zod collects it. Other fields and rules are checked all the same. */
function orIssue<Value>(
  written: Written,
  context: z.core.ParsePayload,
  read: (written: Written) => Value,
): Value {
  try {
    return read(written);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    context.issues.push({ code: 'custom', message: error.message, input: written, continue: true });
    return z.NEVER;
  }
}

/** Message for values of a wrong type, and for none. */
export function expected(example: string): z.core.$ZodErrorMap {
  return ({ input }) => (input === undefined ? `missing: write ${example}` : `write ${example}`);
}

export interface Bounds {
  readonly least?: number;
  readonly most?: number;
  /** How bounds read in a message. */
  readonly show: (value: number) => Written;
}

/** @throws QuantityError naming both bounds */
function requireWithin(
  value: number,
  text: Written,
  { least = 0, most = Number.MAX_VALUE, show }: Bounds,
): number {
  if (value >= least && value <= most) return value;
  const allowed = most === Number.MAX_VALUE ? `${show(least)} or more` : `${show(least)} to ${show(most)}`;
  throw new QuantityError(`${shown(text)} is out of bounds: allowed is ${allowed}`);
}

/** Whole pages: `4GiB`. */
export function memorySize(least: number, most: number) {
  return quantityField({
    parse: (text) => {
      const bytes = requireWithin(parseBytes(text), text, { least, most, show: writeBytes });
      if (bytes % PAGE_BYTES === 0) return bytes;
      const near = Math.max(PAGE_BYTES, Math.round(bytes / PAGE_BYTES) * PAGE_BYTES);
      throw new QuantityError(
        `${shown(text)} is not a whole number of 4 KiB pages: write ${writeBytes(near)}`,
      );
    },
    write: writeBytes,
    example: 'a size such as 4GiB',
    needsUnit: true,
  });
}

/** Part of memory, to whole pages: 1.3GiB is 340787 pages and a bit. */
export function partOfMemory() {
  return quantityField({
    parse: (text) => Math.round(parseWholeOrNot(text) / PAGE_BYTES) * PAGE_BYTES,
    write: writeBytes,
    example: 'a size such as 256MiB',
    needsUnit: true,
  });
}

/** `1.3GiB` is no whole number of bytes, and says clearly enough what is meant. */
function parseWholeOrNot(text: string): number {
  const binary = /^(\d*\.\d+)\s*([kmgt]i)b$/i.exec(text);
  if (binary === null) return parseBytes(text);
  return Math.round(Number(binary[1]) * parseBytes(`1${binary[2]}B`));
}

/** Bits per second: `10Gbit`. */
export function bitRate(least: number, most: number) {
  return quantityField({
    parse: (text) => requireWithin(parseBitRate(text), text, { least, most, show: writeBitRate }),
    write: writeBitRate,
    example: 'a rate in bits such as 10Gbit',
    needsUnit: true,
  });
}

/** Bytes per second: `128MiB/s`. */
export function byteRate(least: number, most: number) {
  return quantityField({
    parse: (text) => requireWithin(parseByteRate(text), text, { least, most, show: writeByteRate }),
    write: writeByteRate,
    example: 'a rate in bytes such as 128MiB/s',
    needsUnit: true,
  });
}

/** `300ms`, as a number of `unit`. */
export function duration(unit: TimeUnit, bounds: { readonly least: number; readonly most: number }) {
  const show = (value: number) => writeDuration(value, unit);
  return quantityField({
    parse: (text) => requireWithin(parseDuration(text, unit), text, { ...bounds, show }),
    write: show,
    example: 'a time such as 300ms, 200us, 60s or 2min',
    needsUnit: true,
  });
}

/** Pages per second: `2000pages/s`, `2000`, `8MiB/s`. */
export function pageRate(most: number) {
  return quantityField({
    parse: (text) => {
      // As JavaScript and JSON write small numbers.
      const isExponential = /^\d+(\.\d+)?e-\d+$/.test(text);
      const rate = isExponential ? Number(text) : parsePageRate(text, PAGE_BYTES);
      return requireWithin(rate, text, { most, show: showPageRate });
    },
    write: (rate) => (`${rate}`.includes('e') ? rate : showPageRate(rate)),
    example: 'a rate such as 2000pages/s or 8MiB/s',
    needsUnit: false,
  });
}

function showPageRate(rate: number): string {
  return `${rate}pages/s`;
}

/** 0 to 1: `90%`, 0.9. */
export function share({ least = 0 }: { readonly least?: number } = {}) {
  return quantityField({
    parse: (text) => requireWithin(parseShare(text), text, { least, most: 1, show: writeShare }),
    write: writeShare,
    example: 'a share such as 90% or 0.9',
    needsUnit: false,
  });
}

/** `1000packets`, 1000. */
export function packetCount(most: number) {
  return quantityField({
    parse: (text) => requireWithin(parsePacketCount(text), text, { least: 1, most, show: String }),
    write: (packets) => `${packets}packets`,
    example: 'a number of packets such as 1000',
    needsUnit: false,
  });
}

/** Whole numbers that count what needs no unit. */
export function wholeNumber(what: string, least: number, most: number) {
  const example = `a whole number ${what === '' ? '' : `of ${what} `}from ${least} to ${most}`;
  return quantityField({
    parse: (text) => {
      const value = /^\d+(\.\d+|e\+\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (!Number.isSafeInteger(value))
        throw new QuantityError(`${quote(text)} is no whole number: write ${example}`);
      return requireWithin(value, text, { least, most, show: String });
    },
    write: (value) => value,
    example,
    needsUnit: false,
  });
}

/** Numbers whose unit is in the field's name. */
export function plainNumber(what: string, most: number) {
  return quantityField({
    parse: (text) => {
      const value = /^\d/.test(text) ? Number(text) : Number.NaN;
      if (Number.isNaN(value)) throw new QuantityError(`${quote(text)} is no number: write ${what}`);
      return requireWithin(value, text, { most, show: String });
    },
    write: (value) => value,
    example: what,
    needsUnit: false,
  });
}

/** A word in place of a number, or the number: `auto`; `off`, which is null. */
export function orWord<Word extends string | null>(
  field: ReturnType<typeof quantityField>,
  words: Readonly<Record<string, Word>>,
  example: string,
) {
  const written = z.union([z.string(), z.number(), z.null()], { error: expected(example) });
  return z.codec(written, z.custom<Word | number>(), {
    decode: (value, context) => {
      if (value === null || Object.hasOwn(words, value)) return words[`${value}`] as Word;
      const result = z.safeDecode(field, value);
      if (result.success) return result.data;
      const message = `${result.error.issues[0]!.message}; or ${Object.keys(words)[0]}`;
      context.issues.push({ code: 'custom', message, input: value, continue: true });
      return z.NEVER;
    },
    encode: (value) => (typeof value === 'number' ? z.encode(field, value) : value),
  });
}

/** `true`, and what else people write for it. */
export function yesOrNo() {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    yes: true,
    on: true,
    false: false,
    no: false,
    off: false,
  };
  return z.codec(z.union([z.boolean(), z.string()], { error: expected('true or false') }), z.boolean(), {
    decode: (written, context) => {
      const value = typeof written === 'boolean' ? written : words[written.trim().toLowerCase()];
      if (value !== undefined) return value;
      context.issues.push({
        code: 'custom',
        message: `${quote(`${written}`)} is neither true nor false`,
        input: written,
        continue: true,
      });
      return z.NEVER;
    },
    encode: (value) => value,
  });
}

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  const error: z.core.$ZodErrorMap = ({ input }) =>
    typeof input === 'string' ? noneOf(input, words) : `write one of ${words.join(', ')}`;
  return z.enum(words, { error });
}

export function noneOf(text: string, words: readonly string[]): string {
  const near = nearestNames(text, words);
  const meant = near.length > 0 ? `: did you mean ${near[0]}?` : '';
  return `${quote(text)} is none of ${words.join(', ')}${meant}`;
}

/** Text as it is. */
export function text(example: string, mostCharacters: number) {
  const message = `is longer than ${mostCharacters} characters`;
  return z.string({ error: expected(example) }).max(mostCharacters, { error: message });
}

/** A suite's name, or null; `none` and `off` are null too. Which names there are is checked elsewhere. */
export function suiteName(example: string) {
  const written = z.union([z.string().max(100, { error: 'is no suite' }), z.null()], {
    error: expected(example),
  });
  return z.codec(written, z.union([z.string(), z.null()]), {
    decode: (name) => (name === null || /^(none|off|null)?$/i.test(name.trim()) ? null : name.trim()),
    encode: (name) => name,
  });
}

/** Numbers and amounts as they are, all else in quotes. */
function shown(written: Written): string {
  return /^[\w.%/+ -]{1,40}$/.test(`${written}`) ? `${written}` : quote(`${written}`);
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
