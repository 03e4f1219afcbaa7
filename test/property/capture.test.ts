import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CaptureOpenError } from '../../src/capture/capture-open-error.js';
import { openCaptureStream } from '../../src/capture/capture-source.js';
import { createParser } from '../../src/capture/create-parser.js';
import { totalDrops } from '../../src/capture/drop-tally.js';
import { PcapngWriter } from '../../src/capture/pcapng-writer.js';
import type { CaptureFormat, RecordParser } from '../../src/capture/record-parser.js';
import { findRecordStart } from '../../src/capture/record-resync.js';
import { FrameBlock } from '../../src/packet/frame-block.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';
import { requireTool, runTool } from '../tool.js';
import { PcapngBytes, pcapBytes } from '../unit/capture/capture-bytes.js';
import { readInChunks } from '../unit/capture/chunked-reading.js';
import { fullLines, TSHARK_FRAME_FIELDS } from '../unit/capture/frame-lines.js';
import { parseAll } from '../unit/capture/parse-all.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'capture-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** Fixed, so that a failure in one run is a failure in all. */
const SEED = 20_260_101;

interface GeneratedCapture {
  format: CaptureFormat;
  bytes: Buffer;
}

const payload = fc.uint8Array({ maxLength: 80 });

const pcapCapture: fc.Arbitrary<GeneratedCapture> = fc
  .record({
    variant: fc.record({
      littleEndian: fc.boolean(),
      nanosecond: fc.boolean(),
      patched: fc.boolean(),
      linkType: fc.constantFrom(1, 101, 113),
      snapLength: fc.constantFrom(0, 96, 262_144),
    }),
    records: fc.array(
      fc.record({
        seconds: fc.integer({ min: 1_700_000_000, max: 1_700_001_000 }),
        fraction: fc.nat({ max: 999_999 }),
        data: payload,
      }),
      { maxLength: 40 },
    ),
  })
  .map(({ variant, records }) => ({ format: 'pcap', bytes: pcapBytes(variant, records) }));

const option = fc.record({
  code: fc.constantFrom(1, 1, 2, 4, 9, 14, 0x8001),
  value: fc.uint8Array({ maxLength: 12 }),
});
const options = fc.array(option, { maxLength: 3 });
const units = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

type Step = (built: PcapngBytes) => void;

const packetStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.nat(1), units, payload, options).map(
    (args): Step =>
      (built) =>
        built.enhanced(...args),
  ),
  fc.tuple(fc.nat(1), units, payload).map(
    ([id, time, data]): Step =>
      (built) =>
        built.obsolete(id, 1, time, data),
  ),
  payload.map(
    (data): Step =>
      (built) =>
        built.simple(data.length, data),
  ),
);

const otherStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.nat(2), fc.bigInt({ min: 0n, max: 99n })).map(
    ([id, count]): Step =>
      (built) =>
        built.statistics(id, { 5: count, 7: 1n }),
  ),
  fc.nat({ max: 10 }).map(
    (words): Step =>
      (built) =>
        built.block(0x0bad, Buffer.alloc(words * 4)),
  ),
  fc.tuple(fc.integer({ min: 0, max: 255 }), options).map(
    ([resolution, more]): Step =>
      (built) =>
        built.interface(101, 64, [...built.clock(resolution, 5n), ...more]),
  ),
);

const pcapngSection = fc.record({
  littleEndian: fc.boolean(),
  steps: fc.array(fc.oneof({ arbitrary: packetStep, weight: 5 }, { arbitrary: otherStep, weight: 1 }), {
    maxLength: 40,
  }),
});

const pcapngCapture: fc.Arbitrary<GeneratedCapture> = fc
  .array(pcapngSection, { minLength: 1, maxLength: 3 })
  .map((sections) => {
    const built = new PcapngBytes();
    for (const { littleEndian, steps } of sections) {
      built.section(littleEndian).interface(1, 0).interface(113, 64, built.clock(9));
      for (const step of steps) step(built);
    }
    return { format: 'pcapng', bytes: built.bytes() };
  });

const anyCapture = fc.oneof(pcapCapture, pcapngCapture);

