import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { KeyedOpener } from '../../../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../../../src/ipsec/sa-table.js';
import { SecurityAssociation } from '../../../../src/ipsec/security-association.js';
import { espSuiteOf, parseAhSuite, parseEspSuite } from '../../../../src/ipsec/suite.js';
import type { IpsecOpener } from '../../../../src/packet/ipsec-opener.js';
import { Integrity } from '../../../../src/packet/packet-batch.js';
import {
  buildAh,
  buildEsp,
  type EspContent,
  ipv4Packet,
  testAssociation,
  testKey,
  uint32,
} from './packet-builder.js';

function openerFor(...associations: SecurityAssociation[]): KeyedOpener {
  return new KeyedOpener(new SaTable(associations));
}

function content(ivBytes: number, fields: Partial<EspContent> = {}): EspContent {
  return {
    payload: Buffer.from('sixteen bytes...and then some'),
    nextHeader: 6,
    sequence: 1n,
    iv: new Uint8Array(ivBytes).fill(0x33),
    ...fields,
  };
}

test('is what the packet layer asks for', () => {
  const opener: IpsecOpener = openerFor();
  assert.equal(opener.integrity, Integrity.unchecked);
});

test('leaves packets of unknown SPIs alone', () => {
  const association = testAssociation(parseEspSuite('aes128gcm16'));
  const data = ipv4Packet(50, buildEsp(association, content(8)));
  const before = Buffer.from(data);
  const opener = openerFor(testAssociation(parseEspSuite('aes128gcm16'), { spi: 0x101 }));
  assert.equal(opener.openEsp(data, 0, 20, data.length), false);
  assert.equal(opener.integrity, Integrity.unchecked);
  assert.deepEqual(data, before);
});

test('a wrong key fails the ICV', () => {
  for (const name of ['aes128gcm16', 'aes128-sha256']) {
    const suite = parseEspSuite(name);
    const data = ipv4Packet(50, buildEsp(testAssociation(suite), content(suite.ivBytes)));
    const other = testAssociation(suite, {
      encryptionKey: testKey(suite.keyBits / 8 + suite.saltBytes, 99),
      integrityKey: suite.integrityKeyBytes > 0 ? testKey(suite.integrityKeyBytes, 99) : null,
    });
    const opener = openerFor(other);
    assert.equal(opener.openEsp(data, 0, 20, data.length), false);
    assert.equal(opener.integrity, Integrity.failed);
  }
});

test('accepts any padding behind a right ICV, as long as it fits', () => {
  const association = testAssociation(parseEspSuite('aes128-sha256'));
  const opener = openerFor(association);
  const padding = new Uint8Array(1 + 16 * 3).fill(0xcc);
  const odd = ipv4Packet(50, buildEsp(association, content(16, { padding })));
  assert.ok(opener.openEsp(odd, 0, 20, odd.length));
  assert.equal(opener.padBytes, padding.length);
});

test('a pad length beyond the payload is not opened though the ICV is right', () => {
  for (const name of ['aes128-sha256', 'aes128gcm16', 'null-sha256', 'aes128gmac']) {
    const suite = parseEspSuite(name);
    const association = testAssociation(suite);
    const opener = openerFor(association);
    // 29 + 1 + 2 bytes: 30 is the most that fits.
    const fits = content(suite.ivBytes, { padding: Uint8Array.of(0), padLength: 30 });
    const data = ipv4Packet(50, buildEsp(association, fits));
    assert.ok(opener.openEsp(data, 0, 20, data.length), name);
    const tooLong = ipv4Packet(50, buildEsp(association, { ...fits, padLength: 31 }));
    const before = Buffer.from(tooLong);
    assert.equal(opener.openEsp(tooLong, 0, 20, tooLong.length), false, name);
    assert.equal(opener.integrity, Integrity.verified);
    assert.deepEqual(tooLong, before);
  }
});

test('opens a suite without authentication if the padding is sane, unchecked', () => {
  const association = testAssociation(parseEspSuite('aes256'));
  const opener = openerFor(association);
  const good = ipv4Packet(50, buildEsp(association, content(16)));
  assert.ok(opener.openEsp(good, 0, 20, good.length));
  assert.equal(opener.integrity, Integrity.unchecked);

  const bad = ipv4Packet(50, buildEsp(association, content(16, { padding: new Uint8Array(17).fill(7) })));
  const before = Buffer.from(bad);
  assert.equal(opener.openEsp(bad, 0, 20, bad.length), false);
  assert.deepEqual(bad, before);
});

test('decrypts without the integrity key, unchecked', () => {
  const suite = parseEspSuite('aes128ctr-sha1');
  const data = ipv4Packet(50, buildEsp(testAssociation(suite), content(8)));
  const opener = openerFor(testAssociation(suite, { integrityKey: null }));
  assert.ok(opener.openEsp(data, 0, 20, data.length));
  assert.equal(opener.integrity, Integrity.unchecked);
  assert.equal(opener.icvBytes, 12);
});

test('decrypts behind an ICV by an algorithm nobody named', () => {
  const suite = espSuiteOf({ cipher: 'aes-cbc', keyBits: 128, integrity: 'unknown', icvBytes: 24 });
  assert.ok(suite);
  const association = testAssociation(suite);
  const data = ipv4Packet(50, buildEsp(association, content(16)));
  const opener = openerFor(association);
  assert.ok(opener.openEsp(data, 0, 20, data.length));
  assert.equal(opener.integrity, Integrity.unchecked);
});

