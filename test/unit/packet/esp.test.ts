import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Integrity } from '../../../src/packet/packet-batch.js';
import { assertEverySnapCut, assertEveryWireTruncation, decodeFrame, pick } from './decode-frame.js';
import {
  bytes,
  esp,
  ethernet,
  filler,
  ipv4,
  ipv6,
  ipv6Fragment,
  nullEsp,
  tcp,
  udp,
} from './frame-builder.js';
import { catalogueFrame } from './frame-catalogue.js';
import { NullOpener } from './null-opener.js';

const SA = { spi: 0xc0ffee01, sequence: 7 };
const SA2 = { spi: 0x1002, sequence: 8 };
const OFFSET = 34;
const segment = tcp({}, filler(11));
const inIpv4 = (payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol: 50 }, payload));

/** Refuses every packet, or gives fixed sizes. */
class FixedOpener extends NullOpener {
  readonly opens: boolean;

  constructor(opens: boolean, ivBytes: number, icvBytes: number) {
    super(icvBytes);
    this.opens = opens;
    this.ivBytes = ivBytes;
    if (!opens) this.integrity = Integrity.failed;
  }

  override openEsp(data: Uint8Array, ipOffset: number, espOffset: number, end: number): boolean {
    return super.openEsp(data, ipOffset, espOffset, end) && this.opens;
  }
}

test('without a key the header is read and the rest stays closed', () => {
  const row = decodeFrame(catalogueFrame('ESP, IPv4').frame);
  assert.deepEqual(row, {
    flags: ['esp'],
    layers: { link: 14, ip: 20, espHeader: 8, espOpaque: 52 },
    protocol: 50,
    ipOffset: 14,
    innerIpOffset: 14,
    transportOffset: null,
    payloadOffset: null,
    payloadLength: 0,
    fragmentOffset: null,
    error: null,
    security: [
      {
        protocol: 50,
        ipOffset: 14,
        offset: OFFSET,
        end: 94,
        spi: 0xc0ffee01,
        sequence: 7,
        udpEncap: false,
        opened: false,
        integrity: Integrity.unchecked,
        ivBytes: 0,
        icvBytes: 0,
        padBytes: 0,
      },
    ],
  });
});

for (const name of [
  'ESP, IPv4',
  'ESP, IPv6',
  'ESP, padded by Ethernet',
  'ESP with a null cipher around TCP',
  'ESP in ESP, null ciphers',
  'ESP in UDP',
]) {
  test(`survives the snap length at every byte: ${name}`, () => {
    assertEverySnapCut(catalogueFrame(name).frame);
    assertEverySnapCut(catalogueFrame(name).frame, { opener: new NullOpener() });
  });
}

test('ESP too short for header and trailer is malformed at every length', () => {
  assertEveryWireTruncation(esp(SA, filler(4)), inIpv4, { layer: 'ESP', offset: OFFSET, required: 12 });
});

test('Ethernet padding behind a short ESP packet is the link’s', () => {
  const row = decodeFrame(catalogueFrame('ESP, padded by Ethernet').frame);
  assert.deepEqual(row.layers, { link: 28, ip: 20, espHeader: 8, espOpaque: 4 });
  assert.equal(row.security[0]?.end, 46);
});

test('opened transport mode: every part of ESP is measured, what is inside follows', () => {
  const frame = inIpv4(nullEsp(SA, 6, segment));
  const row = decodeFrame(frame, { opener: new NullOpener() });
  assert.deepEqual(row.flags, ['esp', 'decrypted', 'tcp']);
  assert.deepEqual(row.layers, {
    link: 14,
    ip: 20,
    espHeader: 8,
    espPadding: 3,
    espTrailer: 2,
    espIcv: 12,
    transport: 20,
    payload: 11,
  });
  assert.deepEqual(pick(row, 'protocol', 'transportOffset', 'payloadOffset', 'payloadLength'), {
    protocol: 6,
    transportOffset: 42,
    payloadOffset: 62,
    payloadLength: 11,
  });
  assert.deepEqual(pick(row.security[0] as never, 'opened' as never, 'padBytes' as never), {
    opened: true,
    padBytes: 3,
  });
});

