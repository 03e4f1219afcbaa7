import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatAddressPattern,
  formatIpAddress,
  matchesAddress,
  parseAddressPattern,
  parseIpAddress,
} from '../../../src/ipsec/ip-address.js';

test('addresses are written as RFC 5952 recommends', () => {
  const forms = {
    '10.9.0.1': '10.9.0.1',
    '2001:DB8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '::': '::',
    '::1': '::1',
    'fe80::1%eth0': 'fe80::1',
    '1:2:3:4:5:6:7:0': '1:2:3:4:5:6:7:0',
    '::ffff:10.0.0.1': '::ffff:a00:1',
    'fd09:0:0::': 'fd09::',
  };
  for (const [text, canonical] of Object.entries(forms)) {
    assert.equal(formatIpAddress(parseIpAddress(text)!), canonical);
  }
});

test('text that is no address is null', () => {
  for (const text of ['', 'host', '1.2.3', '1.2.3.4.5', ':::', '1::2::3', '*', '10.0.0.0/8']) {
    assert.equal(parseIpAddress(text), null, text);
  }
});

function matches(pattern: string, address: string): boolean {
  const parsed = parseIpAddress(address)!;
  return matchesAddress(parseAddressPattern(pattern, parsed.family)!, parsed.bytes, 0);
}

test("patterns match as in Wireshark's SA table", () => {
  assert.ok(matches('190.*.*.1', '190.7.8.1'));
  assert.ok(!matches('190.*.*.1', '190.7.8.2'));
  assert.ok(matches('10.9.0.0/20', '10.9.15.255'));
  assert.ok(!matches('10.9.0.0/20', '10.9.16.0'));
  assert.ok(matches('3ffe::*', '3ffe::abcd'));
  assert.ok(!matches('3ffe::*', '3ffe::1:abcd'));
  assert.ok(matches('3ffe:*::1', '3ffe:99::1'));
  assert.ok(matches('fd09::1*', 'fd09::1f'));
  assert.ok(!matches('fd09::1*', 'fd09::2f'));
  assert.ok(matches('fd09::/64', 'fd09::1'));
  assert.equal(parseAddressPattern('*', 4), null);
});

test('what is no pattern is told from any address', () => {
  for (const text of ['10.0.0', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.1*', 'fd09', '**', '']) {
    assert.equal(parseAddressPattern(text, 4), undefined, text);
  }
  assert.equal(parseAddressPattern('10.0.0.1', 6), undefined);
});

test('patterns are written as they are read, unless they cut through a digit', () => {
  for (const text of ['10.*.0.1', '10.0.0.1']) {
    assert.equal(formatAddressPattern(parseAddressPattern(text, 4)!), text);
  }
  assert.equal(formatAddressPattern(parseAddressPattern('10.9.0.0/16', 4)!), '10.9.*.*');
  assert.equal(formatAddressPattern(parseAddressPattern('10.9.0.0/17', 4)!), null);
  assert.equal(
    formatAddressPattern(parseAddressPattern('fd09::1*', 6)!),
    'fd09:0000:0000:0000:0000:0000:0000:001*',
  );
  assert.equal(formatAddressPattern(parseAddressPattern('fd09::/65', 6)!), null);
  assert.equal(formatAddressPattern(null), '*');
});
