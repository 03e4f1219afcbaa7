import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { quoteCommand } from '../../src/orchestrator/hosts/shell-quote.js';
import fc from '../fast-check.js';
import { findTool } from '../tool.js';

/** Shells that people log in with, as far as they are installed; a sh there is always. */
const SHELLS = [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh'], ['ksh'], ['zsh']].filter(
  ([shell = '']) => findTool(shell) !== undefined,
);

/** What could be anything but itself in some shell. */
const NASTY = fc.string({
  unit: fc.constantFrom(
    ...'\'"\\`$!~*?[]{}()<>|&;#= \t\n\r\v%^,-+a1',
    '$(echo no)',
    '$IFS',
    '\u0001',
    '\u007f',
    'é',
    '猫',
    '\u{1f600}',
    "''",
    '-n',
    '--',
  ),
});
const WORD = fc.oneof(NASTY, fc.string({ unit: 'binary' })).filter((word) => !word.includes('\0'));

for (const [shell = '', ...options] of SHELLS) {
  test(`every argument reaches a program byte for byte through ${[shell, ...options].join(' ')}`, () => {
    fc.assert(
      fc.property(fc.array(WORD, { maxLength: 12 }), (words) => {
        const line = quoteCommand(['printf', '%s\\0', 'first', ...words]);
        const { stdout, status, stderr } = spawnSync(shell, [...options, '-c', line]);
        assert.equal(status, 0, stderr.toString());
        const expected = Buffer.from(['first', ...words].map((word) => `${word}\0`).join(''));
        assert.deepEqual(stdout, expected);
      }),
      { numRuns: 100 },
    );
  });
}

test('a NUL is refused: no argument can hold one', () => {
  assert.throws(() => quoteCommand(['echo', 'a\0b']), TypeError);
});

test('a line just short enough reaches the program, one byte more is refused before anything is sent', () => {
  const longest = 131_071 - "'printf' '%s' ''".length;
  const line = quoteCommand(['printf', '%s', 'x'.repeat(longest)]);
  const { stdout, error } = spawnSync('sh', ['-c', line]);
  assert.equal(error, undefined);
  assert.equal(stdout.length, longest);
  assert.throws(() => quoteCommand(['printf', '%s', 'x'.repeat(longest + 1)]), RangeError);
});
