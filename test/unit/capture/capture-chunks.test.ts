import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { planChunks, probeCapture, rangeFollows } from '../../../src/capture/capture-chunks.js';
import { createParser } from '../../../src/capture/create-parser.js';
import { totalDrops } from '../../../src/capture/drop-tally.js';
import { type ReadFileOptions, readFileBlocks } from '../../../src/capture/read-file-blocks.js';
import { sniffFormat } from '../../../src/capture/sniff-format.js';
import { repoPath } from '../../repo-root.js';
import { PcapngBytes, pcapBytes } from './capture-bytes.js';
import { readInChunks } from './chunked-reading.js';
import { fullLines } from './frame-lines.js';
import { parseAll } from './parse-all.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, bytes);
  return path;
}

function assertChunksGiveTheWhole(path: string, chunkBytes: number, options: ReadFileOptions = {}): number {
  const bytes = readFileSync(path);
  const parser = createParser(sniffFormat(bytes)!);
  const lines = parseAll(parser, bytes, 4096);
  const reading = readInChunks(path, chunkBytes, options);
  const where = `${path} in chunks of ${chunkBytes}`;
  assert.deepEqual(reading.lines, lines, where);
  assert.deepEqual(reading.error, parser.error, where);
  assert.deepEqual([reading.drops, reading.comments], [totalDrops(parser.drops), parser.commentCount], where);
  return reading.redone;
}

const FIXTURES = [
  'micro.pcap',
  'nano.pcap',
  'snap60.pcap',
  'comments.pcapng',
  'interfaces.pcapng',
  'sections.pcapng',
];

for (const name of FIXTURES) {
  test(`chunks of any size give the frames of the whole: ${name}`, () => {
    const path = repoPath(`captures/formats/${name}`);
    const small = { windowBytes: 4096 };
    for (const chunkBytes of [1, 7, 16, 50, 100, 333, 1000, 2500, 100_000]) {
      if (statSync(path).size / chunkBytes < 600) assertChunksGiveTheWhole(path, chunkBytes, small);
    }
  });
}

test('guesses right nearly always on real captures, so that chunks are read once', () => {
  for (const name of ['ipsec/t4-gcm16.pcap', 'ipsec/t6-ah-esp.pcap', 'migration/ms-gcm-1500.pcap']) {
    const redone = assertChunksGiveTheWhole(repoPath(`captures/${name}`), 60_000);
    assert.equal(redone, 0, name);
  }
});

test('a capture carried inside a capture deceives the guess, not the result', () => {
  const inner = pcapBytes(
    {},
    Array.from({ length: 40 }, (_, i) => ({ seconds: 1000 + i, fraction: 0, data: Buffer.alloc(8, 1) })),
  );
  const records = Array.from({ length: 20 }, (_, i) => ({ seconds: 1000 + i, fraction: 0, data: inner }));
  const path = fileOf('nested.pcap', pcapBytes({}, records));
  assert.ok(assertChunksGiveTheWhole(path, 1500) > 0);
});

test('interfaces described in the middle of a file are found out at the seams', () => {
  const built = new PcapngBytes().section().interface(1);
  for (let i = 0; i < 50; i++) built.enhanced(0, BigInt(i), Buffer.alloc(40, i));
  built.interface(101);
  for (let i = 0; i < 50; i++) built.enhanced(i % 2, BigInt(i), Buffer.alloc(40, i));
  built.statistics(0, { 5: 3n }).statistics(1, { 5: 4n });
  const path = fileOf('late.pcapng', built.bytes());
  assert.ok(assertChunksGiveTheWhole(path, 1500) > 0);
});

test('a break in one chunk makes those behind it void', () => {
  const bytes = readFileSync(repoPath('captures/ipsec/t4-gcm16.pcap'));
  const parser = createParser('pcap');
  parseAll(parser, bytes.subarray(0, 300_000));
  bytes.writeUInt32LE(0xffff_ffff, parser.offset + 8);
  assertChunksGiveTheWhole(fileOf('broken.pcap', bytes), 50_000);
});

test('a file that ends inside a record ends so in chunks, too', () => {
  const bytes = readFileSync(repoPath('captures/formats/interfaces.pcapng'));
  for (const cut of [0.3, 0.5, 0.9]) {
    assertChunksGiveTheWhole(fileOf('cut.pcapng', bytes.subarray(0, Math.floor(bytes.length * cut))), 900);
  }
});

