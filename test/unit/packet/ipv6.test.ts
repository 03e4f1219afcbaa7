import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import {
  ah,
  bytes,
  ethernet,
  filler,
  ipv6,
  ipv6Fragment,
  ipv6Options,
  ipv6Routing,
  tcp,
} from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const OFFSET = 14;
const segment = tcp({}, filler(10));
const wrap = (nextHeader: number) => (payload: Uint8Array) => ethernet(0x86dd, ipv6({ nextHeader }, payload));

for (const [name, layers] of [
  ['IPv6', { link: 14, ip: 40, transport: 20, payload: 10 }],
  ['IPv6 hop-by-hop', { link: 14, ip: 48, transport: 20, payload: 10 }],
  ['IPv6 routing', { link: 14, ip: 64, transport: 20, payload: 10 }],
  ['IPv6 destination options', { link: 14, ip: 64, transport: 20, payload: 10 }],
  ['IPv6 mobility', { link: 14, ip: 48 }],
  ['IPv6 HIP', { link: 14, ip: 80 }],
  ['IPv6 shim6', { link: 14, ip: 48 }],
  ['IPv6 four extension headers', { link: 14, ip: 96, transport: 20, payload: 10 }],
  ['IPv6 no next header', { link: 14, ip: 40, payload: 5 }],
  ['IPv6 atomic fragment', { link: 14, ip: 48, transport: 20, payload: 10 }],
] as const) {
  test(`charges extension headers to the IP header: ${name}`, () => {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.layers, layers);
    assert.deepEqual(pick(row, 'error', 'ipOffset', 'fragmentOffset'), {
      error: null,
      ipOffset: OFFSET,
      fragmentOffset: null,
    });
    assertEverySnapCut(frame);
  });
}

test('a header cut on the wire is malformed at every length', () => {
  const header = ipv6({ nextHeader: 59 }, bytes());
  assertEveryWireTruncation(header, (rest) => ethernet(0x86dd, rest), {
    layer: 'IPv6',
    offset: OFFSET,
    required: 40,
  });
});

test('a payload cut on the wire is malformed at every length, required being the payload length', () => {
  const packet = ipv6({ nextHeader: 6 }, segment);
  for (let there = 0; there < segment.length; there++) {
    const row = decodeFrame(ethernet(0x86dd, packet.slice(0, 40 + there)));
    assert.deepEqual(row.error, {
      kind: 'length',
      layer: 'IPv6',
      offset: OFFSET,
      required: 30,
      actual: there,
    });
  }
});

test('each extension header cut on the wire is malformed at every length', () => {
  for (const [nextHeader, header] of [
    [0, ipv6Options(6, 24, bytes())],
    [43, ipv6Routing(6, bytes())],
    [60, ipv6Options(6, 16, bytes())],
    [135, bytes('3b 01 05 00 00000000 0000000000000000')],
    [139, bytes('3b 04 01 11 0000 0000', filler(32))],
    [140, bytes('3b 00 81 00 0000 0000')],
  ] as const) {
    assertEveryWireTruncation(header, wrap(nextHeader), {
      layer: 'IPv6 extension',
      offset: OFFSET + 40,
      required: (actual) => (actual < 8 ? 8 : header.length),
    });
  }
});

test('a fragment header cut on the wire is malformed at every length', () => {
  assertEveryWireTruncation(ipv6Fragment(6, 8, true, bytes()), wrap(44), {
    layer: 'fragment',
    offset: OFFSET + 40,
    required: 8,
  });
});

test('another version is malformed, and named', () => {
  const frame = ethernet(0x86dd, bytes('45', filler(60)));
  assert.deepEqual(decodeFrame(frame).error, {
    kind: 'value',
    layer: 'IPv6',
    offset: OFFSET,
    required: 0,
    actual: 4,
  });
});

test('a fragment ends the row behind its fragment header', () => {
  for (const [name, flags, layers, fragmentOffset] of [
    ['IPv6 first fragment', ['fragment', 'firstFragment'], { link: 14, ip: 56, fragment: 24 }, 62],
    ['IPv6 middle fragment', ['fragment'], { link: 14, ip: 48, fragment: 8 }, 54],
    ['IPv6 last fragment', ['fragment'], { link: 14, ip: 48, fragment: 3 }, 54],
  ] as const) {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.flags, ['ipv6', 'outerIpv6', ...flags], name);
    assert.deepEqual(pick(row, 'layers', 'fragmentOffset', 'protocol'), {
      layers,
      fragmentOffset,
      protocol: 17,
    });
    assertEverySnapCut(frame);
  }
});

test('a fragment header behind AH is no fragment of the outer datagram', () => {
  const fragment = ipv6Fragment(6, 0, true, filler(16));
  const row = decodeFrame(wrap(51)(ah(44, 12, { spi: 1, sequence: 1 }, fragment)));
  assert.deepEqual(row.flags, ['ipv6', 'outerIpv6', 'firstFragment', 'innerFragment', 'ah']);
  assert.deepEqual(row.layers, { link: 14, ip: 48, ah: 24, payload: 16 });
});

test('a payload length of 0 reaches to the end of the frame, jumbogram or offloaded segment', () => {
  const frame = ethernet(0x86dd, ipv6({ nextHeader: 6, payloadBytes: 0 }, tcp({}, filler(70_000))));
  assert.deepEqual(pick(decodeFrame(frame), 'error', 'layers'), {
    error: null,
    layers: { link: 14, ip: 40, transport: 20, payload: 70_000 },
  });
});

test('a payload length of 0 with no next header means what it says: the rest is padding', () => {
  const frame = ethernet(0x86dd, ipv6({ nextHeader: 59, payloadBytes: 0 }, new Uint8Array(6)));
  assert.deepEqual(decodeFrame(frame).layers, { link: 20, ip: 40 });
});

test('an endless chain of extension headers ends as a nesting error', () => {
  let chain = segment;
  for (let i = 0; i < 60; i++) chain = ipv6Options(i === 0 ? 6 : 60, 8, chain);
  const row = decodeFrame(wrap(60)(chain));
  assert.deepEqual(pick(row, 'flags', 'error'), {
    flags: ['ipv6', 'outerIpv6', 'malformed'],
    error: { kind: 'nesting', layer: 'frame', offset: OFFSET + 40 + 39 * 8, required: 40, actual: 41 },
  });
});
