import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Integrity, MAX_SECURITY_HEADERS } from '../../../src/packet/packet-batch.js';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { ah, bytes, esp, ethernet, filler, ipv4, ipv6, ipv6Options, tcp, udp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';
import { NullOpener } from './null-opener.js';

const SA = { spi: 0x301, sequence: 9 };
const OFFSET = 34;
const segment = tcp({}, filler(10));
const inIpv4 = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 51 }, payload));
const CLOSED = {
  udpEncap: false,
  opened: false,
  integrity: Integrity.unchecked,
  ivBytes: 0,
  padBytes: 0,
};

test('notes SPI, sequence, ICV size and extent', () => {
  const row = decodeFrame(catalogueFrame('AH, IPv4').frame);
  assert.deepEqual(row.layers, { link: 14, ip: 20, ah: 24, transport: 20, payload: 10 });
  assert.deepEqual(row.security, [
    {
      ...CLOSED,
      protocol: 51,
      ipOffset: 14,
      offset: OFFSET,
      end: 88,
      spi: 0xc0ffee01,
      sequence: 7,
      icvBytes: 12,
    },
  ]);
  assert.deepEqual(pick(row, 'flags', 'protocol'), { flags: ['ah', 'tcp'], protocol: 6 });
});

for (const name of [
  'AH, IPv4',
  'AH, IPv6',
  'AH without ICV',
  'AH in AH',
  'AH over ESP',
  'AH tunnel',
  'AH behind a hop-by-hop header',
]) {
  test(`survives the snap length at every byte: ${name}`, () => {
    assertEverySnapCut(catalogueFrame(name).frame);
    assertEverySnapCut(catalogueFrame(name).frame, { opener: new NullOpener() });
  });
}

test('a header cut on the wire is malformed at every length, with and without ICV', () => {
  for (const icvBytes of [0, 12, 16, 1016]) {
    assertEveryWireTruncation(ah(6, icvBytes, SA, bytes()), inIpv4, {
      layer: 'AH',
      offset: OFFSET,
      required: (actual) => (actual < 12 ? 12 : 12 + icvBytes),
    });
  }
});

test('a length field of 0, which would end inside the fixed part, is malformed', () => {
  const frame = inIpv4(ah(6, 12, SA, segment));
  frame[OFFSET + 1] = 0;
  assert.deepEqual(pick(decodeFrame(frame), 'error', 'flags', 'layers', 'security', 'protocol'), {
    error: { kind: 'length', layer: 'AH', offset: OFFSET, required: 12, actual: 8 },
    flags: ['ah', 'malformed'],
    layers: { link: 14, ip: 20, other: 54 },
    security: [],
    protocol: 51,
  });
});

test('takes every length the field can hold', () => {
  for (let field = 1; field < 256; field++) {
    const bytesOfAh = (field + 2) * 4;
    const row = decodeFrame(inIpv4(ah(17, bytesOfAh - 12, SA, udp(1, 2, filler(3)))));
    assert.equal(row.layers.ah, bytesOfAh);
    assert.equal(row.security[0]?.icvBytes, Math.min(255, bytesOfAh - 12));
    assert.equal(row.payloadLength, 3);
  }
});

test('AH in AH makes two headers that nest', () => {
  const row = decodeFrame(catalogueFrame('AH in AH').frame);
  assert.deepEqual(row.layers, { link: 14, ip: 20, ah: 24 + 28, transport: 8, payload: 4 });
  assert.deepEqual(
    row.security.map(({ offset, end, spi, icvBytes }) => [offset, end, spi, icvBytes]),
    [
      [34, 98, 0xc0ffee01, 12],
      [58, 98, 0x1002, 16],
    ],
  );
});

test('AH over ESP makes one header of each, AH first', () => {
  const row = decodeFrame(catalogueFrame('AH over ESP').frame);
  assert.deepEqual(row.layers, { link: 14, ip: 20, ah: 28, espHeader: 8, espOpaque: 40 });
  assert.deepEqual(
    row.security.map(({ protocol, offset, end }) => [protocol, offset, end]),
    [
      [51, 34, 110],
      [50, 62, 110],
    ],
  );
});

test('asks for the ICV before anything behind it is decrypted, and only for whole packets', () => {
  const { frame } = catalogueFrame('AH over ESP');
  const opener = new NullOpener();
  assert.equal(decodeFrame(frame, { opener }).security[0]?.integrity, Integrity.verified);
  assert.deepEqual(
    opener.calls.map((call) => call.what),
    ['ah', 'esp'],
  );
  const cut = new NullOpener();
  const row = decodeFrame(frame, { opener: cut, capturedBytes: frame.length - 1 });
  assert.deepEqual(cut.calls, []);
  assert.equal(row.security[0]?.integrity, Integrity.unchecked);
});

test('Ethernet padding is no part of what AH protects', () => {
  const opener = new NullOpener();
  const packet = ipv4({ protocol: 51 }, ah(59, 0, SA, bytes()));
  const row = decodeFrame(ethernet(0x0800, packet, 60), { opener });
  assert.equal(row.security[0]?.end, 14 + 32);
  assert.equal((opener.calls[0]?.end ?? 0) - (opener.calls[0]?.ipOffset ?? 0), 32);
});

test('belongs to the IP header in whose payload it stands', () => {
  const inner = ipv4({ protocol: 51 }, ah(6, 12, SA, segment));
  const frame = ethernet(0x86dd, ipv6({ nextHeader: 0 }, ipv6Options(4, 8, inner)));
  const row = decodeFrame(frame);
  assert.deepEqual(
    row.security.map(({ ipOffset, offset }) => [ipOffset, offset]),
    [[62, 82]],
  );
});

test(`more than ${MAX_SECURITY_HEADERS} security headers are a nesting error; the first ones are noted`, () => {
  for (const last of [ah(6, 0, SA, segment), esp(SA, filler(40))]) {
    let packet = last;
    for (let i = 0; i < MAX_SECURITY_HEADERS; i++)
      packet = ah(i === 0 ? (last.length === 48 ? 50 : 51) : 51, 0, SA, packet);
    const row = decodeFrame(inIpv4(packet));
    assert.equal(row.security.length, MAX_SECURITY_HEADERS);
    assert.deepEqual(row.error, {
      kind: 'nesting',
      layer: last.length === 48 ? 'ESP' : 'AH',
      offset: OFFSET + MAX_SECURITY_HEADERS * 12,
      required: MAX_SECURITY_HEADERS,
      actual: MAX_SECURITY_HEADERS + 1,
    });
    assert.deepEqual(row.layers, {
      link: 14,
      ip: 20,
      ah: MAX_SECURITY_HEADERS * 12,
      other: last.length,
    });
  }
});
