import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatChange } from '../../../../src/report/text/format-change.js';

test('a change has its sign', () => {
  assert.equal(formatChange(24, 1000), '+2.4 %');
  assert.equal(formatChange(-3, 1000), '-0.3 %');
  assert.equal(formatChange(3000, 1000), '+300.0 %');
  assert.equal(formatChange(0, 1000), 'same');
});

test('what is next to nothing, or to everything, is a limit with the sign at its number', () => {
  assert.equal(formatChange(1, 1e6), '< +0.1 %');
  assert.equal(formatChange(-1, 1e6), '> -0.1 %');
  assert.equal(formatChange(-999_999, 1e6), '< -99.9 %');
  assert.equal(formatChange(999_999, 1e6), '> +99.9 %');
});