test('the chunks of a plan adjoin and cover the file', () => {
  const path = fileOf('thousand', Buffer.alloc(1000));
  for (const chunkBytes of [1, 3, 333, 999, 1000, 5000]) {
    const ranges = planChunks(path, chunkBytes);
    assert.equal(ranges[0]?.startOffset, 0);
    assert.equal(ranges.at(-1)?.endOffset, 1000);
    for (const [index, range] of ranges.entries()) {
      assert.ok(range.endOffset - range.startOffset <= chunkBytes);
      if (index > 0) assert.equal(range.startOffset, ranges[index - 1]?.endOffset);
    }
  }
  assert.throws(() => planChunks(path, 0), RangeError);
});

test('the warm-up gives the frames in front of a chunk, marked, and does not count them', () => {
  const path = repoPath('captures/ipsec/t4-gcm16.pcap');
  const whole = parseAll(createParser('pcap'), readFileSync(path), 4096).map((line) =>
    line.replace(/^\d+/, ''),
  );
  const { state } = probeCapture(path);
  const range = { startOffset: 300_000, endOffset: 400_000 };
  const plain = readFileBlocks(path, { ...range, assumedState: state! });
  const chunk = [...plain].flatMap((block) => fullLines(block));
  for (const warmupBytes of [1, 20_000, 300_000, 500_000]) {
    const reader = readFileBlocks(path, { ...range, warmupBytes, assumedState: state!, blockCapacity: 16 });
    const warmup: string[] = [];
    const lines: string[] = [];
    for (const block of reader) {
      assert.ok(reader.warmupFrames === 0 || reader.warmupFrames === block.count);
      (reader.warmupFrames > 0 ? warmup : lines).push(...fullLines(block));
    }
    assert.deepEqual(lines, chunk, `warm-up of ${warmupBytes}`);
    assert.deepEqual(reader.outcome(), plain.outcome());
    assert.ok(warmup.every((line) => line.startsWith('0\t')));
    const before = whole.indexOf(chunk[0]!.replace(/^\d+/, ''));
    const expected = whole.slice(before - warmup.length, before);
    assert.deepEqual(
      warmup.map((line) => line.slice(1)),
      expected,
    );
    if (warmupBytes >= 300_000) assert.equal(warmup.length, before, 'from the beginning of the file on');
    if (warmupBytes === 20_000) assert.ok(warmup.length >= 10 && warmup.length < 300);
  }
});

test('a known start before the range serves as warm-up', () => {
  const path = repoPath('captures/formats/interfaces.pcapng');
  const first = readFileBlocks(path, { startOffset: 0, endOffset: 1500 });
  const head = [...first].flatMap((block) => fullLines(block));
  const { nextRecordOffset, endState } = first.outcome();
  const knownStart = { offset: nextRecordOffset!, state: endState! };
  const reader = readFileBlocks(path, { startOffset: 4000, knownStart });
  let warmup = 0;
  let frames = 0;
  for (const block of reader) {
    if (reader.warmupFrames > 0) warmup += block.count;
    else frames += block.count;
  }
  assert.equal(head.length + warmup + frames, 18);
  assert.ok(warmup > 0 && frames === reader.outcome().frames);
});

test('a seam holds only for the same place and the same state', () => {
  const path = repoPath('captures/ipsec/t4-gcm16.pcap');
  const { state } = probeCapture(path);
  const first = readFileBlocks(path, { endOffset: 50_000 });
  for (const _ of first);
  const second = readFileBlocks(path, { startOffset: 50_000, endOffset: 60_000, assumedState: state! });
  for (const _ of second);
  const [before, behind] = [first.outcome(), second.outcome()];
  assert.equal(rangeFollows(before, structuredClone(behind)), true);
  assert.equal(rangeFollows(before, { ...behind, firstRecordOffset: behind.firstRecordOffset! + 1 }), false);
  assert.equal(rangeFollows(before, { ...behind, startState: null }), false);
  const other = { ...behind.startState!, littleEndian: false };
  assert.equal(rangeFollows(before, { ...behind, startState: other }), false);
});

test('without a state the middle of a file cannot be read', () => {
  const reader = readFileBlocks(repoPath('captures/formats/micro.pcap'), { startOffset: 100 });
  assert.throws(() => [...reader], TypeError);
});
