import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBps,
  formatBpsPair,
  formatBytes,
  formatCount,
  formatCounted,
  formatFrequency,
  formatSeconds,
  formatShare,
  secondsBetween,
} from '../../../../src/report/text/format-quantity.js';

test('counts have thousands separators', () => {
  assert.equal(formatCount(999), '999');
  assert.equal(formatCount(1_234_567), '1,234,567');
  assert.equal(formatCounted(1, 'packet'), '1 packet');
  assert.equal(formatCounted(2_000, 'copy', 'copies'), '2,000 copies');
});

test('bytes are SI units with three digits', () => {
  const expected: [number, string][] = [
    [0, '0 B'],
    [512, '512 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [1_500, '1.50 kB'],
    [12_345, '12.3 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [14_500_000, '14.5 MB'],
    [2.5e12, '2.50 TB'],
  ];
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
});

test('rates are bits per second', () => {
  assert.equal(formatBps(94_123_456), '94.1 Mbit/s');
  assert.equal(formatBps(10e9), '10.0 Gbit/s');
  assert.equal(formatBps(0.25), '0.25 bit/s');
  assert.equal(formatBpsPair(75_400_000, 80_000_000), '75.4/80.0 Mbit/s');
});

test('what is rarer than once a second is told by the time between two', () => {
  assert.equal(formatFrequency(812_744.4, 'packet'), '812,744 packets/s');
  assert.equal(formatFrequency(81.27, 'packet'), '81.3 packets/s');
  assert.equal(formatFrequency(1, 'packet'), '1 packets/s');
  assert.equal(formatFrequency(0.25, 'packet'), 'one packet in 4.00 s');
  assert.equal(formatFrequency(1 / 12_304, 'packet'), 'one packet in 3 h 25 min');
});

test('a share above zero never prints as none, one below the whole never as all', () => {
  assert.equal(formatShare(0, 100), '0.0 %');
  assert.equal(formatShare(1, 1_000_000), '< 0.1 %');
  assert.equal(formatShare(999_999, 1_000_000), '> 99.9 %');
  assert.equal(formatShare(7, 7), '100 %');
  assert.equal(formatShare(1, 3), '33.3 %');
  assert.equal(formatShare(0, 0), '-');
});

test('times take the unit that suits them', () => {
  assert.equal(formatSeconds(0), '0 s');
  assert.equal(formatSeconds(0.000_012), '12 us');
  assert.equal(formatSeconds(0.012_34), '12.3 ms');
  assert.equal(formatSeconds(1.38), '1.38 s');
  assert.equal(formatSeconds(59.9), '59.9 s');
  assert.equal(formatSeconds(125), '2 min 5 s');
  assert.equal(formatSeconds(3600 * 3 + 125), '3 h 2 min');
});

test('nanosecond times beyond 2^53 are subtracted exactly', () => {
  assert.equal(secondsBetween('1700000000000000001', '1700000000000000002'), 1e-9);
});
