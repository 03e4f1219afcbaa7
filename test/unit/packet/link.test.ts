import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, cooked, cooked2, filler, ipv4, tcp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const ip4 = ipv4({ protocol: 6 }, tcp({}, filler(10)));
const TCP_IN_IPV4 = { ip: 20, transport: 20, payload: 10 };
const TCP_IN_IPV6 = { ip: 40, transport: 20, payload: 10 };

for (const [name, layers] of [
  ['cooked, IPv4', { link: 16, ...TCP_IN_IPV4 }],
  ['cooked, IPv6', { link: 16, ...TCP_IN_IPV6 }],
  ['cooked v2, IPv4', { link: 20, ...TCP_IN_IPV4 }],
  ['cooked v2, ARP', { link: 20, other: 28 }],
  ['raw, IPv4', TCP_IN_IPV4],
  ['raw, IPv6', TCP_IN_IPV6],
  ['raw as BSD numbers it', TCP_IN_IPV4],
  ['raw as OpenBSD numbers it', TCP_IN_IPV6],
  ['LINKTYPE_IPV4', TCP_IN_IPV4],
  ['LINKTYPE_IPV6', TCP_IN_IPV6],
  ['loopback, little endian, IPv4', { link: 4, ...TCP_IN_IPV4 }],
  ['loopback, big endian, IPv4', { link: 4, ...TCP_IN_IPV4 }],
  ['loopback, little endian, IPv6 of FreeBSD', { link: 4, ...TCP_IN_IPV6 }],
  ['loopback, big endian, IPv6 of Darwin', { link: 4, ...TCP_IN_IPV6 }],
  ['loopback of OpenBSD', { link: 4, ...TCP_IN_IPV6 }],
] as const) {
  test(`finds the IP packet behind this link header: ${name}`, () => {
    const { frame, linkType } = catalogueFrame(name);
    const row = decodeFrame(frame, { linkType });
    assert.deepEqual(row.layers, layers);
    assert.equal(row.error, null);
    assertEverySnapCut(frame, { linkType });
  });
}

test('a cooked header cut on the wire is malformed at every length', () => {
  const whole = { layer: 'Linux cooked', offset: 0 };
  const cut = (rest: Uint8Array) => rest;
  assertEveryWireTruncation(cooked(0x0800, bytes()), cut, { ...whole, required: 16 }, { linkType: 113 });
  assertEveryWireTruncation(cooked2(0x0800, bytes()), cut, { ...whole, required: 20 }, { linkType: 276 });
});

test('a loopback header cut on the wire is malformed at every length', () => {
  const expected = { layer: 'loopback', offset: 0, required: 4 };
  assertEveryWireTruncation(bytes('02000000'), (rest) => rest, expected, { linkType: 0 });
  assertEveryWireTruncation(bytes('00000002'), (rest) => rest, expected, { linkType: 108 });
});

test('a loopback header with an unknown address family is malformed, and says which family', () => {
  const row = decodeFrame(bytes('00000063', ip4), { linkType: 0 });
  assert.deepEqual(row.error, { kind: 'value', layer: 'loopback', offset: 0, required: 0, actual: 0x63 });
  assert.deepEqual(row.layers, { other: 54 });
});

test('an empty raw frame is malformed', () => {
  const row = decodeFrame(bytes(), { linkType: 101 });
  assert.deepEqual(row.error, { kind: 'length', layer: 'frame', offset: 0, required: 1, actual: 0 });
});

test('a raw frame of another IP version is malformed, and says which version', () => {
  const row = decodeFrame(bytes('55', filler(30)), { linkType: 101 });
  assert.deepEqual(row.error, { kind: 'value', layer: 'frame', offset: 0, required: 0, actual: 5 });
});

test('a link type without a decoder is an error of its own that names the link type', () => {
  const row = decodeFrame(filler(30), { linkType: 105 });
  assert.deepEqual(row.error, { kind: 'linkType', layer: 'frame', offset: 0, required: 0, actual: 105 });
  assert.deepEqual(pick(row, 'flags', 'layers', 'protocol', 'ipOffset'), {
    flags: ['malformed'],
    layers: { other: 30 },
    protocol: null,
    ipOffset: null,
  });
});

test('a cooked frame with another protocol than IP or ARP belongs to other', () => {
  const row = decodeFrame(cooked(0x88cc, filler(20)), { linkType: 113 });
  assert.deepEqual(pick(row, 'layers', 'error'), { layers: { link: 16, other: 20 }, error: null });
});