/** Parses with every promise of the contract checked that holds for any bytes at all. */
function parseHostile(parser: RecordParser, data: Uint8Array): string[] {
  const block = new FrameBlock(data, 16);
  const lines: string[] = [];
  let start = 0;
  do {
    const next = parser.parse(data, start, data.length, block);
    assert.ok(next >= start && next <= data.length);
    assert.equal(parser.offset, next);
    for (let i = 0; i < block.count; i++) {
      assert.ok(block.offset[i]! >= start && block.offset[i]! + block.capturedLength[i]! <= next);
      assert.ok(block.wireLength[i]! >= block.capturedLength[i]!);
      assert.ok(block.timeNanoseconds[i]! < 1_000_000_000);
      assert.ok(Number.isInteger(block.timeSeconds[i]!));
    }
    lines.push(...fullLines(block));
    start = next;
  } while (block.count === block.capacity);
  parser.finish(data.length - start);
  if (parser.error !== null) {
    assert.ok(parser.error.offset <= data.length);
    assert.ok(parser.error.message.length < 300);
  }
  return lines;
}

test('random bytes behind a magic number give frames within the data or an error with an offset', () => {
  const heads: [CaptureFormat, Buffer][] = [
    ['pcap', pcapBytes({}, [])],
    ['pcap', pcapBytes({ littleEndian: false, patched: true }, [])],
    ['pcapng', new PcapngBytes().section().interface(1).bytes()],
    ['pcapng', new PcapngBytes().section(false).interface(1).bytes()],
  ];
  const words = fc.array(fc.oneof(fc.nat({ max: 64 }), fc.integer({ min: 0, max: 0xffff_ffff })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.constantFrom(...heads), words, fc.boolean(), ([format, head], tail, isLittle) => {
      const data = Buffer.alloc(tail.length * 4);
      for (const [i, word] of tail.entries())
        isLittle ? data.writeUInt32LE(word, i * 4) : data.writeUInt32BE(word, i * 4);
      parseHostile(createParser(format), Buffer.concat([head, data]));
    }),
    { numRuns: 2000, seed: SEED },
  );
});

test('flipped bits never throw, and the frames in front of them stay as they were', () => {
  const reached = { comments: 0, drops: 0, brokenOptions: 0, errors: 0 };
  fc.assert(
    fc.property(
      anyCapture,
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      ({ format, bytes }, flips) => {
        const damaged = Buffer.from(bytes);
        const positions = flips.map((flip) => flip % (bytes.length * 8));
        for (const bit of positions) damaged[bit >> 3]! ^= 1 << (bit & 7);
        const firstDamage = Math.min(...positions) >> 3;
        const before = parseAll(createParser(format), bytes.subarray(0, firstDamage));
        const parser = createParser(format);
        const lines = parseHostile(parser, damaged);
        assert.deepEqual(lines.slice(0, before.length), before);
        if (parser.commentCount > 0) reached.comments++;
        if (totalDrops(parser.drops) !== null) reached.drops++;
        if (parser.error !== null) reached.errors++;
        if (parser.error?.message.includes('option')) reached.brokenOptions++;
      },
    ),
    { numRuns: 3000, seed: SEED },
  );
  for (const [what, count] of Object.entries(reached)) assert.ok(count >= 5, `${what}: only ${count} runs`);
});

test('pcapng as generated is read without an error, options and all', () => {
  let comments = 0;
  fc.assert(
    fc.property(pcapngCapture, ({ bytes }) => {
      const parser = createParser('pcapng');
      parseHostile(parser, bytes);
      assert.equal(parser.error, null);
      comments += parser.commentCount;
    }),
    { numRuns: 300, seed: SEED },
  );
  assert.ok(comments > 200, `only ${comments} comments`);
});

test('the frames do not depend on how the bytes come: in pieces of any size, gzip or not', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(anyCapture, pieces, fc.boolean(), async ({ format, bytes }, sizes, isGzipped) => {
      const sent = isGzipped ? gzipSync(bytes) : bytes;
      const chunks: Buffer[] = [];
      for (let at = 0, turn = 0; at < sent.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        chunks.push(sent.subarray(at, at + size));
        at += size;
      }
      const parser = createParser(format);
      const expected = parseAll(parser, bytes);
      const source = await openCaptureStream(Readable.from(chunks), 'a pipe');
      const lines: string[] = [];
      for await (const block of source) lines.push(...fullLines(block));
      assert.deepEqual(lines, expected);
      assert.deepEqual([source.error, source.format], [parser.error, format]);
    }),
    { numRuns: 150, seed: SEED },
  );
});

