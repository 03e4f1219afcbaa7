import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, decodeFrame } from './decode-frame.js';
import { bytes, esp, ethernet, filler, ike, ipv4, nullEsp, streamMessage, tcp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';
import { NullOpener } from './null-opener.js';

const SA = { spi: 0x501, sequence: 1 };
const stream = (payload: Uint8Array, source = 4500) =>
  ethernet(0x0800, ipv4({ protocol: 6 }, tcp({ source }, payload)));

/*
 * RFC 9329 section 3, figure 1: | Length (2, counts itself) | 4 bytes of zero, then IKE; or ESP, its SPI not zero |
 * and section 4: the stream starts with "IKETCP".
 */

test('finds one ESP packet in a segment', () => {
  const row = decodeFrame(catalogueFrame('ESP in TCP').frame);
  assert.deepEqual(row.flags, ['esp', 'tcpEncap', 'tcp']);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 20, other: 2, espHeader: 8, espOpaque: 40 });
  assert.deepEqual(
    row.security.map(({ offset, end, spi, udpEncap }) => [offset, end, spi, udpEncap]),
    [[56, 104, 0xc0ffee01, false]],
  );
  assertEverySnapCut(catalogueFrame('ESP in TCP').frame);
});

test('finds IKE behind the stream prefix', () => {
  const row = decodeFrame(catalogueFrame('IKE in TCP with the stream prefix').frame);
  assert.deepEqual(row.flags, ['tcpEncap', 'tcp', 'ike']);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 20, other: 6 + 2 + 4, payload: 28 });
});

test('the stream prefix alone is encapsulation', () => {
  const row = decodeFrame(stream(Buffer.from('IKETCP')));
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 20, other: 6 });
  assert.ok(row.flags.includes('tcpEncap'));
});

test('splits a segment of several messages', () => {
  const messages = [
    streamMessage(esp(SA, filler(16))),
    streamMessage(bytes('00000000', ike(0x20, 37, filler(8)))),
    streamMessage(esp({ spi: 0x502, sequence: 2 }, filler(24))),
  ];
  const row = decodeFrame(stream(bytes(...messages)));
  assert.deepEqual(
    row.security.map(({ spi, end, offset }) => [spi, end - offset]),
    [
      [0x501, 24],
      [0x502, 32],
    ],
  );
  assert.deepEqual(row.layers, {
    link: 14,
    ip: 20,
    transport: 20,
    other: 3 * 2 + 4,
    espHeader: 16,
    espOpaque: 40,
    payload: 36,
  });
});

test('an opened packet is measured, and what it carries is payload', () => {
  const row = decodeFrame(stream(streamMessage(nullEsp(SA, 6, filler(31)))), { opener: new NullOpener() });
  assert.deepEqual(row.layers, {
    link: 14,
    ip: 20,
    transport: 20,
    other: 2,
    espHeader: 8,
    payload: 31,
    espPadding: 3,
    espTrailer: 2,
    espIcv: 12,
  });
  assert.ok(row.flags.includes('decrypted'));
});

test('more messages than security headers are noted keep their sizes', () => {
  const row = decodeFrame(
    stream(bytes(...Array.from({ length: 6 }, () => streamMessage(esp(SA, filler(8)))))),
  );
  assert.equal(row.security.length, 4);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 20, other: 12, espHeader: 48, espOpaque: 48 });
  assert.equal(row.error, null);
});

test('a segment that does not consist of whole messages stays TCP payload', () => {
  const message = streamMessage(esp(SA, filler(40)));
  for (const payload of [
    message.slice(0, -1),
    message.slice(1),
    bytes(message, '00'),
    streamMessage(filler(11)),
    streamMessage(bytes('00000000', filler(20))),
    bytes(),
  ]) {
    const row = decodeFrame(stream(payload));
    assert.deepEqual(row.flags, ['tcp']);
    assert.equal(row.layers.payload ?? 0, payload.length);
  }
});

test('other ports than 4500 are not looked into', () => {
  assert.deepEqual(decodeFrame(stream(streamMessage(esp(SA, filler(40))), 4501)).flags, ['tcp']);
});
