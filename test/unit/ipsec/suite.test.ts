import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ahSuiteOf,
  espSuiteOf,
  parseAhSuite,
  parseEspSuite,
  SuiteNameError,
} from '../../../src/ipsec/suite.js';
import { AH_SUITES, ESP_SUITES } from '../../../src/ipsec/suite-table.js';

/** IV, ICV and alignment as the RFCs give them: [name, iv, icv, align, rfc of the cipher]. */
const RFC_SIZES = [
  ['aes128-sha1', 16, 12, 16, 3602],
  ['aes256-sha1', 16, 12, 16, 3602],
  ['aes128-sha256', 16, 16, 16, 3602],
  ['aes256-sha384', 16, 24, 16, 3602],
  ['aes256-sha512', 16, 32, 16, 3602],
  ['aes128-sha256_96', 16, 12, 16, 3602],
  ['aes128-aesxcbc', 16, 12, 16, 3602],
  ['aes192-aescmac', 16, 12, 16, 3602],
  ['aes128-md5', 16, 12, 16, 3602],
  ['aes128', 16, 0, 16, 3602],
  ['aes128gcm16', 8, 16, 4, 4106],
  ['aes192gcm12', 8, 12, 4, 4106],
  ['aes256gcm8', 8, 8, 4, 4106],
  ['aes128ccm16', 8, 16, 4, 4309],
  ['aes128ccm12', 8, 12, 4, 4309],
  ['aes128ccm8', 8, 8, 4, 4309],
  ['aes128ctr-sha256', 8, 16, 4, 3686],
  ['aes128ctr-sha1', 8, 12, 4, 3686],
  ['aes128gmac', 8, 16, 4, 4543],
  ['chacha20poly1305', 8, 16, 4, 7634],
  ['3des-sha1', 8, 12, 8, 2451],
  ['3des-sha256', 8, 16, 8, 2451],
  ['null-sha256', 0, 16, 4, 2410],
] as const;

for (const [name, ivBytes, icvBytes, alignBytes, rfc] of RFC_SIZES) {
  test(`${name} has the IV, ICV and alignment of RFC ${rfc}`, () => {
    const suite = parseEspSuite(name);
    assert.deepEqual(
      [suite.name, suite.ivBytes, suite.icvBytes, suite.alignBytes, suite.rfcs[0]],
      [name, ivBytes, icvBytes, alignBytes, rfc],
    );
  });
}

test('every name in the tables is unique and is parsed to its own row', () => {
  assert.equal(new Set(ESP_SUITES.map(({ name }) => name)).size, ESP_SUITES.length);
  assert.equal(new Set(AH_SUITES.map(({ name }) => name)).size, AH_SUITES.length);
  for (const suite of ESP_SUITES) assert.equal(parseEspSuite(suite.name), suite);
  for (const suite of AH_SUITES) assert.equal(parseAhSuite(suite.name), suite);
});

test("strongSwan's other spellings name the same suites", () => {
  const spellings = {
    AES: 'aes128',
    'aes-sha2_256': 'aes128-sha256',
    aes256gcm128: 'aes256gcm16',
    aes128gcm64: 'aes128gcm8',
    aes128gcm: 'aes128gcm16',
    aesgcm16: 'aes128gcm16',
    'aes128-none': 'aes128',
    'aes128-sha256-modp2048!': 'aes128-sha256',
    'aes256gcm16-ecp384-esn': 'aes256gcm16',
    'aes128-sha1-curve25519-noesn': 'aes128-sha1',
  };
  for (const [text, name] of Object.entries(spellings)) assert.equal(parseEspSuite(text).name, name);
});

test('an unknown suite is an error that names close ones', () => {
  assert.throws(
    () => parseEspSuite('aes128gcm17'),
    (error: unknown) =>
      error instanceof SuiteNameError &&
      error.suggestions.includes('aes128gcm16') &&
      error.message.includes('"aes128gcm17"'),
  );
  assert.throws(() => parseAhSuite('sha255'), { name: 'SuiteNameError', message: /sha256/ });
  assert.throws(() => parseEspSuite('null'), SuiteNameError, 'neither encryption nor authentication');
  assert.throws(
    () => parseEspSuite('x'.repeat(100_000)),
    (error: Error) => error.message.length < 200,
  );
});

test('AH ICVs are as long as RFC 2403, 2404, 4868, 3566, 4494 and 4543 say', () => {
  const icvBytes = {
    md5: 12,
    sha1: 12,
    sha256: 16,
    sha384: 24,
    sha512: 32,
    aesxcbc: 12,
    aescmac: 12,
    aes128gmac: 24,
  };
  for (const [name, bytes] of Object.entries(icvBytes)) assert.equal(parseAhSuite(name).icvBytes, bytes);
});

test('a truncation outside the table makes a suite of its own, unless the hash is too short for it', () => {
  const parts = { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha256' } as const;
  assert.equal(espSuiteOf({ ...parts, icvBytes: 16 }), parseEspSuite('aes128-sha256'));
  const odd = espSuiteOf({ ...parts, icvBytes: 20 });
  assert.equal(odd?.name, 'aes128-sha256_160');
  assert.equal(odd?.icvBytes, 20);
  assert.equal(espSuiteOf({ ...parts, icvBytes: 33 }), null);
  assert.equal(espSuiteOf({ ...parts, keyBits: 129, icvBytes: 16 }), null);
  assert.equal(espSuiteOf({ cipher: 'aes-gcm', keyBits: 128, integrity: 'none', icvBytes: 15 }), null);
  assert.equal(ahSuiteOf('hmac-sha512', 16)?.name, 'sha512_128');
  assert.equal(ahSuiteOf('hmac-md5', 17), null);
});
