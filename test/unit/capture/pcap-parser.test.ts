import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PcapParser } from '../../../src/capture/pcap-parser.js';
import { MAX_CAPTURED_BYTES } from '../../../src/capture/record-parser.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { requireTool, runTool } from '../../tool.js';
import { type PcapVariant, pcapBytes } from './capture-bytes.js';
import { TSHARK_FRAME_FIELDS } from './frame-lines.js';
import { parseAll, withoutBytes } from './parse-all.js';

const RECORDS = [
  { seconds: 1_700_000_000, fraction: 0, data: Buffer.alloc(60, 1) },
  { seconds: 1_700_000_001, fraction: 999_999, data: Buffer.alloc(64, 2), wireLength: 1514 },
  { seconds: 4_294_967_295, fraction: 7, data: Buffer.alloc(0), wireLength: 60 },
];

const VARIANTS: PcapVariant[] = [true, false].flatMap((littleEndian) => [
  { littleEndian },
  { littleEndian, nanosecond: true, linkType: 101 },
  { littleEndian, patched: true, linkType: 113 },
]);

for (const variant of VARIANTS) {
  test(`reads the variant ${JSON.stringify(variant)} as tshark does`, (t) => {
    if (!requireTool(t, 'tshark')) return;
    const bytes = pcapBytes(variant, RECORDS);
    const folder = mkdtempSync(join(tmpdir(), 'capture-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'x.pcap'), bytes);
    const { stdout } = runTool('tshark', ['-r', join(folder, 'x.pcap'), ...TSHARK_FRAME_FIELDS]);
    const parser = new PcapParser();
    assert.deepEqual(withoutBytes(parseAll(parser, bytes)), stdout.trimEnd().split('\n'));
    assert.equal(parser.error, null);
    assert.deepEqual([...parser.linkTypes], [variant.linkType ?? 1]);
  });

  test(`gives the frames in front of a cut, and its record's offset: ${JSON.stringify(variant)}`, () => {
    const bytes = pcapBytes(variant, RECORDS);
    const whole = parseAll(new PcapParser(), bytes);
    const headerBytes = variant.patched ? 24 : 16;
    const starts = [0, 24, 24 + headerBytes + 60, 24 + 2 * headerBytes + 60 + 64];
    for (let cut = 0; cut < bytes.length; cut++) {
      const parser = new PcapParser();
      const lines = parseAll(parser, bytes.subarray(0, cut));
      const recordStart = starts.findLast((start) => start <= cut)!;
      assert.deepEqual(lines, whole.slice(0, Math.max(0, starts.indexOf(recordStart) - 1)), `cut at ${cut}`);
      if (recordStart === cut && cut > 0) assert.equal(parser.error, null, `cut at ${cut}`);
      else assert.equal(parser.error?.offset, recordStart, `cut at ${cut}`);
    }
  });
}

test('carries fractions of more than a second over', () => {
  const bytes = pcapBytes({}, [{ seconds: 10, fraction: 4_294_967_295, data: Buffer.alloc(1) }]);
  assert.deepEqual(withoutBytes(parseAll(new PcapParser(), bytes)), ['1\t4304.967295000\t1\t1']);
});

test('takes the captured length for the wire length where the file claims less', () => {
  const bytes = pcapBytes({}, [{ seconds: 1, fraction: 0, data: Buffer.alloc(9), wireLength: 4 }]);
  assert.deepEqual(withoutBytes(parseAll(new PcapParser(), bytes)), ['1\t1.000000000\t9\t9']);
});

test('stops at a record that claims more than any packet holds, with its offset', () => {
  const bytes = pcapBytes({}, RECORDS);
  bytes.writeUInt32LE(MAX_CAPTURED_BYTES + 1, 24 + 76 + 8);
  const parser = new PcapParser();
  assert.equal(parseAll(parser, bytes).length, 1);
  assert.equal(parser.error?.offset, 100);
  assert.match(
    parser.error.message,
    /^record claims 16777217 captured bytes at offset 100, more than 16777216/,
  );
});

test('asks for the whole of a record that the data cut', () => {
  const bytes = pcapBytes({}, [{ seconds: 1, fraction: 0, data: Buffer.alloc(5000) }]);
  const parser = new PcapParser();
  const consumed = parser.parse(bytes, 0, 100, new FrameBlock(bytes, 4));
  assert.deepEqual([consumed, parser.neededBytes, parser.error], [24, 5016, null]);
});

test('leaves records alone that start at the stop offset', () => {
  const bytes = pcapBytes({}, RECORDS);
  for (const [stopOffset, frames] of [
    [24, 0],
    [25, 1],
    [100, 1],
    [101, 2],
  ] as const) {
    const parser = new PcapParser();
    parser.stopOffset = stopOffset;
    const block = new FrameBlock(bytes, 8);
    parser.parse(bytes, 0, bytes.length, block);
    assert.equal(block.count, frames, `stop at ${stopOffset}`);
  }
});

test('goes on from a state in the middle of a file', () => {
  const bytes = pcapBytes({ nanosecond: true, littleEndian: false }, RECORDS);
  const first = new PcapParser();
  const whole = parseAll(first, bytes);
  const second = new PcapParser(structuredClone(first.state()), 100);
  second.lastFrameNumber = 1;
  assert.deepEqual(parseAll(second, bytes.subarray(100)), whole.slice(1));
  assert.equal(second.offset, bytes.length);
});

test('keeps flags and FCS length in the upper half of the link type field apart', () => {
  const bytes = pcapBytes({ linkType: 1 }, []);
  bytes.writeUInt32LE(0x2400_0001, 20);
  const parser = new PcapParser();
  parseAll(parser, bytes);
  assert.deepEqual([...parser.linkTypes], [1]);
});