test('damaged gzip never throws anything but CaptureOpenError', async () => {
  const gzipped = gzipSync(readFileSync(repoPath('captures/formats/sections.pcapng')));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(gzipped.length * 8 - 1), { minLength: 1, maxLength: 3 }),
      async (bits) => {
        const damaged = Buffer.from(gzipped);
        for (const bit of bits) damaged[bit >> 3]! ^= 1 << (bit & 7);
        try {
          const source = await openCaptureStream(Readable.from([damaged]), 'x.gz');
          for await (const block of source) assert.ok(block.count > 0);
        } catch (error) {
          assert.ok(error instanceof CaptureOpenError, String(error));
        }
      },
    ),
    { numRuns: 150, seed: SEED },
  );
});

test('chunks of any size, read through windows of any size, give the frames of the whole', () => {
  const path = join(FOLDER, 'chunked');
  let redone = 0;
  let chunks = 0;
  fc.assert(
    fc.property(
      anyCapture,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(64, 300, 4096),
      fc.nat({ max: 500 }),
      ({ format, bytes }, count, windowBytes, warmupBytes) => {
        writeFileSync(path, bytes);
        const parser = createParser(format);
        const lines = parseAll(parser, bytes);
        const reading = readInChunks(path, Math.ceil(bytes.length / count), { windowBytes, warmupBytes });
        assert.deepEqual(reading.lines, lines);
        assert.deepEqual(
          [reading.error, reading.drops, reading.comments],
          [parser.error, totalDrops(parser.drops), parser.commentCount],
        );
        redone += reading.redone;
        chunks += reading.chunks;
      },
    ),
    { numRuns: 200, seed: SEED },
  );
  assert.ok(redone > 0 && redone < chunks, `${redone} of ${chunks} chunks were read twice`);
});

test('looking for a record in random bytes stays within them', () => {
  const state = createParser('pcapng');
  parseAll(state, new PcapngBytes().section().interface(1).bytes());
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (data, isFileEnd) => {
      const found = findRecordStart(data, 0, data.length, state.state()!, isFileEnd);
      assert.ok(found >= -1 && found < data.length);
    }),
    { numRuns: 500, seed: SEED },
  );
});

const written = fc.array(
  fc.record({
    linkType: fc.constantFrom(1, 101, 113),
    seconds: fc.nat({ max: 0xffff_ffff }),
    nanoseconds: fc.nat({ max: 999_999_999 }),
    data: fc.uint8Array({ maxLength: 100 }),
    cut: fc.nat({ max: 2000 }),
    comment: fc.option(fc.string({ unit: 'grapheme', maxLength: 30 }), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 30 },
);

test('what the writer writes, the reader and tshark read', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const path = join(FOLDER, 'written.pcapng');
  fc.assert(
    fc.property(written, (packets) => {
      const writer = new PcapngWriter(path);
      for (const { linkType, seconds, nanoseconds, data, cut, comment } of packets) {
        writer.write(linkType, seconds, nanoseconds, data, 0, data.length, data.length + cut, comment);
      }
      writer.close();
      const expected = packets.map(
        ({ seconds, nanoseconds, data, cut }, i) =>
          `${i + 1}\t${seconds}.${String(nanoseconds).padStart(9, '0')}\t${data.length + cut}\t${data.length}`,
      );
      const parser = createParser('pcapng');
      const lines = parseAll(parser, readFileSync(path));
      assert.deepEqual(
        lines.map((line) => line.split('\t').slice(0, 4).join('\t')),
        expected,
      );
      assert.deepEqual(
        lines.map((line) => Number(line.split('\t')[4])),
        packets.map(({ linkType }) => linkType),
      );
      assert.equal(parser.commentCount, packets.filter(({ comment }) => comment !== undefined).length);
      const { stdout } = runTool('tshark', ['-r', path, ...TSHARK_FRAME_FIELDS]);
      assert.deepEqual(stdout.trimEnd().split('\n'), expected);
    }),
    { numRuns: 8, seed: SEED },
  );
});