test('opens NULL encryption and GMAC by the suite alone, without keys', () => {
  for (const name of ['null-sha256', 'aes128gmac']) {
    const suite = parseEspSuite(name);
    const data = ipv4Packet(50, buildEsp(testAssociation(suite), content(suite.ivBytes)));
    const assumed = new SecurityAssociation({ suite, spi: 0, spiMask: 0 });
    const opener = openerFor(assumed);
    assert.ok(opener.openEsp(data, 0, 20, data.length), name);
    assert.equal(opener.integrity, Integrity.unchecked);
    assert.equal(opener.icvBytes, 16);
    assert.equal(opener.padBytes, 1);
    assert.equal(opener.nextHeader, 6);
  }
});

test('does not take cipher text for NULL encryption', () => {
  const sealed = testAssociation(parseEspSuite('aes128gcm16'));
  const opener = openerFor(
    new SecurityAssociation({ suite: parseEspSuite('null-sha256'), spi: 0, spiMask: 0 }),
  );
  let opened = 0;
  for (let i = 0; i < 4000; i++) {
    const data = ipv4Packet(
      50,
      buildEsp(
        sealed,
        content(8, { sequence: BigInt(i), iv: Buffer.concat([new Uint8Array(4), uint32(i)]) }),
      ),
    );
    if (opener.openEsp(data, 0, 20, data.length)) opened++;
  }
  assert.ok(opened < 12, `${opened} of 4000`);
});

test('keeps a suite without keys closed if it encrypts', () => {
  const suite = parseEspSuite('aes128gcm16');
  const data = ipv4Packet(50, buildEsp(testAssociation(suite), content(8)));
  const opener = openerFor(new SecurityAssociation({ suite, spi: 0, spiMask: 0 }));
  assert.equal(opener.openEsp(data, 0, 20, data.length), false);
  assert.equal(opener.integrity, Integrity.unchecked);
});

test('follows extended sequence numbers over the turn of the low half', () => {
  for (const name of [
    'aes128gcm16',
    'aes128ccm8',
    'chacha20poly1305',
    'aes256gmac',
    'aes128-sha256',
    'null-sha1',
  ]) {
    const suite = parseEspSuite(name);
    const association = testAssociation(suite, { esn: true, sequenceHigh: 6, sequenceLow: 0xffff_fff0 });
    const opener = openerFor(association);
    for (let sequence = 0x6_ffff_fffan; sequence < 0x7_0000_0006n; sequence++) {
      const data = ipv4Packet(50, buildEsp(association, content(suite.ivBytes, { sequence })));
      assert.ok(opener.openEsp(data, 0, 20, data.length), `${name} ${sequence.toString(16)}`);
    }
    // A straggler from before the turn.
    const late = ipv4Packet(50, buildEsp(association, content(suite.ivBytes, { sequence: 0x6_ffff_fff1n })));
    assert.ok(opener.openEsp(late, 0, 20, late.length), name);
  }
});

test('finds the high half in a capture from before or after the moment the SA was read', () => {
  const association = testAssociation(parseEspSuite('aes128gcm16'), {
    esn: true,
    sequenceHigh: 3,
    sequenceLow: 5,
  });
  for (const high of [2n, 3n, 4n]) {
    const sequence = (high << 32n) + 0x4000_0000n;
    const data = ipv4Packet(50, buildEsp(association, content(8, { sequence })));
    assert.ok(openerFor(association).openEsp(data, 0, 20, data.length), `high half ${high}`);
  }
  const far = ipv4Packet(50, buildEsp(association, content(8, { sequence: 9n << 32n })));
  const opener = openerFor(association);
  assert.equal(opener.openEsp(far, 0, 20, far.length), false);
  assert.equal(opener.integrity, Integrity.failed);
});

test('checks AH with extended sequence numbers', () => {
  const association = testAssociation(parseAhSuite('sha256'), { esn: true, sequenceHigh: 1 });
  const fields = { nextHeader: 6, sequence: 0x1_0000_0009n, payload: testKey(40) };
  const header = ipv4Packet(51, buildAh(association, new Uint8Array(0), fields)).subarray(0, 20);
  header[8] = 0;
  const data = ipv4Packet(51, buildAh(association, header, fields));
  assert.equal(openerFor(association).verifyAh(data, 0, 20, data.length), Integrity.verified);
  const without = testAssociation(parseAhSuite('sha256'));
  assert.equal(openerFor(without).verifyAh(data, 0, 20, data.length), Integrity.failed);
});

test('AH without a key is unchecked', () => {
  const association = testAssociation(parseAhSuite('sha256'), { integrityKey: null });
  const data = ipv4Packet(
    51,
    Buffer.concat([Buffer.from('06050000000001000000000100', 'hex'), Buffer.alloc(60)]),
  );
  assert.equal(openerFor(association).verifyAh(data, 0, 20, data.length), Integrity.unchecked);
});

test('shows no key, neither inspected nor serialised', () => {
  const secret = Buffer.from('correct-horse-ba');
  const suite = parseEspSuite('aes128-sha256');
  const opener = openerFor(
    new SecurityAssociation({
      suite,
      spi: 1,
      encryptionKey: secret,
      integrityKey: Buffer.concat([secret, secret]),
    }),
    new SecurityAssociation({ suite: parseAhSuite('sha256'), spi: 2, integrityKey: secret }),
  );
  const shown = inspect(opener, { depth: null, showHidden: true }) + JSON.stringify(opener);
  for (const form of [
    secret.toString(),
    secret.toString('hex'),
    secret.toString('base64'),
    secret.join(', '),
  ]) {
    assert.ok(!shown.includes(form), form);
  }
});
