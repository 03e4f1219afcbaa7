import { closeSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { repoPath } from '../repo-root.js';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** 2025-01-01 00:00:00 UTC */
const START_SECONDS = 1_735_689_600;
const MICROSECONDS = 1_000_000;
const BATCH_RECORDS = 4000;

export interface BenchInput {
  readonly path: string;
  readonly packets: number;
  readonly bytes: number;
}

/** A generated capture: how many packets of which length, and how much of each is kept. */
export interface TrafficShape {
  readonly name: string;
  readonly packets: number;
  readonly wireBytes: number;
  readonly capturedBytes: number;
}

/** A bundled capture written over and over. */
export interface RepeatedCapture {
  readonly name: string;
  /** Relative to the repository. */
  readonly capture: string;
  readonly packets: number;
}

/** @throws Error if the file system of the folder has not room for `bytes` and some more */
export function requireDiskSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const wanted = bytes * 1.1 + 256 * 1024 * 1024;
  if (free >= wanted) return;
  const gigabytes = (value: number): string => (value / 1e9).toFixed(1);
  throw new Error(
    `${folder} has ${gigabytes(free)} GB free; the inputs need ${gigabytes(wanted)} GB. Set TMPDIR to a larger disk, ` +
      'or run a part: npm run bench -- decrypt',
  );
}

export function trafficBytes(shape: TrafficShape): number {
  return FILE_HEADER_BYTES + shape.packets * (RECORD_HEADER_BYTES + shape.capturedBytes);
}

export function repeatedBytes(repeated: RepeatedCapture): number {
  const source = readCapture(repeated.capture);
  const recordBytes = source.data.length - FILE_HEADER_BYTES;
  return FILE_HEADER_BYTES + repetitions(repeated, source.packets) * recordBytes;
}

/**
 * Of ten packets six are ESP one way, two ESP the other way, two TCP in the clear; sequence numbers ascend and
 * nothing repeats. Payload bytes are noise of a fixed seed.
 */
export function writeTraffic(folder: string, shape: TrafficShape): BenchInput {
  const path = join(folder, `${shape.name}.pcap`);
  const templates = ['out', 'out', 'out', 'tcp', 'back', 'out', 'out', 'out', 'tcp', 'back'].map((kind) =>
    makeFrame(kind, shape.wireBytes),
  );
  const recordBytes = RECORD_HEADER_BYTES + shape.capturedBytes;
  const batch = Buffer.alloc(BATCH_RECORDS * recordBytes);
  for (let i = 0; i < BATCH_RECORDS; i++) {
    const at = i * recordBytes;
    batch.writeUInt32LE(shape.capturedBytes, at + 8);
    batch.writeUInt32LE(shape.wireBytes, at + 12);
    templates[i % 10]!.frame.copy(batch, at + RECORD_HEADER_BYTES, 0, shape.capturedBytes);
  }
  const counters = new Uint32Array(3);
  const file = openSync(path, 'w');
  writeSync(file, pcapHeader(shape.capturedBytes));
  for (let first = 0; first < shape.packets; first += BATCH_RECORDS) {
    const count = Math.min(BATCH_RECORDS, shape.packets - first);
    for (let i = 0; i < count; i++) {
      const template = templates[i % 10]!;
      const at = i * recordBytes;
      writeTime(batch, at, first + i);
      counters[template.counter]! += template.step;
      batch.writeUInt32BE(counters[template.counter]!, at + RECORD_HEADER_BYTES + template.sequenceOffset);
    }
    writeSync(file, batch, 0, count * recordBytes);
  }
  closeSync(file);
  return { path, packets: shape.packets, bytes: trafficBytes(shape) };
}

/** Each repetition is a capture's length later than the one before. */
export function writeRepeated(folder: string, repeated: RepeatedCapture): BenchInput {
  const path = join(folder, `${repeated.name}.pcap`);
  const { data, packets, seconds } = readCapture(repeated.capture);
  const times = repetitions(repeated, packets);
  const records = Buffer.from(data.subarray(FILE_HEADER_BYTES));
  const file = openSync(path, 'w');
  writeSync(file, data.subarray(0, FILE_HEADER_BYTES));
  for (let i = 0; i < times; i++) {
    writeSync(file, records);
    forEachRecord(records, 0, (at) => records.writeUInt32LE(records.readUInt32LE(at) + seconds, at));
  }
  closeSync(file);
  return { path, packets: times * packets, bytes: FILE_HEADER_BYTES + times * records.length };
}

interface FrameTemplate {
  readonly frame: Buffer;
  readonly sequenceOffset: number;
  /** Which of the running sequence numbers it takes, and how far that moves on. */
  readonly counter: number;
  readonly step: number;
}

function makeFrame(kind: string, wireBytes: number): FrameTemplate {
  const frame = noise(wireBytes);
  const isBack = kind === 'back';
  const isTcp = kind === 'tcp';
  frame.write('020000000002020000000001', 0, 'hex');
  frame.writeUInt16BE(0x0800, 12);
  frame.write('4500', 14, 'hex');
  frame.writeUInt16BE(wireBytes - 14, 16);
  // Identification 0, Don't Fragment, TTL 64, checksum not computed: as a capture with checksum offload has it.
  frame.write(`0000400040${isTcp ? '06' : '32'}0000`, 18, 'hex');
  frame.write(isBack ? '0a0900020a090001' : '0a0900010a090002', 26, 'hex');
  if (isTcp) {
    frame.write('c000c0010000000000000001', 34, 'hex');
    frame.write('5010ffff00000000', 46, 'hex');
    return { frame, sequenceOffset: 38, counter: 0, step: wireBytes - 54 };
  }
  frame.writeUInt32BE(isBack ? 0x200 : 0x100, 34);
  return { frame, sequenceOffset: 38, counter: isBack ? 2 : 1, step: 1 };
}

/** A linear congruential generator (Numerical Recipes' constants): the same bytes on every machine. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x7a12e;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Microsecond timestamps, little endian, Ethernet. */
function pcapHeader(snapLength: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.writeUInt32LE(0xa1b2_c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(Math.max(snapLength, 65_535), 16);
  header.writeUInt32LE(1, 20);
  return header;
}

/** A packet a microsecond: about 12 Gbit/s of full-size packets. */
function writeTime(batch: Buffer, at: number, index: number): void {
  batch.writeUInt32LE(START_SECONDS + Math.floor(index / MICROSECONDS), at);
  batch.writeUInt32LE(index % MICROSECONDS, at + 4);
}

function readCapture(capture: string): { data: Buffer; packets: number; seconds: number } {
  const data = readFileSync(repoPath(capture));
  const magic = data.readUInt32LE(0);
  if (magic !== 0xa1b2_c3d4 && magic !== 0xa1b2_3c4d)
    throw new Error(`${capture} is not a little-endian pcap file`);
  let packets = 0;
  let last = 0;
  forEachRecord(data, FILE_HEADER_BYTES, (at) => {
    packets++;
    last = data.readUInt32LE(at);
  });
  return { data, packets, seconds: last - data.readUInt32LE(FILE_HEADER_BYTES) + 1 };
}

function forEachRecord(data: Buffer, start: number, visit: (at: number) => void): void {
  for (let at = start; at < data.length; at += RECORD_HEADER_BYTES + data.readUInt32LE(at + 8)) visit(at);
}

function repetitions(repeated: RepeatedCapture, packets: number): number {
  return Math.ceil(repeated.packets / packets);
}
