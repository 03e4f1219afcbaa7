import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeTerminal } from '../../../../src/report/text/escape-terminal.js';

test('control characters become visible escapes', () => {
  assert.equal(escapeTerminal('\u001b[2Jwiped\u0007'), '\\x1b[2Jwiped\\x07');
  assert.equal(escapeTerminal('a\nb\rc\td\u007f'), 'a\\x0ab\\x0dc\\x09d\\x7f');
});

test('the one-byte CSI of C1 is escaped', () => {
  assert.equal(escapeTerminal('\u009b31m'), '\\x9b31m');
});

test('characters that reorder or hide text are escaped', () => {
  assert.equal(escapeTerminal('evil\u202efdp.exe'), 'evil\\u202efdp.exe');
  assert.equal(escapeTerminal('a\u200bb\ufeff\u2028\u2066'), 'a\\u200bb\\ufeff\\u2028\\u2066');
  assert.equal(escapeTerminal('\u{e0041}'), '\\u{e0041}');
});

test('lone surrogates are escaped, whole ones stay', () => {
  assert.equal(escapeTerminal('\ud800x'), '\\ud800x');
  assert.equal(escapeTerminal('\u{1f600}'), '\u{1f600}');
});

test('ordinary text stays as it is', () => {
  const text = 'Kapitän-データ-10.9.0.1 -> fe80::1 0x00000100 …';
  assert.equal(escapeTerminal(text), text);
});
