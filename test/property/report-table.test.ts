import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { renderTable, type TableColumn } from '../../src/report/text/table.js';
import { createTextStyle } from '../../src/report/text/text-style.js';
import fc from '../fast-check.js';

const RUNS = { seed: 80, numRuns: 500 };
const style = createTextStyle(false);

const number = fc
  .tuple(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom('', ' B', ' Mbit/s', ' %'))
  .map(([value, unit]) => value.toLocaleString('en-US') + unit);
const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 4 }).map((each) => each.join(' '));
const cell = fc.oneof(number, words);
const titles = words.filter((title) => title !== '');

const column: fc.Arbitrary<TableColumn> = fc.record(
  {
    title: titles,
    align: fc.constantFrom<'left' | 'right'>('left', 'right'),
    minWidth: fc.integer({ min: 1, max: 20 }),
  },
  { requiredKeys: ['title'] },
);

const table = fc
  .array(column, { minLength: 1, maxLength: 9 })
  .chain((columns) =>
    fc.tuple(
      fc.constant(columns),
      fc.array(fc.array(cell, { minLength: columns.length, maxLength: columns.length }), { maxLength: 5 }),
    ),
  );

test('a table is never wider than the terminal, and every number in it is whole', () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 40, max: 200 }), ([columns, rows], width) => {
      const lines = renderTable(columns, rows, { width, style });
      for (const line of lines) assert.ok(stringWidth(line) <= width, line);
      const shown = new Set(lines.flatMap((line) => line.split(/ +/)));
      const digits = rows.flat().flatMap((text) => text.split(' ').filter((word) => /^\d/.test(word)));
      for (const word of digits) assert.ok(shown.has(word), `${word} in\n${lines.join('\n')}`);
    }),
    RUNS,
  );
});

test('a number at the right stays with its unit', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 8 }), (cells) => {
      const columns = cells.map((_, i) => ({ title: `title ${i}`, align: 'right' as const }));
      const lines = renderTable(columns, [cells], { width: 40, style });
      for (const text of cells)
        assert.ok(
          lines.some((line) => line.includes(text)),
          lines.join('\n'),
        );
    }),
    RUNS,
  );
});
