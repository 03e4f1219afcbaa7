import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedOpener } from '../../src/ipsec/open/keyed-opener.js';
import { SaTable } from '../../src/ipsec/sa-table.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { AH_SUITES, ESP_SUITES, type EspSuite } from '../../src/ipsec/suite-table.js';
import { Integrity } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { buildAh, buildEsp, ipv4Packet, testAssociation } from '../unit/ipsec/open/packet-builder.js';

const ESP_OFFSET = 20;
const SEED = 4303;

function openerFor(association: SecurityAssociation): KeyedOpener {
  return new KeyedOpener(new SaTable([association]));
}

/** Payload that passes for what its next header says, in case that is all the evidence there is. */
const payloads = fc.uint8Array({ maxLength: 1500 });
const sequences = fc.bigInt({ min: 1n, max: 0x7fff_ffffn });
const ivs = (suite: EspSuite) => fc.uint8Array({ minLength: suite.ivBytes, maxLength: suite.ivBytes });

function built(association: SecurityAssociation, payload: Uint8Array, sequence: bigint, iv: Uint8Array) {
  return ipv4Packet(50, buildEsp(association, { payload, nextHeader: 17, sequence, iv }));
}

test('ESP of every suite opens to the payload that went in, at any length', () => {
  for (const suite of ESP_SUITES) {
    for (const esn of [false, true]) {
      const association = testAssociation(suite, { esn });
      const opener = openerFor(association);
      assert.deepEqual(opener.unusable, [], suite.name);
      const property = fc.property(payloads, sequences, ivs(suite), (payload, sequence, iv) => {
        const data = built(association, payload, sequence, iv);
        assert.ok(opener.openEsp(data, 0, ESP_OFFSET, data.length), suite.name);
        const hasIcv = suite.icvBytes > 0;
        assert.equal(opener.integrity, hasIcv ? Integrity.verified : Integrity.unchecked);
        assert.equal(opener.ivBytes, suite.ivBytes);
        assert.equal(opener.icvBytes, suite.icvBytes);
        assert.equal(opener.nextHeader, 17);
        const start = ESP_OFFSET + 8 + suite.ivBytes;
        const end = data.length - suite.icvBytes - 2 - opener.padBytes;
        assert.deepEqual(data.subarray(start, end), Buffer.from(payload));
      });
      fc.assert(property, { numRuns: 20, seed: SEED });
    }
  }
});

test('one flipped bit in an authenticated byte of ESP fails the ICV and leaves the packet as it is', () => {
  for (const suite of ESP_SUITES.filter(({ icvBytes }) => icvBytes > 0)) {
    // Any SPI leads to this SA, so that flips in the SPI get to the ICV.
    const association = testAssociation(suite, { spiMask: 0 });
    const opener = openerFor(association);
    const property = fc.property(payloads, sequences, ivs(suite), fc.nat(), (payload, sequence, iv, at) => {
      const data = built(association, payload, sequence, iv);
      const bit = at % ((data.length - ESP_OFFSET) * 8);
      data[ESP_OFFSET + (bit >> 3)]! ^= 1 << (bit & 7);
      const before = Buffer.from(data);
      assert.equal(opener.openEsp(data, 0, ESP_OFFSET, data.length), false, suite.name);
      assert.equal(opener.integrity, Integrity.failed, suite.name);
      assert.deepEqual(data, before);
    });
    fc.assert(property, { numRuns: 30, seed: SEED });
  }
});

test('ESP cut off anywhere is neither verified nor an exception', () => {
  for (const suite of ESP_SUITES) {
    const association = testAssociation(suite);
    const opener = openerFor(association);
    const iv = new Uint8Array(suite.ivBytes).fill(7);
    const whole = built(association, new Uint8Array(21).fill(1), 1n, iv);
    for (let end = 0; end < whole.length; end++) {
      const data = Buffer.from(whole.subarray(0, end));
      opener.openEsp(data, 0, ESP_OFFSET, end);
      assert.notEqual(opener.integrity, Integrity.verified, `${suite.name} cut to ${end}`);
      assert.equal(opener.openEsp(data, 0, ESP_OFFSET, whole.length), false);
      if (suite.icvBytes > 0) assert.equal(opener.openEsp(Buffer.from(whole), 0, ESP_OFFSET, end), false);
    }
  }
});

test('AH of every suite verifies, and not with one bit flipped behind the IP header', () => {
  for (const suite of AH_SUITES) {
    const association = testAssociation(suite, { spiMask: 0 });
    const opener = openerFor(association);
    const property = fc.property(
      payloads,
      sequences,
      fc.nat(),
      fc.boolean(),
      (payload, sequence, at, pad) => {
        const icvPadding = new Uint8Array((8 - ((12 + suite.icvBytes) % 8)) % 8).fill(pad ? 0xee : 0);
        const content = { nextHeader: 17, sequence, payload, icvPadding };
        const empty = buildAh(association, new Uint8Array(0), content);
        const header = ipv4Packet(51, empty).subarray(0, 20);
        header[8] = 0;
        const data = ipv4Packet(51, buildAh(association, header, content));
        assert.equal(opener.verifyAh(data, 0, 20, data.length), Integrity.verified, suite.name);
        const bit = at % ((data.length - 20) * 8);
        data[20 + (bit >> 3)]! ^= 1 << (bit & 7);
        assert.equal(opener.verifyAh(data, 0, 20, data.length), Integrity.failed, suite.name);
      },
    );
    fc.assert(property, { numRuns: 30, seed: SEED });
  }
});

test('bytes of chance are never verified and never an exception', () => {
  const suites = [...ESP_SUITES, ...AH_SUITES];
  const openers = suites.map((suite) => openerFor(testAssociation(suite, { spiMask: 0 })));
  const property = fc.property(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(0x45, 0x46, 0x4f, 0x60),
    fc.nat(80),
    fc.nat(220),
    fc.nat(suites.length - 1),
    (data, firstByte, offset, end, index) => {
      data[0] = firstByte;
      const opener = openers[index]!;
      assert.notEqual(opener.verifyAh(data, 0, offset, end), Integrity.verified);
      opener.openEsp(data, 0, offset, end);
      assert.notEqual(opener.integrity, Integrity.verified);
    },
  );
  fc.assert(property, { numRuns: 5000, seed: SEED });
});
