import { closeSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { renderLine } from '../../result/run-json.js';
import type { RunResult } from '../../result/run-result.js';
import { type SweepRow, sweepFigures } from '../../result/sweep-row.js';
import type { GridAxis } from './grid-axis.js';

/**
 * `tare.sweep/1` (docs/FORMATS.md): JSON lines, a header and then the points in the grid's order.
 *
 * Theory of operation: lines are only ever appended, whole, and in the grid's order. So a file that breaks off, wherever the
 * process was killed, is the beginning of the whole file and at most one torn line; to go on is to cut that line
 * off and to append what is missing. Rejected: lines as results come, with their index. That would be as quick, but two
 * sweeps of the same grid would be different files.
 */
export interface SweepHeader {
  readonly schema: 'tare.sweep/1';
  /** Of everything that results depend on: a file is only gone on with if it is the same. */
  readonly hash: string;
  readonly level: 'analytic' | 'packet';
  readonly samples: number;
  readonly scenarios: readonly string[];
  readonly axes: readonly GridAxis[];
  readonly points: number;
}

/** A line of results as it is written. */
export interface SweepLine {
  readonly index: number;
  readonly scenario: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly run: RunResult | null;
  readonly error: string | null;
}

/** A file that cannot be gone on with. The message says why and what to do; it does not name the file. */
export class SweepFileError extends Error {
  override readonly name = 'SweepFileError';
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export function rowOfLine({ index, scenario, settings, run, error }: SweepLine): SweepRow {
  return { index, scenario, settings, figures: run === null ? null : sweepFigures(run), error };
}

/** Results on their way to a file. Every append is complete when it returns. */
export class SweepFile {
  /** Points that the file held when it was opened, in order. */
  readonly rows: readonly SweepRow[];
  readonly #descriptor: number;

  /**
   * Begins a file anew, or goes on with what is there. Devices and pipes can only be written to.
   * @throws SweepFileError if what is there is something else
   * @throws Error as of node:fs
   */
  constructor(path: string, header: SweepHeader, { resume }: { readonly resume: boolean }) {
    const existing = statSync(path, { throwIfNoEntry: false });
    const isRegular = existing === undefined || existing.isFile();
    if (!isRegular && resume) throw new SweepFileError('is no regular file: there is nothing to resume');
    if (isRegular && !resume && existing !== undefined && existing.size > 0) {
      throw new SweepFileError('is there already: add --resume to go on with it, or name another file');
    }
    // Never emptied by opening it: what is there may be days of work.
    this.#descriptor = openSync(path, isRegular ? 'a+' : 'w');
    try {
      const { rows, bytes } = isRegular ? readResults(this.#descriptor, header) : { rows: [], bytes: 0 };
      this.rows = rows;
      if (isRegular) ftruncateSync(this.#descriptor, bytes);
      if (bytes === 0) this.append(headerLine(header));
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** @param lines whole ones, each with its line feed */
  append(lines: string): void {
    writeAll(this.#descriptor, Buffer.from(lines));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The first line of a file. */
export function headerLine(header: SweepHeader): string {
  return `${renderLine(header)}\n`;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written);
  }
}

/** What a file holds of a sweep, and how many of its bytes are whole lines. */
function readResults(descriptor: number, header: SweepHeader): { rows: SweepRow[]; bytes: number } {
  const rows: SweepRow[] = [];
  let bytes = 0;
  for (const { text, isWhole } of readLines(descriptor)) {
    if (!isWhole) {
      // A torn header is cut off like any torn line, but a file that never was one of ours is not.
      if (bytes === 0 && !headerLine(header).startsWith(text)) requireSameSweep(text, header);
      break;
    }
    if (bytes === 0) requireSameSweep(text, header);
    else rows.push(parseRow(text, rows.length, header));
    bytes += Buffer.byteLength(text) + 1;
  }
  return { rows, bytes };
}

/** Lines without their line feeds; the last one is torn if there is none behind it. */
function* readLines(descriptor: number): Generator<{ text: string; isWhole: boolean }> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const length = readSync(descriptor, chunk, 0, CHUNK_BYTES, at);
    if (length === 0) break;
    at += length;
    const read = chunk.subarray(0, length);
    let from = 0;
    for (let end = read.indexOf(NEWLINE); end >= 0; end = read.indexOf(NEWLINE, from)) {
      yield { text: Buffer.concat([rest, read.subarray(from, end)]).toString('utf8'), isWhole: true };
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    rest = Buffer.concat([rest, read.subarray(from)]);
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), isWhole: false };
}

function requireSameSweep(line: string, wanted: SweepHeader): void {
  const found = parseObject(line) as Partial<SweepHeader> | null;
  if (found?.schema !== wanted.schema) {
    throw new SweepFileError('holds no results of a sweep: name another file');
  }
  if (found.hash === wanted.hash) return;
  const differing = (['scenarios', 'axes', 'level', 'samples'] as const).filter(
    (key) => JSON.stringify(found[key]) !== JSON.stringify(wanted[key]),
  );
  const what =
    differing.length === 0
      ? 'scenario, seed, calibration or version differ'
      : differing
          .map((key) => `${key} ${describe(found, key)} there, ${describe(wanted, key)} here`)
          .join('; ');
  throw new SweepFileError(`holds another sweep (${what}): repeat its command, or name another file`);
}

function describe(header: Partial<SweepHeader>, key: 'scenarios' | 'axes' | 'level' | 'samples'): string {
  const axes = Array.isArray(header.axes)
    ? header.axes.map(({ name, values }) => `${name}=${values?.length}`)
    : [];
  const text = key === 'axes' ? axes.join(',') : `${header[key]}`;
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function parseRow(line: string, index: number, { points }: SweepHeader): SweepRow {
  const value = parseObject(line) as SweepLine | null;
  if (value?.index === index && index < points) {
    try {
      return rowOfLine(value);
    } catch {
      // Something else under our schema's name: told below.
    }
  }
  throw new SweepFileError(
    `line ${index + 2} is not that of point ${index}: the file was changed, name another one`,
  );
}

function parseObject(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
