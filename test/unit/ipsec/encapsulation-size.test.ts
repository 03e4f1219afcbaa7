import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  ahBytes,
  beetPseudoHeaderBytes,
  datagramSizes,
  espSizes,
  type PlainPacket,
  type Transform,
} from '../../../src/ipsec/encapsulation-size.js';
import { parseAhSuite, parseEspSuite } from '../../../src/ipsec/suite.js';
import { repoPath } from '../../repo-root.js';

interface ExpectedSizes {
  readonly captures: Readonly<Record<string, ExpectedCapture>>;
}

interface ExpectedCapture {
  readonly suite: string;
  readonly largestDatagramBytes: number;
  /** Rows of [ESP packet, padding, how many]. */
  readonly espBytesPadBytesCount: readonly (readonly [number, number, number])[];
}

const EXPECTED: ExpectedSizes = JSON.parse(
  readFileSync(repoPath('test/golden/expected/esp-sizes.json'), 'utf8'),
);

for (const [name, { suite: suiteName, espBytesPadBytesCount }] of Object.entries(EXPECTED.captures)) {
  test(`sizes and padding of every ESP packet in ${name} are those tshark found in the kernel's packets`, () => {
    const suite = parseEspSuite(suiteName);
    for (const [espBytes, padBytes] of espBytesPadBytesCount) {
      const payloadBytes = espBytes - 8 - suite.ivBytes - padBytes - 2 - suite.icvBytes;
      const sizes = espSizes(suite, payloadBytes);
      assert.deepEqual([sizes.total, sizes.padding], [espBytes, padBytes]);
    }
  });
}

const SEGMENT: PlainPacket = { family: 4, transportHeaderBytes: 32, payloadBytes: 0 };
const esp = (name: string, mode: Transform['mode'] = 'transport'): Transform => ({
  suite: parseEspSuite(name),
  mode,
});
const ah = (name: string, align4 = false): Transform => ({
  suite: parseAhSuite(name),
  mode: 'transport',
  align4,
});

/** MSS that Linux chose at a link MTU of 1500 with timestamps, as measured, and the capture with its largest datagram. */
const FULL_SEGMENTS: readonly (readonly [
  capture: string,
  mss: number,
  packet: PlainPacket,
  transforms: Transform[],
])[] = [
  ['t4-cbc-sha1', 1406, SEGMENT, [esp('aes128-sha1')]],
  ['t4-cbc-sha256', 1406, SEGMENT, [esp('aes256-sha256')]],
  ['t4-gcm16', 1414, SEGMENT, [esp('aes128gcm16')]],
  ['t4-esn-gcm16', 1414, SEGMENT, [esp('aes128gcm16')]],
  ['t4-null-sha256', 1422, SEGMENT, [esp('null-sha256')]],
  ['t4-ah-esp-cbc-sha1', 1374, SEGMENT, [esp('aes128-sha1'), ah('sha1')]],
  ['t6-ah-esp', 1342, { ...SEGMENT, family: 6 }, [esp('aes128-sha256'), ah('sha256')]],
  ['tun4-natt-cbc-sha256', 1370, SEGMENT, [{ ...esp('aes256-sha256', 'tunnel'), udpEncap: true }]],
];

for (const [capture, payloadBytes, packet, transforms] of FULL_SEGMENTS) {
  test(`a full segment of ${payloadBytes} bytes is as long as the largest datagram in ${capture}`, () => {
    const sizes = datagramSizes({ ...packet, payloadBytes }, transforms);
    assert.equal(sizes.total, EXPECTED.captures[capture]!.largestDatagramBytes);
  });
}

test('GCM pads to 4 bytes, not to the 16 of its block cipher (RFC 4106 section 3.2)', () => {
  const suite = parseEspSuite('aes128gcm16');
  assert.deepEqual(
    [0, 1, 2, 3, 4, 31].map((payload) => espSizes(suite, payload).padding),
    [2, 1, 0, 3, 2, 3],
  );
});

