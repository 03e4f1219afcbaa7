import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import { bytes, ethernet, filler, type Ipv4Fields, ipv4, tcp, udp } from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';

const OFFSET = 14;
const segment = tcp({}, filler(10));
const ip = (fields: Partial<Ipv4Fields>, payload = segment) =>
  ethernet(0x0800, ipv4({ protocol: 6, ...fields }, payload));

test('charges options to the IP header', () => {
  const { frame } = catalogueFrame('IPv4 with options');
  assert.deepEqual(decodeFrame(frame).layers, { link: 14, ip: 32, transport: 20, payload: 10 });
  assertEverySnapCut(frame);
});

test('a header cut on the wire is malformed at every length', () => {
  const header = ipv4({ protocol: 6 }, bytes());
  assertEveryWireTruncation(header, (rest) => ethernet(0x0800, rest), {
    layer: 'IPv4',
    offset: OFFSET,
    required: 20,
  });
});

test('options cut on the wire are malformed at every length', () => {
  const header = ipv4({ protocol: 6, options: new Uint8Array(40).fill(1) }, bytes());
  assertEveryWireTruncation(header, (rest) => ethernet(0x0800, rest), {
    layer: 'IPv4',
    offset: OFFSET,
    required: (actual) => (actual < 20 ? 20 : 60),
  });
});

test('a packet cut on the wire is malformed at every length, required being its total length', () => {
  const packet = ipv4({ protocol: 6 }, segment);
  assertEveryWireTruncation(packet, (rest) => ethernet(0x0800, rest), {
    layer: 'IPv4',
    offset: OFFSET,
    required: (actual) => (actual < 20 ? 20 : 50),
  });
});

test('another version is malformed, and named', () => {
  const frame = ethernet(0x0800, bytes('65', filler(40)));
  assert.deepEqual(decodeFrame(frame).error, {
    kind: 'value',
    layer: 'IPv4',
    offset: OFFSET,
    required: 0,
    actual: 6,
  });
});

test('a header length below 20 is malformed for each such length', () => {
  for (let words = 0; words < 5; words++) {
    const frame = ip({});
    frame[OFFSET] = 0x40 | words;
    assert.deepEqual(pick(decodeFrame(frame), 'error', 'layers', 'ipOffset'), {
      error: { kind: 'length', layer: 'IPv4', offset: OFFSET, required: 20, actual: words * 4 },
      layers: { link: 14, other: 50 },
      ipOffset: null,
    });
  }
});

test('a total length shorter than the header is malformed', () => {
  const frame = ip({ totalBytes: 27, options: bytes('01010101 01010101') });
  assert.deepEqual(decodeFrame(frame).error, {
    kind: 'length',
    layer: 'IPv4',
    offset: OFFSET,
    required: 28,
    actual: 27,
  });
});

test('a total length of 0, left by segmentation offload, reaches to the end of the frame', () => {
  const row = decodeFrame(ip({ totalBytes: 0 }, tcp({}, filler(70_000))));
  assert.equal(row.error, null);
  assert.deepEqual(row.layers, { link: 14, ip: 20, transport: 20, payload: 70_000 });
});

test('reports Don’t Fragment of the outermost header only', () => {
  const inner = ipv4({ protocol: 6, dontFragment: true }, segment);
  assert.ok(decodeFrame(ethernet(0x0800, inner)).flags.includes('dontFragment'));
  assert.ok(!decodeFrame(ip({ protocol: 4 }, inner)).flags.includes('dontFragment'));
});

test('a fragment ends the row: link and IP header have an owner, the data not yet', () => {
  for (const [name, flags, layers] of [
    ['IPv4 first fragment', ['fragment', 'firstFragment'], { link: 14, ip: 20, fragment: 24 }],
    ['IPv4 middle fragment', ['fragment'], { link: 14, ip: 20, fragment: 8 }],
    ['IPv4 last fragment, padded', ['fragment'], { link: 37, ip: 20, fragment: 3 }],
  ] as const) {
    const { frame } = catalogueFrame(name);
    const row = decodeFrame(frame);
    assert.deepEqual(row.flags, flags, name);
    assert.deepEqual(row.layers, layers, name);
    assert.deepEqual(pick(row, 'fragmentOffset', 'transportOffset', 'error', 'security'), {
      fragmentOffset: OFFSET,
      transportOffset: null,
      error: null,
      security: [],
    });
    assertEverySnapCut(frame);
  }
});

test('a fragment of a tunnelled datagram is told apart from one of the outer datagram', () => {
  const row = decodeFrame(catalogueFrame('fragment in a tunnel').frame);
  assert.deepEqual(row.flags, ['firstFragment', 'innerFragment', 'tunnel']);
  assert.deepEqual(row.layers, { link: 14, ip: 20, innerIp: 20, payload: 32 });
  assert.equal(row.fragmentOffset, 34);
});

test('the reserved bit of the fragment field does not make a fragment', () => {
  const frame = ip({});
  frame[OFFSET + 6] = 0x80;
  assert.deepEqual(decodeFrame(frame).flags, ['tcp']);
});

test('bytes behind a tunnelled datagram belong to other, not to the link', () => {
  const row = decodeFrame(catalogueFrame('IPv4 in IPv4 with bytes behind it').frame);
  assert.deepEqual(row.layers, { link: 14, ip: 20, innerIp: 20, transport: 20, payload: 10, other: 6 });
});

test('an IP protocol without a decoder is payload', () => {
  const row = decodeFrame(catalogueFrame('IPv4 unknown protocol').frame);
  assert.deepEqual(pick(row, 'layers', 'protocol', 'payloadOffset', 'payloadLength'), {
    layers: { link: 14, ip: 20, payload: 9 },
    protocol: 253,
    payloadOffset: 34,
    payloadLength: 9,
  });
});

test('numbers that are extension headers in IPv6 only are unknown protocols in IPv4', () => {
  for (const protocol of [0, 43, 44, 60, 135, 139, 140]) {
    const row = decodeFrame(ip({ protocol }, udp(1, 2, filler(8))));
    assert.deepEqual(pick(row, 'layers', 'protocol'), {
      layers: { link: 14, ip: 20, payload: 16 },
      protocol,
    });
  }
});
