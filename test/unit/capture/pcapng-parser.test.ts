import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { totalDrops } from '../../../src/capture/drop-tally.js';
import { MAX_INTERFACES, PcapngParser } from '../../../src/capture/pcapng-parser.js';
import { requireTool, runTool } from '../../tool.js';
import { comment, PcapngBytes } from './capture-bytes.js';
import { TSHARK_FRAME_FIELDS } from './frame-lines.js';
import { parseAll, withoutBytes } from './parse-all.js';

const NOW_US = 1_700_000_000_123_456n;

function tsharkLines(t: TestContext, bytes: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'capture-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'x.pcapng'), bytes);
  const { stdout } = runTool('tshark', ['-r', join(folder, 'x.pcapng'), ...TSHARK_FRAME_FIELDS]);
  return stdout.trimEnd().split('\n');
}

/** One of each block this parser knows, and one it does not. */
function variedCapture(littleEndian: boolean): PcapngBytes {
  const built = new PcapngBytes().section(littleEndian);
  return built
    .interface(1, 96, [{ code: 2, value: Buffer.from('eth0') }])
    .interface(101, 0, built.clock(9, 0n))
    .enhanced(0, NOW_US, Buffer.alloc(61, 1), [comment('one'), comment('two')])
    .block(0x4bad, Buffer.alloc(8))
    .enhanced(1, NOW_US * 1000n + 789n, Buffer.alloc(40, 0x45), [], 1500)
    .obsolete(0, 3, NOW_US + 1n, Buffer.alloc(62, 2))
    .statistics(0, { 4: 100n, 5: 2n, 7: 3n });
}

for (const littleEndian of [true, false]) {
  test(`reads every kind of packet block as tshark does, little-endian ${littleEndian}`, (t) => {
    if (!requireTool(t, 'tshark')) return;
    const bytes = variedCapture(littleEndian).bytes();
    const parser = new PcapngParser();
    assert.deepEqual(withoutBytes(parseAll(parser, bytes)), tsharkLines(t, bytes));
    assert.equal(parser.error, null);
    assert.equal(parser.commentCount, 2);
    assert.equal(totalDrops(parser.drops), 5);
    assert.deepEqual([...parser.linkTypes], [1, 101]);
  });

  test(`gives the frames in front of a cut, and its block's offset, little-endian ${littleEndian}`, () => {
    const built = variedCapture(littleEndian).simple(20, Buffer.alloc(20, 3));
    const bytes = built.bytes();
    const whole = parseAll(new PcapngParser(), bytes);
    const ends = built.ends();
    const frameEnds = [3, 5, 6, 8].map((index) => ends[index]!);
    assert.equal(whole.length, frameEnds.length);
    for (let cut = 0; cut < bytes.length; cut++) {
      const parser = new PcapngParser();
      const lines = parseAll(parser, bytes.subarray(0, cut));
      assert.deepEqual(lines, whole.slice(0, frameEnds.filter((end) => end <= cut).length), `cut at ${cut}`);
      if (ends.includes(cut)) assert.equal(parser.error, null, `cut at ${cut}`);
      else assert.equal(parser.error?.offset, ends.findLast((end) => end < cut) ?? 0, `cut at ${cut}`);
    }
  });
}

test('gives a simple packet what interface 0, the block and the wire allow, as tshark does', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const bytes = new PcapngBytes()
    .section()
    .interface(1, 60)
    .simple(1514, Buffer.alloc(60, 1))
    .simple(30, Buffer.alloc(30, 2))
    .bytes();
  const lengths = (lines: readonly string[]) => lines.map((line) => line.split('\t').slice(2, 4));
  const lines = parseAll(new PcapngParser(), bytes);
  assert.deepEqual(lengths(lines), [
    ['1514', '60'],
    ['30', '30'],
  ]);
  assert.deepEqual(lengths(lines), lengths(tsharkLines(t, bytes)));
  assert.equal(lines[0]?.split('\t')[1], '0.000000000', 'a simple packet has no time');
});

test('never takes a simple packet to be longer than its block', () => {
  const bytes = new PcapngBytes().section().interface(1, 0).simple(1514, Buffer.alloc(8)).bytes();
  assert.deepEqual(withoutBytes(parseAll(new PcapngParser(), bytes)), ['1\t0.000000000\t1514\t8']);
});

test('numbers frames as tshark does where sections differ in byte order and interfaces', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const bytes = Buffer.concat([
    variedCapture(true).bytes(),
    variedCapture(false).bytes(),
    new PcapngBytes().section(true).interface(113).enhanced(0, NOW_US, Buffer.alloc(5)).bytes(),
  ]);
  const parser = new PcapngParser();
  const lines = parseAll(parser, bytes);
  assert.deepEqual(withoutBytes(lines), tsharkLines(t, bytes));
  assert.deepEqual(lines.at(-1)?.split('\t')[4], '113');
  assert.equal(totalDrops(parser.drops), 10);
});

test('reads times of every resolution as tshark does, to the nanosecond', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const cases: [resolution: number, units: bigint][] = [];
  for (let exponent = 0; exponent <= 9; exponent++)
    cases.push([exponent, 1_700_000_000n * 10n ** BigInt(exponent) + 5n]);
  for (let exponent = 0; exponent <= 30; exponent++) {
    cases.push([0x80 | exponent, (1_700_000_000n << BigInt(exponent)) + (1n << BigInt(exponent)) - 1n]);
  }
  cases.push([9, 1_799_999_999_999_999_999n], [9, 1_800_000_000_000_000_000n], [6, 4_102_444_799_999_999n]);
  const built = new PcapngBytes().section();
  for (const [resolution] of cases) built.interface(1, 0, built.clock(resolution, 0n));
  for (const [interfaceId, [, units]] of cases.entries()) built.enhanced(interfaceId, units, Buffer.alloc(4));
  assert.deepEqual(withoutBytes(parseAll(new PcapngParser(), built.bytes())), tsharkLines(t, built.bytes()));
});

