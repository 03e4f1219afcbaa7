import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, ethernet, filler, ipv4, mplsLabel, pppoe, tcp, u16, vlanTag } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const ip4 = ipv4({ protocol: 6 }, tcp({}, filler(10)));
const IPV4 = { ip: 20, transport: 20, payload: 10 };
const IPV6 = { ip: 40, transport: 20, payload: 10 };

for (const [name, layers] of [
  ['ethernet', { link: 14, ...IPV4 }],
  ['vlan', { link: 18, ...IPV4 }],
  ['qinq', { link: 22, ...IPV4 }],
  ['qinq, old type', { link: 22, ...IPV6 }],
  ['mpls, IPv4', { link: 22, ...IPV4 }],
  ['mpls, IPv6', { link: 18, ...IPV6 }],
  ['pppoe, IPv4', { link: 22, ...IPV4 }],
  ['pppoe, LCP', { link: 22, other: 8 }],
  ['ethernet, unknown type', { link: 14, other: 46 }],
  ['ethernet, 802.3 length', { link: 14, other: 46 }],
] as const) {
  test(`charges tags and labels to the link: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.layers, layers);
    assert.equal(row.error, null);
    assertEverySnapCut(frame);
  });
}

test('charges the padding of a short frame to the link, behind whatever header it stands', () => {
  assert.deepEqual(decodeFrame(catalogueFrame('ethernet, padded to 60').frame).layers, {
    link: 14 + 6,
    ip: 20,
    transport: 20,
  });
  assert.deepEqual(decodeFrame(catalogueFrame('pppoe, IPv6, padded').frame).layers, {
    link: 14 + 8 + 28,
    ...IPV6,
  });
});

test('an Ethernet header cut on the wire is malformed at every length', () => {
  const expected = { layer: 'Ethernet', offset: 0, required: 14 };
  assertEveryWireTruncation(ethernet(0x0800, bytes()), (rest) => rest, expected);
});

test('a VLAN tag cut on the wire is malformed at every length, the second one too', () => {
  const tag = vlanTag(0x0800, bytes());
  const one = { layer: 'VLAN', offset: 14, required: 4 };
  assertEveryWireTruncation(tag, (rest) => ethernet(0x8100, rest), one);
  const two = { layer: 'VLAN', offset: 18, required: 4 };
  assertEveryWireTruncation(tag, (rest) => ethernet(0x88a8, vlanTag(0x8100, rest)), two);
});

test('an MPLS label cut on the wire is malformed at every length', () => {
  const expected = { layer: 'MPLS', offset: 14, required: 4 };
  assertEveryWireTruncation(mplsLabel(100, true, bytes()), (rest) => ethernet(0x8847, rest), expected);
});

test('an MPLS stack with nothing behind it is malformed', () => {
  const row = decodeFrame(ethernet(0x8848, mplsLabel(100, true, bytes())));
  assert.deepEqual(row.error, { kind: 'length', layer: 'MPLS', offset: 18, required: 1, actual: 0 });
});

test('MPLS around something that is no IP, as a pseudowire, belongs to other', () => {
  const row = decodeFrame(ethernet(0x8847, mplsLabel(100, true, bytes('00000000', filler(20)))));
  assert.deepEqual(pick(row, 'layers', 'error'), { layers: { link: 18, other: 24 }, error: null });
});

test('a PPPoE header cut on the wire is malformed at every length', () => {
  const expected = { layer: 'PPPoE', offset: 14, required: 8 };
  assertEveryWireTruncation(pppoe(0x0021, bytes()), (rest) => ethernet(0x8864, rest), expected);
});

test('a PPPoE length that promises more than there is, or too little for a protocol, is malformed', () => {
  const withLength = (length: number) =>
    decodeFrame(ethernet(0x8864, bytes('11 00 0001', u16(length), '0021', ip4))).error;
  const error = { kind: 'length', layer: 'PPPoE', offset: 14 };
  assert.deepEqual(withLength(53), { ...error, required: 53, actual: 52 });
  assert.deepEqual(withLength(1), { ...error, required: 2, actual: 52 });
});

test('another PPPoE version is malformed, and named', () => {
  const row = decodeFrame(ethernet(0x8864, bytes('21 00 0001 0034 0021', ip4)));
  assert.deepEqual(row.error, { kind: 'value', layer: 'PPPoE', offset: 14, required: 0, actual: 0x21 });
});

test('a tower of VLAN tags ends as a nesting error, not in a long walk', () => {
  let frame = ip4;
  for (let i = 0; i < 60; i++) frame = vlanTag(i === 0 ? 0x0800 : 0x8100, frame);
  const row = decodeFrame(ethernet(0x8100, frame));
  assert.deepEqual(row.error, {
    kind: 'nesting',
    layer: 'frame',
    offset: 14 + 40 * 4,
    required: 40,
    actual: 41,
  });
});
