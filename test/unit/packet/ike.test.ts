import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIkeHeader } from '../../../src/packet/ike.js';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, ethernet, filler, ike, ipv4, udp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const OFFSET = 42;
const wrap = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 17 }, udp(500, 500, payload)));

for (const name of ['IKEv1', 'IKEv2', 'IKEv2 behind the marker']) {
  test(`recognises the message: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.flags, ['udp', 'ike']);
    assert.equal(row.payloadLength, 28);
    assertEverySnapCut(frame);
  });
}

test('a message cut on the wire is malformed at every length', () => {
  assertEveryWireTruncation(ike(0x20, 34, filler(20)), wrap, {
    layer: 'IKE',
    offset: OFFSET,
    required: (actual) => (actual < 28 ? 28 : 48),
  });
});

test('behind the marker a header cut on the wire is malformed at every length', () => {
  const cut = (rest: Uint8Array) =>
    ethernet(0x0800, ipv4({ protocol: 17 }, udp(4500, 4500, bytes('00000000', rest))));
  assertEveryWireTruncation(ike(0x20, 34, bytes()), cut, { layer: 'IKE', offset: 46, required: 28 });
});

test('another major version is malformed, and named', () => {
  assert.deepEqual(pick(decodeFrame(wrap(ike(0x30, 34, bytes()))), 'error', 'flags'), {
    error: { kind: 'value', layer: 'IKE', offset: OFFSET, required: 0, actual: 0x30 },
    flags: ['udp', 'malformed'],
  });
});

test('a length below the header’s is malformed', () => {
  assert.deepEqual(decodeFrame(wrap(ike(0x20, 34, filler(8), 27))).error, {
    kind: 'length',
    layer: 'IKE',
    offset: OFFSET,
    required: 28,
    actual: 27,
  });
});

test('bytes behind the message belong to other', () => {
  const row = decodeFrame(wrap(bytes(ike(0x20, 34, filler(8)), filler(3))));
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 8, payload: 36, other: 3 });
});

test('reads the header fields, and nothing where it does not fit', () => {
  const message = bytes(filler(5), ike(0x20, 34, filler(8)));
  assert.deepEqual(parseIkeHeader(message, 5), {
    majorVersion: 2,
    minorVersion: 0,
    exchangeType: 34,
    flags: 8,
    messageId: 0,
    length: 36,
  });
  assert.equal(parseIkeHeader(message, message.length - 27), null);
  assert.notEqual(parseIkeHeader(message, message.length - 28), null);
});
