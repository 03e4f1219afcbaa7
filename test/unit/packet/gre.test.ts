import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame } from './decode-frame.js';
import { ethernet, filler, gre, ipv4 } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const wrap = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 47 }, payload));
const TCP = { transport: 20, payload: 10 };

for (const [name, layers] of [
  ['GRE', { link: 14, ip: 20, other: 4, innerIp: 20, ...TCP }],
  ['GRE with a key', { link: 14, ip: 20, other: 8, innerIp: 20, ...TCP }],
  ['GRE with checksum, key, sequence', { link: 14, ip: 20, other: 16, innerIp: 40, ...TCP }],
  ['GRE around Ethernet', { link: 14, ip: 40, other: 4 + 14, innerIp: 20, ...TCP }],
] as const) {
  test(`follows what GRE carries: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual({ ...row.layers }, layers);
    assert.ok(row.flags.includes('tunnel'));
    assertEverySnapCut(frame);
  });
}

test('a header cut on the wire is malformed at every length, its options too', () => {
  const expected = { layer: 'GRE', offset: 34 };
  assertEveryWireTruncation(gre(0, 0x0800, '', filler(0)), wrap, { ...expected, required: 4 });
  const options = '0000 0000 0000002a 00000001';
  assertEveryWireTruncation(gre(0xb000, 0x0800, options, filler(0)), wrap, {
    ...expected,
    required: (actual) => (actual < 4 ? 4 : 16),
  });
});

test('version 1 and source routing are not followed', () => {
  for (const flags of [0x3001, 0x4000]) {
    const row = decodeFrame(wrap(gre(flags, 0x880b, '', filler(20))));
    assert.deepEqual(row.layers, { link: 14, ip: 20, other: 24 });
    assert.equal(row.error, null);
  }
});

test('a protocol that is no IP belongs to other', () => {
  const row = decodeFrame(wrap(gre(0, 0x88cc, '', filler(20))));
  assert.deepEqual(row.layers, { link: 14, ip: 20, other: 24 });
});