test('the salt of GCM, CCM, CTR and ChaCha20 is never on the wire', () => {
  for (const name of ['aes128gcm16', 'aes128ccm16', 'aes128ctr-sha256', 'chacha20poly1305', 'aes128gmac']) {
    const suite = parseEspSuite(name);
    assert.ok(suite.saltBytes > 0, name);
    // 8 header, 8 IV, 2 payload, no padding, 2 trailer, 16 ICV.
    assert.equal(espSizes(suite, 2).total, 36, name);
  }
});

test('AH is padded to 8 on IPv6 and on Linux, and to 4 on IPv4 with align4 (RFC 4302 section 3.3.3.2.1)', () => {
  const sizes = (name: string) => {
    const suite = parseAhSuite(name);
    return [ahBytes(suite, 4), ahBytes(suite, 4, true), ahBytes(suite, 6), ahBytes(suite, 6, true)];
  };
  assert.deepEqual(sizes('sha1'), [24, 24, 24, 24]);
  assert.deepEqual(sizes('sha256'), [32, 28, 32, 32]);
  assert.deepEqual(sizes('sha384'), [40, 36, 40, 40]);
  assert.deepEqual(sizes('sha512'), [48, 44, 48, 48]);
});

test('tunnel mode makes the old IP header an inner one, of either family', () => {
  const suite = parseEspSuite('aes128gcm16');
  const packet: PlainPacket = { family: 6, transportHeaderBytes: 20, payloadBytes: 100 };
  const sizes = datagramSizes(packet, [{ suite, mode: 'tunnel', outerFamily: 4, udpEncap: true }]);
  assert.deepEqual(sizes, {
    ip: 20,
    udpEncap: 8,
    ah: 0,
    espHeader: 8,
    espIv: 8,
    espPadding: 2,
    espTrailer: 2,
    espIcv: 16,
    innerIp: 40,
    transport: 20,
    payload: 100,
    total: 224,
  });
});

test('BEET mode drops the inner header and keeps IPv4 options behind a pseudo header', () => {
  assert.deepEqual([0, 4, 8, 12, 40].map(beetPseudoHeaderBytes), [0, 8, 16, 16, 48]);
  const beet = { suite: parseEspSuite('aes128gcm16'), mode: 'beet' } as const;
  const plain = datagramSizes({ ...SEGMENT, payloadBytes: 10 }, [beet]);
  const transport = datagramSizes({ ...SEGMENT, payloadBytes: 10 }, [{ ...beet, mode: 'transport' }]);
  assert.deepEqual(plain, transport);
  const optioned = datagramSizes({ ...SEGMENT, ipOptionBytes: 8, payloadBytes: 10 }, [beet]);
  assert.deepEqual([optioned.ip, optioned.innerIp], [20, 16]);
});

test('transforms nest: what the inner one made is payload of the outer one', () => {
  const inner = esp('aes128-sha256');
  const outer = esp('aes128gcm16', 'tunnel');
  const once = datagramSizes({ ...SEGMENT, payloadBytes: 500 }, [inner]);
  const twice = datagramSizes({ ...SEGMENT, payloadBytes: 500 }, [inner, outer]);
  assert.equal(twice.total, 20 + espSizes(parseEspSuite('aes128gcm16'), once.total).total);
  assert.equal(twice.espHeader, 16);
});

test('impossible requests are refused with what to do', () => {
  const sha1 = parseAhSuite('sha1');
  assert.throws(() => datagramSizes(SEGMENT, [{ suite: sha1, mode: 'beet' }]), /no BEET mode/);
  assert.throws(
    () => datagramSizes(SEGMENT, [{ suite: sha1, mode: 'transport', udpEncap: true }]),
    /cannot ride in UDP/,
  );
  assert.throws(() => datagramSizes({ ...SEGMENT, ipOptionBytes: 44 }, []), /ipOptionBytes is 44/);
  assert.throws(() => datagramSizes({ ...SEGMENT, family: 6, ipOptionBytes: 4 }, []), /multiples of 8/);
  assert.throws(() => datagramSizes({ ...SEGMENT, payloadBytes: -1 }, []), /payloadBytes is -1/);
  assert.throws(() => espSizes(parseEspSuite('aes128'), 1.5), RangeError);
});
