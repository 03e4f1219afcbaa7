import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMac } from '../../../../src/ipsec/open/create-mac.js';
import { MacMessage } from '../../../../src/ipsec/open/mac-message.js';
import type { IntegrityName } from '../../../../src/ipsec/suite-table.js';

interface MacVector {
  readonly source: string;
  readonly integrity: IntegrityName;
  readonly key: Buffer;
  readonly message: Buffer;
  readonly mac: string;
}

const JEFE = { key: Buffer.from('Jefe'), message: Buffer.from('what do ya want for nothing?') };
const ZERO_TO_15 = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const CMAC_KEY = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
const CMAC_MESSAGE = Buffer.from(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51' +
    '30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  'hex',
);

function ascending(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => i));
}

const VECTORS: readonly MacVector[] = [
  { source: 'RFC 2202 case 2', integrity: 'hmac-md5', ...JEFE, mac: '750c783e6ab0b503eaa86e310a5db738' },
  {
    source: 'RFC 2202 case 2',
    integrity: 'hmac-sha1',
    ...JEFE,
    mac: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  },
  {
    source: 'RFC 4231 case 2',
    integrity: 'hmac-sha256',
    ...JEFE,
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    source: 'RFC 4231 case 2',
    integrity: 'hmac-sha384',
    ...JEFE,
    mac: 'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
  },
  {
    source: 'RFC 4231 case 2',
    integrity: 'hmac-sha512',
    ...JEFE,
    mac:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
      '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  },
  {
    source: 'RFC 4231 case 6, a key longer than a block',
    integrity: 'hmac-sha256',
    key: Buffer.alloc(131, 0xaa),
    message: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    source: 'RFC 2857 case 2',
    integrity: 'hmac-ripemd160',
    ...JEFE,
    mac: 'dda6c0213a485a9e24f4742064a7f033b43c4069',
  },
  ...(
    [
      [0, '75f0251d528ac01c4573dfd584d79f29'],
      [3, '5b376580ae2f19afe7219ceef172756f'],
      [16, 'd2a246fa349b68a79998a4394ff7a263'],
      [20, '47f51b4564966215b8985c63055ed308'],
      [32, 'f54f0ec8d2b9f3d36807734bd5283fd4'],
      [34, 'becbb3bccdb518a30677d5481fb6b4d8'],
    ] as const
  ).map(
    ([bytes, mac]): MacVector => ({
      source: `RFC 3566 section 4.6, ${bytes} bytes`,
      integrity: 'aes-xcbc',
      key: ZERO_TO_15,
      message: ascending(bytes),
      mac,
    }),
  ),
  ...(
    [
      [0, 'bb1d6929e95937287fa37d129b756746'],
      [16, '070a16b46b4d4144f79bdd9dd04a287c'],
      [40, 'dfa66747de9ae63030ca32611497c827'],
      [64, '51f0bebf7e3b9d92fc49741779363cfe'],
    ] as const
  ).map(
    ([bytes, mac]): MacVector => ({
      source: `RFC 4493 section 4, ${bytes} bytes`,
      integrity: 'aes-cmac',
      key: CMAC_KEY,
      message: CMAC_MESSAGE.subarray(0, bytes),
      mac,
    }),
  ),
];

/** The message twice in a row: a MAC must not carry anything over from one packet to the next. */
function verifyTwice({ integrity, key, message, mac }: MacVector, icvBytes: number, icv: Buffer): boolean {
  const checker = createMac(integrity, key, icvBytes);
  assert.ok(checker);
  const scratch = new MacMessage();
  const results = [0, 1].map(() => {
    scratch.start(message.length);
    scratch.append(message, 0, message.length);
    return checker.verify(scratch, icv, 3);
  });
  assert.equal(results[0], results[1], mac);
  return results[0]!;
}

for (const vector of VECTORS) {
  test(`verifies ${vector.integrity} of ${vector.source}, whole and truncated`, () => {
    const mac = Buffer.from(vector.mac, 'hex');
    for (const icvBytes of [mac.length, 12]) {
      const packet = Buffer.concat([Buffer.alloc(3), mac.subarray(0, icvBytes)]);
      assert.ok(verifyTwice(vector, icvBytes, packet));
      packet[packet.length - 1]! ^= 1;
      assert.equal(verifyTwice(vector, icvBytes, packet), false);
    }
  });
}

test('has nothing to check without authentication or with an unknown algorithm', () => {
  assert.equal(createMac('none', new Uint8Array(0), 0), null);
  assert.equal(createMac('unknown', new Uint8Array(16), 12), null);
});

test('makes room for messages longer than an IP packet', () => {
  const message = new MacMessage();
  const long = new Uint8Array(200_000).fill(1);
  message.start(long.length);
  message.append(long, 0, long.length);
  assert.equal(message.length, long.length);
  assert.ok(
    createMac('hmac-sha256', new Uint8Array(32), 16)!.verify(message, new Uint8Array(16), 0) === false,
  );
});
