import { fstatSync, type Stats, statSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { MAX_SNAP_BYTES } from '../capture/live/live-source.js';
import type { RingLimits } from '../capture/live/live-writer.js';
import { parseBytes, parseDuration, QuantityError } from '../scenario/parse-quantity.js';
import { CliError, ExitCode } from './exit-code.js';
import type { IpsecOptions } from './ipsec-options.js';
import { type MetricsAddress, parseMetricsAddress } from './metrics-server.js';

/** The options of `tare capture` as they were typed. */
export interface CaptureOptions extends IpsecOptions {
  readonly interface?: string;
  readonly list?: boolean;
  readonly filter?: string;
  readonly write?: string;
  readonly ring?: string;
  readonly duration?: string;
  readonly count?: string;
  readonly snaplen: string;
  readonly promiscuous: boolean;
  readonly buffer: string;
  readonly user?: string;
  readonly migrationPort?: number[];
  readonly json?: boolean;
  readonly metrics?: string;
}

/** What they mean. */
export interface CaptureSettings {
  readonly device: string;
  readonly filter: string;
  readonly snapLength: number;
  readonly promiscuous: boolean;
  readonly bufferBytes: number;
  /** 0: any number. */
  readonly maxFrames: number;
  readonly durationMs: number | null;
  readonly file: string | null;
  readonly ring: RingLimits | null;
  readonly metrics: MetricsAddress | null;
}

/** A header of every kind that Tare reads. */
const MIN_SNAP_BYTES = 64;
/** Of two pieces that the kernel fills in turn. */
const MIN_BUFFER_BYTES = 2 ** 20;
const MAX_BUFFER_BYTES = 2 ** 31 - 1;
/** What is written at once. */
const MIN_RING_BYTES = 10 ** 6;
const MAX_RING_FILES = 99_999;
/** Longer timers fire at once. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** @throws CliError (usage) naming the option, what is wrong and what is allowed */
export function captureSettings(options: CaptureOptions, device: string): CaptureSettings {
  const { write = null, ring, duration, count } = options;
  if (ring !== undefined && write === null) throw usage('--ring says how -w writes: give -w FILE');
  return {
    device,
    filter: options.filter ?? '',
    snapLength: wholeNumber('--snaplen', options.snaplen, MIN_SNAP_BYTES, MAX_SNAP_BYTES),
    // All interfaces at once cannot be made to take what is not theirs: libpcap would say so each time.
    promiscuous: options.promiscuous && device !== 'any',
    bufferBytes: sizeWithin('--buffer', options.buffer, MIN_BUFFER_BYTES, MAX_BUFFER_BYTES),
    maxFrames: count === undefined ? 0 : wholeNumber('--count', count, 1, Number.MAX_SAFE_INTEGER),
    durationMs: duration === undefined ? null : durationOf(duration),
    file: write === null ? null : outputOf(write, device, ring !== undefined),
    ring: ring === undefined ? null : ringOf(ring),
    metrics: options.metrics === undefined ? null : metricsOf(options.metrics),
  };
}

/** Files are cut back, completed and taken turns with: nothing of that can be done to a pipe. */
function outputOf(path: string, device: string, isRing: boolean): string {
  const obstacle = obstacleTo(path, isRing);
  if (obstacle === null) return path;
  throw usage(
    `-w ${path}: ${obstacle}, and packets are written to files only. Another program can follow a file ` +
      `(tail -c +1 -f FILE | wireshark -k -i -) or take packets from tcpdump -i ${device} -U -w -`,
  );
}

function obstacleTo(path: string, isRing: boolean): string | null {
  const isReport = 'standard output is for the report';
  if (path === '-') return isReport;
  // The files of a ring have other names.
  if (isRing || path === '/dev/null') return null;
  const existing = statusOf(path);
  if (existing === undefined || existing.isDirectory()) return null;
  if (!existing.isFile()) return 'it is no regular file';
  return isStdout(existing) ? isReport : null;
}

/** Undefined if there is no such file, or none that may be looked at: writing it will tell. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** `-w /dev/stdout`, where that is a file: the report would be written into the packets. */
function isStdout({ dev, ino }: Stats): boolean {
  const stdout = fstatSync(1);
  return dev === stdout.dev && ino === stdout.ino;
}

function metricsOf(text: string): MetricsAddress {
  try {
    return parseMetricsAddress(text);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw usage(`--metrics ${text}: ${error.message}`);
    throw error;
  }
}

/** `size=100MB,files=5` */
function ringOf(text: string): RingLimits {
  const wanted = '--ring: write size=100MB,files=5, or size=100MB alone to keep all files';
  const fields = new Map(text.split(',').map((part) => part.split('=', 2) as [string, string | undefined]));
  const size = fields.get('size');
  const files = fields.get('files');
  const known = [size, files].filter((value) => value !== undefined).length;
  if (size === undefined || fields.size !== known || known !== text.split(',').length) throw usage(wanted);
  return {
    fileBytes: sizeWithin('--ring size', size, MIN_RING_BYTES, Number.MAX_SAFE_INTEGER),
    files: files === undefined ? null : wholeNumber('--ring files', files, 1, MAX_RING_FILES),
  };
}

function durationOf(text: string): number {
  const ms = quantity('--duration', () => parseDuration(text, 'ms'));
  if (ms >= 1 && ms <= MAX_DURATION_MS) return ms;
  throw usage(`--duration ${text}: give a time from 1ms to 596h`);
}

function sizeWithin(option: string, text: string, least: number, most: number): number {
  const bytes = quantity(option, () => parseBytes(text));
  if (bytes >= least && bytes <= most) return bytes;
  const limit = bytes < least ? `at least ${least} bytes` : `at most ${most} bytes`;
  throw usage(`${option} ${text}: give ${limit}`);
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d{1,16}$/.test(text) && number >= least && number <= most) return number;
  throw usage(`${option} ${text}: give a whole number from ${least} to ${most}`);
}

function quantity(option: string, parse: () => number): number {
  try {
    return parse();
  } catch (error) {
    if (error instanceof QuantityError) throw usage(`${option}: ${error.message}`);
    throw error;
  }
}

function usage(message: string): CliError {
  return new CliError(ExitCode.usage, message);
}