test('numbers frames past blocks that tshark numbers, and past those it does not', (t) => {
  if (!requireTool(t, 'tshark')) return;
  const built = new PcapngBytes().section().interface(1);
  const enterprise = Buffer.from('d97e0000', 'hex');
  const journal = Buffer.from('__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=a\n\n'.padEnd(52, '\n'));
  const blocks: [type: number, body: Buffer][] = [
    [4, Buffer.alloc(4)],
    [9, journal],
    [0x0bad, enterprise],
    [0x4000_0bad, enterprise],
    [0x101, enterprise],
    [0x204, Buffer.alloc(32)],
    [0x216, Buffer.alloc(36)],
    [0x221, Buffer.alloc(36)],
  ];
  for (const [type, body] of blocks) built.block(type, body).enhanced(0, NOW_US, Buffer.alloc(999));
  const bytes = built.bytes();
  const parser = new PcapngParser();
  const found = withoutBytes(parseAll(parser, bytes));
  assert.deepEqual(
    found,
    tsharkLines(t, bytes).filter((line) => line.endsWith('\t999\t999')),
  );
  assert.equal(parser.frameCount, blocks.length);
  assert.equal(Number(found.at(-1)?.split('\t')[0]), parser.lastFrameNumber);
});

test('adds the time offset of an interface, whichever its sign', () => {
  const built = new PcapngBytes().section(false);
  built.interface(1, 0, built.clock(9, 1_000_000_000n)).interface(1, 0, built.clock(6, -3600n));
  built.enhanced(0, 7_000_000_001n, Buffer.alloc(1)).enhanced(1, 3_601_000_002n, Buffer.alloc(1));
  assert.deepEqual(withoutBytes(parseAll(new PcapngParser(), built.bytes())), [
    '1\t1000000007.000000001\t1\t1',
    '2\t1.000002000\t1\t1',
  ]);
});

test('of several statistics of an interface the last one counts', () => {
  const bytes = new PcapngBytes()
    .section()
    .interface(1)
    .interface(1)
    .statistics(0, { 5: 4n })
    .statistics(1, { 7: 10n })
    .statistics(0, { 5: 6n })
    .bytes();
  const parser = new PcapngParser();
  parseAll(parser, bytes);
  assert.equal(totalDrops(parser.drops), 16);
});

/** Each breaks the second of three frames. */
const DAMAGE: [what: string, at: number, value: number, message: RegExp][] = [
  ['an unaligned length', 4, 45, /block claims 45 bytes at offset/],
  ['a length shorter than a block', 4, 8, /block claims 8 bytes at offset/],
  ['a length beyond all reason', 4, 0x7fff_fff0, /block claims 2147483632 bytes at offset/],
  ['another length at the end', 40, 48, /44 bytes at its beginning and 48 at its end/],
  ['an interface that is not described', 8, 7, /names interface 7, of 1 described/],
  ['more captured bytes than the block', 20, 13, /claims 13 captured bytes in a block of 44/],
  ['more captured bytes than a signed number holds', 20, 0xffff_ffff, /claims 4294967295 captured/],
];

for (const [what, at, value, message] of DAMAGE) {
  test(`stops with the offset of the block at ${what}`, () => {
    const built = new PcapngBytes().section().interface(1);
    for (let i = 0; i < 3; i++) built.enhanced(0, NOW_US, Buffer.alloc(12, i));
    const bytes = built.bytes();
    const second = built.ends()[2]!;
    bytes.writeUInt32LE(value, second + at);
    const parser = new PcapngParser();
    assert.equal(parseAll(parser, bytes).length, 1);
    assert.equal(parser.error?.offset, second);
    assert.match(parser.error.message, message);
  });
}

test('ignores packet options that run over the end of their block', () => {
  const built = new PcapngBytes().section().interface(1);
  built.enhanced(0, NOW_US, Buffer.alloc(4), [comment('abcd')]).enhanced(0, NOW_US, Buffer.alloc(4));
  const bytes = built.bytes();
  bytes.writeUInt16LE(0xfffc, built.ends()[1]! + 28 + 4 + 2);
  const parser = new PcapngParser();
  assert.equal(parseAll(parser, bytes).length, 2);
  assert.deepEqual([parser.commentCount, parser.error], [0, null]);
});

test('refuses an interface whose options run over: its clock cannot be trusted', () => {
  const built = new PcapngBytes().section();
  const bytes = built.interface(1, 0, built.clock(9)).bytes();
  bytes.writeUInt16LE(400, 28 + 16 + 2);
  const parser = new PcapngParser();
  parseAll(parser, bytes);
  assert.match(parser.error?.message ?? '', /option 9 of an interface description is longer than its block/);
});

test('bounds the number of interfaces', () => {
  const section = new PcapngBytes().section().bytes();
  const one = new PcapngBytes().section().interface(1).bytes().subarray(section.length);
  const bytes = Buffer.concat([section, ...Array<Buffer>(MAX_INTERFACES + 1).fill(one)]);
  const parser = new PcapngParser();
  parseAll(parser, bytes);
  assert.match(parser.error?.message ?? '', /more than 65536 interfaces/);
  assert.equal(parser.error?.offset, section.length + MAX_INTERFACES * one.length);
});

test('wants a section header first', () => {
  const parser = new PcapngParser();
  parseAll(parser, new PcapngBytes().interface(1).bytes());
  assert.match(parser.error?.message ?? '', /no section header at offset 0/);
});
