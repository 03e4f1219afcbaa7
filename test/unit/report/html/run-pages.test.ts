import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartTable } from '../../../../src/report/html/page/chart-table.js';
import { runPage } from '../../../../src/report/html/render-run-html.js';
import { sweepPage } from '../../../../src/report/html/render-sweep-html.js';
import type { ReportPage } from '../../../../src/report/html/report-page.js';
import { sampleClearRun, sampleEndlessRun, sampleRun, sampleSweep } from '../sample-run.js';

const SWEEP = sampleSweep();
const GOOD = {
  run: sampleRun(),
  base: sampleRun(),
  clear: sampleClearRun(),
  variants: [{ change: 'MTU 9000', run: sampleClearRun() }],
  overMtu: SWEEP,
  overRate: SWEEP,
};
const BAD = { ...GOOD, run: sampleEndlessRun(), base: sampleEndlessRun() };

function tablesOf({ sections }: ReportPage) {
  const charts = sections.flatMap((section) => section.charts ?? []);
  return [...sections.flatMap(({ tables = [] }) => tables), ...charts.map(chartTable)];
}

test('the verdict of the terminal leads, in its tone', () => {
  assert.deepEqual(runPage(GOOD).lead[0], {
    text: 'Migrates in 11.2 s with 210 ms downtime; in the clear 8.11 s with 160 ms.',
    tone: 'good',
  });
  const [first, second] = runPage(BAD).lead;
  assert.match(first!.text, /^Does not converge in 1 min 0 s/);
  assert.equal(first!.tone, 'bad');
  assert.match(second!.text, /What would: MTU 9000/);
});

test('each table has a cell for each column', () => {
  for (const page of [runPage(GOOD), runPage(BAD), runPage({ ...GOOD, clear: null }), sweepPage(SWEEP)]) {
    const tables = tablesOf(page);
    assert.ok(tables.length >= 8);
    for (const { caption, columns, rows } of tables) {
      assert.ok(rows.length > 0, caption);
      for (const row of rows) assert.equal(row.length, columns.length, caption);
    }
  }
});

test('a run without variants, clear and explorations has no empty sections', () => {
  const page = runPage({ ...GOOD, clear: null, variants: [], overMtu: null, overRate: null });
  assert.deepEqual(
    page.sections.map(({ heading }) => heading),
    ['Where the time goes', 'The iterations'],
  );
});

test('points that do not converge sort behind those that do', () => {
  const table = sweepPage(SWEEP).sections.at(-1)!.tables![0]!;
  const sorts = table.rows.map((row) => row[1]!).filter((cell) => typeof cell === 'object');
  const slowest = Math.max(...sorts.filter(({ text }) => /\ds?$|s$/.test(text)).map(({ sort }) => sort));
  for (const { text, sort } of sorts) if (text === 'does not converge') assert.ok(sort > slowest);
  assert.ok(sorts.some(({ text }) => text === 'does not converge'));
});

test('a sweep of thousands of points is cut in the page, which says so', () => {
  const rows = Array.from({ length: 2001 }, (_, index) => ({ ...SWEEP.rows[0]!, index }));
  const table = sweepPage({ ...SWEEP, rows }).sections.at(-1)!.tables![0]!;
  assert.equal(table.rows.length, 2000);
  assert.match(table.note!, /first 2,000 of 2,001/);
});
