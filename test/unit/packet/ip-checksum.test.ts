import assert from 'node:assert/strict';
import { test } from 'node:test';
import { internetChecksum } from '../../../src/packet/ip-checksum.js';
import { bytes } from './frame-builder.js';

test('sums the example of RFC 1071 section 3: the sum is ddf2', () => {
  const example = bytes('ff 0001 f203 f4f5 f6f7 ff');
  assert.equal(internetChecksum(example, 1, 9), ~0xddf2 & 0xffff);
});

test('pads an odd byte at the end with zero', () => {
  assert.equal(internetChecksum(bytes('0001 f2'), 0, 3), internetChecksum(bytes('0001 f200'), 0, 4));
});

test('a header with its checksum in it sums to zero', () => {
  // Packet 5 of captures/ipsec/t4-gcm16.pcap, as a Linux kernel sent it.
  const header = bytes('4500 0078 2641 4000 4032 fffe 0a09 0001 0a09 0002');
  assert.equal(internetChecksum(header, 0, 20), 0);
});
