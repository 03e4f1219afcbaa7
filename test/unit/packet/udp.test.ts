import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, esp, ethernet, filler, ike, ipv4, udp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const OFFSET = 34;
const wrap = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 17 }, payload));
const SA = { spi: 1, sequence: 1 };

test('notes header and payload', () => {
  const row = decodeFrame(wrap(udp(1000, 2000, filler(30))));
  assert.deepEqual(pick(row, 'flags', 'layers', 'transportOffset', 'payloadOffset', 'payloadLength'), {
    flags: ['udp'],
    layers: { link: 14, ip: 20, transport: 8, payload: 30 },
    transportOffset: OFFSET,
    payloadOffset: OFFSET + 8,
    payloadLength: 30,
  });
});

for (const name of ['UDP', 'ESP in UDP', 'ESP in UDP from another port', 'NAT keep-alive, padded']) {
  test(`survives the snap length at every byte: ${name}`, () => {
    assertEverySnapCut(catalogueFrame(name).frame);
  });
}

test('a header cut on the wire is malformed at every length, on every port that matters', () => {
  for (const port of [2000, 500, 4500, 4789]) {
    assertEveryWireTruncation(udp(1000, port, bytes()), wrap, { layer: 'UDP', offset: OFFSET, required: 8 });
  }
});

test('a length that promises more than there is, or less than the header, is malformed', () => {
  const withLength = (length: number) => decodeFrame(wrap(udp(1, 2, filler(10), length))).error;
  const error = { kind: 'length', layer: 'UDP', offset: OFFSET };
  assert.deepEqual(withLength(19), { ...error, required: 19, actual: 18 });
  assert.deepEqual(withLength(7), { ...error, required: 8, actual: 7 });
});

test('bytes behind a length shorter than the IP payload belong to other', () => {
  const row = decodeFrame(wrap(udp(1, 2, filler(10), 12)));
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 8, payload: 4, other: 6 });
});

test('a length of 0, left by segmentation offload, reaches to the end of the IP payload', () => {
  const row = decodeFrame(wrap(udp(1, 2, filler(10), 0)));
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 8, payload: 10 });
});

test('ESP in UDP: the UDP header is encapsulation, no transport', () => {
  const row = decodeFrame(catalogueFrame('ESP in UDP').frame);
  assert.deepEqual(row.flags, ['esp', 'udpEncap']);
  assert.deepEqual(row.layers, { link: 14, ip: 20, udpEncap: 8, espHeader: 8, espOpaque: 52 });
  assert.deepEqual(pick(row, 'protocol', 'transportOffset'), { protocol: 50, transportOffset: null });
  assert.equal(row.security[0]?.udpEncap, true);
});

test('port 4500 from either side is looked into', () => {
  for (const [source, destination] of [
    [4500, 61_000],
    [61_000, 4500],
  ] as const)
    assert.ok(decodeFrame(wrap(udp(source, destination, esp(SA, filler(20))))).flags.includes('udpEncap'));
});

test('one byte 0xFF is a NAT keep-alive; another single byte is not', () => {
  const keepAlive = decodeFrame(wrap(udp(4500, 4500, bytes('ff'))));
  assert.deepEqual(keepAlive.flags, ['udp', 'natKeepalive']);
  assert.deepEqual(keepAlive.layers, { link: 14, ip: 20, transport: 8, payload: 1 });
  assert.deepEqual(decodeFrame(wrap(udp(4500, 4500, bytes('fe')))).flags, ['udp']);
});

test('too few bytes for an SPI on port 4500 are plain payload', () => {
  for (const length of [0, 2, 3])
    assert.deepEqual(decodeFrame(wrap(udp(4500, 4500, filler(length)))).flags, ['udp']);
});

test('an ESP packet in UDP too short for its trailer is malformed at every length', () => {
  for (let length = 4; length < 12; length++) {
    const row = decodeFrame(wrap(udp(4500, 4500, esp(SA, filler(4)).slice(0, length))));
    assert.deepEqual(row.error, {
      kind: 'length',
      layer: 'ESP',
      offset: OFFSET + 8,
      required: 12,
      actual: length,
    });
  }
});

test('four zero bytes on port 4500 announce IKE', () => {
  const row = decodeFrame(wrap(udp(4500, 4500, bytes('00000000', ike(0x20, 37, filler(52))))));
  assert.deepEqual(row.flags, ['udp', 'ike']);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 8, other: 4, payload: 80 });
  assert.deepEqual(pick(row, 'payloadOffset', 'payloadLength'), { payloadOffset: 46, payloadLength: 80 });
});