test('opened tunnel mode: the inner IP header has a layer of its own, padding behind it is other', () => {
  const inner = bytes(ipv4({ protocol: 6 }, segment), new Uint8Array(9));
  const row = decodeFrame(inIpv4(nullEsp(SA, 4, inner)), { opener: new NullOpener() });
  assert.deepEqual(row.flags, ['esp', 'decrypted', 'tunnel', 'tcp']);
  assert.deepEqual(row.layers, {
    link: 14,
    ip: 20,
    espHeader: 8,
    espPadding: 2,
    espTrailer: 2,
    espIcv: 12,
    innerIp: 20,
    transport: 20,
    payload: 11,
    other: 9,
  });
  assert.deepEqual(pick(row, 'ipOffset', 'innerIpOffset'), { ipOffset: 14, innerIpOffset: 42 });
});

test('the IV is taken off in front', () => {
  const body = bytes(filler(16), segment);
  const row = decodeFrame(inIpv4(nullEsp(SA, 6, body, 16)), { opener: new FixedOpener(true, 16, 16) });
  assert.equal(row.layers.espIv, 16);
  assert.equal(row.transportOffset, OFFSET + 8 + 16);
  assert.equal(row.payloadLength, 11);
});

test('an opener that fails leaves the packet closed, with what it said of the ICV', () => {
  const row = decodeFrame(inIpv4(nullEsp(SA, 6, segment)), { opener: new FixedOpener(false, 0, 12) });
  assert.deepEqual(row.flags, ['esp']);
  assert.equal(row.security[0]?.integrity, Integrity.failed);
  assert.equal(row.security[0]?.opened, false);
  assert.equal(row.layers.espOpaque, 11 + 20 + 3 + 2 + 12);
});

test('a packet cut by the snap length is not shown to the opener', () => {
  const frame = inIpv4(nullEsp(SA, 6, segment));
  const opener = new NullOpener();
  decodeFrame(frame, { opener, capturedBytes: frame.length - 1 });
  assert.deepEqual(opener.calls, []);
});

test('ESP in ESP opens twice, each with the IP header it stands behind', () => {
  const opener = new NullOpener();
  const row = decodeFrame(catalogueFrame('ESP in ESP, null ciphers').frame, { opener });
  assert.deepEqual(
    opener.calls.map(({ ipOffset, offset, end }) => [ipOffset, offset, end]),
    [
      [14, 34, 130],
      [42, 62, 114],
    ].map((call) => call.map((offset) => offset + 24)),
  );
  assert.deepEqual(
    row.security.map(({ ipOffset, offset, end, opened }) => [ipOffset, offset, end, opened]),
    [
      [14, 34, 130, true],
      [42, 62, 114, true],
    ],
  );
  assert.deepEqual(row.layers, {
    link: 14,
    ip: 20,
    espHeader: 16,
    espPadding: 2,
    espTrailer: 4,
    espIcv: 24,
    innerIp: 20,
    transport: 20,
    payload: 10,
  });
});

test('ESP in ESP in UDP: only the outer one is marked as in UDP', () => {
  const inner = ipv4({ protocol: 50 }, nullEsp(SA2, 6, segment));
  const frame = ethernet(0x0800, ipv4({ protocol: 17 }, udp(4500, 4500, nullEsp(SA, 4, inner))));
  const row = decodeFrame(frame, { opener: new NullOpener() });
  assert.deepEqual(
    row.security.map(({ spi, udpEncap }) => [spi, udpEncap]),
    [
      [SA.spi, true],
      [SA2.spi, false],
    ],
  );
});

test('an IPv6 fragment header inside ESP is no fragment of the outer datagram', () => {
  const inside = ipv6Fragment(6, 8, true, filler(16));
  const frame = ethernet(0x86dd, ipv6({ nextHeader: 50 }, nullEsp(SA, 44, inside)));
  const row = decodeFrame(frame, { opener: new NullOpener() });
  assert.ok(row.flags.includes('innerFragment') && !row.flags.includes('fragment'));
});

test('ESP with no next header inside, a dummy packet, is all payload', () => {
  const row = decodeFrame(inIpv4(nullEsp(SA, 59, filler(14))), { opener: new NullOpener() });
  assert.deepEqual(pick(row, 'protocol', 'payloadLength', 'error'), {
    protocol: 59,
    payloadLength: 14,
    error: null,
  });
});
