import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatAddressWords } from '../../../src/analysis/format-address.js';

test('IPv4 addresses are dotted, IPv6 ones are written as in RFC 5952', () => {
  assert.equal(formatAddress(Uint8Array.of(192, 0, 2, 255)), '192.0.2.255');
  const bytes = new Uint8Array(16);
  bytes.set([0x20, 0x01, 0x0d, 0xb8]);
  bytes[15] = 1;
  assert.equal(formatAddress(bytes), '2001:db8::1');
  assert.equal(formatAddressWords(Int32Array.of(-1, 0x0a000001), 1, 1), '10.0.0.1');
  assert.equal(formatAddressWords(Int32Array.of(0x20010db8, 0, 0, 1), 0, 4), '2001:db8::1');
});
