import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame } from './decode-frame.js';
import { ethernet, filler, ipv4, udp, vxlan } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const wrap = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 17 }, udp(50_000, 4789, payload)));

for (const [name, layers] of [
  ['VXLAN', { link: 14, ip: 20, innerIp: 20, transport: 20, payload: 10, other: 8 + 8 + 14 }],
  [
    'VXLAN on the old Linux port',
    { link: 14, ip: 20, innerIp: 40, transport: 20, payload: 10, other: 8 + 8 + 18 },
  ],
  ['VXLAN with a padded ARP', { link: 14, ip: 20, other: 8 + 8 + 60 }],
] as const) {
  test(`charges UDP, VXLAN and inner link header to other: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    assert.deepEqual(decodeFrame(frame).layers, layers);
    assertEverySnapCut(frame);
  });
}

test('a header cut on the wire is malformed at every length', () => {
  for (let actual = 0; actual < 8; actual++) {
    assert.deepEqual(decodeFrame(wrap(vxlan(filler(0)).slice(0, actual))).error, {
      kind: 'length',
      layer: 'VXLAN',
      offset: 34,
      required: 16,
      actual: 8 + actual,
    });
  }
});

test('an inner Ethernet header cut on the wire is malformed at every length', () => {
  assertEveryWireTruncation(ethernet(0x88b5, filler(0)), (rest) => wrap(vxlan(rest)), {
    layer: 'Ethernet',
    offset: 50,
    required: 14,
  });
});

test('without the flag that a VNI is there it is not followed', () => {
  const row = decodeFrame(wrap(vxlan(filler(20), 0)));
  assert.deepEqual(row.layers, { link: 14, ip: 20, other: 36 });
  assert.equal(row.error, null);
});
