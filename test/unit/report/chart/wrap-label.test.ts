import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapLabel } from '../../../../src/report/chart/wrap-label.js';
import fc from '../../../fast-check.js';

test('labels break at spaces', () => {
  assert.deepEqual(wrapLabel('ESP 0x100 10.0.0.1 to 10.0.0.2', 16), ['ESP 0x100', '10.0.0.1 to', '10.0.0.2']);
});

test('no line is longer than asked for, and no character is lost', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
      const lines = wrapLabel(text, columns);
      for (const line of lines) assert.ok([...line].length <= columns || line.length <= columns);
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
    }),
  );
});
