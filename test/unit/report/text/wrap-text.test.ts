import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortenMiddle, wrapText } from '../../../../src/report/text/wrap-text.js';

test('text is broken at spaces', () => {
  assert.deepEqual(wrapText('one two three', { width: 9 }), ['one two', 'three']);
});

test('later lines are indented as told', () => {
  assert.deepEqual(wrapText('one two three', { width: 9, first: '* ' }), ['* one two', '  three']);
  assert.deepEqual(wrapText('one two three', { width: 9, rest: '    ' }), ['one two', '    three']);
});

test('a word longer than the line is broken where it has a seam, else anywhere', () => {
  assert.deepEqual(wrapText('[2001:db8::1]:44410', { width: 8 }), ['[2001:', 'db8::1]:', '44410']);
  assert.deepEqual(wrapText('aes128-sha256', { width: 12 }), ['aes128-', 'sha256']);
  assert.deepEqual(wrapText('chacha20poly1305', { width: 12 }), ['chacha20poly', '1305']);
});

test('a number breaks only where there is no seam before it', () => {
  assert.deepEqual(wrapText('port:49152000', { width: 11 }), ['port:', '49152000']);
  assert.deepEqual(wrapText('4294967296', { width: 8 }), ['42949672', '96']);
});

test('a number stays with its unit', () => {
  assert.deepEqual(wrapText('off by 13.2 % at worst', { width: 11 }), ['off by', '13.2 % at', 'worst']);
  assert.deepEqual(wrapText('takes 8.11 s, 94.1 Mbit/s', { width: 11 }), ['takes', '8.11 s,', '94.1 Mbit/s']);
  assert.deepEqual(wrapText('4 hosts, 3 min', { width: 6 }), ['4', 'hosts,', '3 min']);
});

test('wide characters count two columns', () => {
  assert.deepEqual(wrapText('データ データ', { width: 8 }), ['データ', 'データ']);
});

test('a long path keeps its beginning and its end', () => {
  assert.equal(shortenMiddle('/captures/2024/migration.pcap', 15), '/captur…on.pcap');
  assert.equal(shortenMiddle('short', 15), 'short');
});
