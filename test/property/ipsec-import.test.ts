import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SaImportError } from '../../src/ipsec/import/import-error.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import { renderEspSa } from '../../src/ipsec/import/render-esp-sa.js';
import type { AddressPattern } from '../../src/ipsec/ip-address.js';
import { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { parseEspSuite } from '../../src/ipsec/suite.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';

const SUITES = [
  'aes128-sha1',
  'aes256-sha512',
  'aes192',
  '3des-sha256',
  'des-md5',
  'null-sha384',
  'aes128ctr-sha256_96',
];
const AEADS = ['aes128gcm16', 'aes256gcm8', 'aes192gcm12', 'chacha20poly1305'];

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** Addresses and patterns with whole octets or digits, as Wireshark has them. */
function addresses(family: 4 | 6): fc.Arbitrary<AddressPattern | null> {
  const length = family === 4 ? 4 : 16;
  const maskBytes = family === 4 ? [0, 0xff, 0xff] : [0, 0x0f, 0xf0, 0xff, 0xff];
  const masks = fc.array(fc.constantFrom(...maskBytes), { minLength: length, maxLength: length });
  const patterns = fc.tuple(bytesOf(length), masks).map(([bytes, mask]) => ({
    family,
    bytes: bytes.map((byte, i) => byte & mask[i]!),
    mask: Uint8Array.from(mask),
  }));
  const isNotAny = (pattern: AddressPattern) => pattern.mask.some((byte) => byte !== 0);
  return fc.option(patterns.filter(isNotAny), { nil: null });
}

const associations = fc
  .tuple(fc.constantFrom(...SUITES, ...AEADS).map(parseEspSuite), fc.constantFrom(4 as const, 6 as const))
  .chain(([suite, family]) =>
    fc
      .record({
        spi: fc.nat({ max: 0xffff_ffff }),
        spiMask: fc.constantFrom(0, 0xffff_ff00, 0xffff_ffff, 0xffff_ffff),
        source: addresses(family),
        destination: addresses(family),
        encryptionKey: bytesOf(suite.keyBits / 8 + suite.saltBytes),
        integrityKey: fc.uint8Array({ minLength: 1, maxLength: 64 }),
        esn: fc.boolean(),
        sequenceHigh: fc.nat({ max: 0xffff_ffff }),
      })
      .map(
        ({ spi, spiMask, integrityKey, esn, sequenceHigh, ...fields }) =>
          new SecurityAssociation({
            ...fields,
            suite,
            family,
            spi: (spi & spiMask) >>> 0,
            spiMask,
            integrityKey: suite.integrityKeyBytes > 0 ? integrityKey : null,
            esn,
            sequenceHigh: esn ? sequenceHigh : 0,
          }),
      ),
  );

test('what is written for Wireshark is read back to the same, keys and wildcards included', () => {
  fc.assert(
    fc.property(fc.array(associations, { minLength: 1, maxLength: 5 }), (originals) => {
      const { text, skipped } = renderEspSa(originals, { newNames: true });
      assert.deepEqual(skipped, []);
      const { associations: read, warnings } = importSecurityAssociations(text, 'esp_sa');
      assert.deepEqual(warnings, []);
      assert.deepEqual(
        read.map((sa) => sa.exportForWorker()),
        originals.map((sa) => sa.exportForWorker()),
      );
    }),
  );
});

function importOrTypedError(text: string): readonly string[] {
  try {
    return importSecurityAssociations(text, 'file').warnings;
  } catch (error) {
    assert.ok(error instanceof SaImportError, String(error));
    return [error.message];
  }
}

const SAMPLES = [
  'captures/ipsec/t4-ah-esp-cbc-sha1.xfrm',
  'captures/ipsec/t4-esn-gcm16.xfrm',
  'test/golden/expected/xfrm/states-with-statistics.txt',
].map((path) => readFileSync(repoPath(path), 'utf8'));
const SETKEY = [
  '10.9.0.2 10.9.0.1 ',
  '\tesp mode=transport spi=512(0x00000200) reqid=0(0x00000000)',
  '\tE: aes-cbc  00010203 04050607 08090a0b 0c0d0e0f',
  '\tA: hmac-sha1  00010203 04050607 08090a0b 0c0d0e0f 10111213',
].join('\n');
const TABLE = '"IPv4","*","*","1","AES-CBC [RFC3602]","0x000102030405060708090a0b0c0d0e0f","NULL",""';

test('arbitrary text gives associations, warnings or the typed error, nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void importOrTypedError(text)),
  );
});

test('a line of a hundred thousand blanks is no trap for the patterns', () => {
  const blanks = ' '.repeat(100_000);
  for (const text of [
    `${blanks}x`,
    `${TABLE.slice(0, 7)}${blanks}"x`,
    `${SAMPLES[0]}aead x${blanks}!`,
    `${SETKEY}${blanks}x`,
  ]) {
    importOrTypedError(text);
    importOrTypedError(text.trimStart());
  }
});

test('damaged dumps give warnings without a byte of a key', () => {
  const damaged = fc
    .record({
      sample: fc.constantFrom(...SAMPLES, SETKEY, TABLE),
      cuts: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.string({ maxLength: 4 })), { maxLength: 4 }),
    })
    .map(({ sample, cuts }) => {
      let text = sample;
      for (const [position, length, insert] of cuts) {
        const at = position % (text.length + 1);
        text = text.slice(0, at) + insert + text.slice(at + length);
      }
      return text;
    });
  fc.assert(
    fc.property(damaged, (text) => {
      for (const warning of importOrTypedError(text)) {
        assert.ok(!/(?:0[0-9a-f]){3}|(?:1[0-9a-f]){4}/.test(warning), warning);
      }
    }),
    { numRuns: 500 },
  );
});
