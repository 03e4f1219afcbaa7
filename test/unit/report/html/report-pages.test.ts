import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartTable } from '../../../../src/report/html/page/chart-table.js';
import { analysisPage } from '../../../../src/report/html/render-analysis-html.js';
import { planPage } from '../../../../src/report/html/render-plan-html.js';
import type { ReportPage } from '../../../../src/report/html/report-page.js';
import { samplePlan } from '../chart/sample-plan.js';
import { sampleTimeline } from '../chart/sample-timeline.js';
import { emptySummary, sampleFlow, sampleSummary } from '../sample-summary.js';

function tablesOf(page: ReportPage) {
  return page.sections.flatMap(({ tables = [] }) => tables);
}

test('the verdict comes first, and clear traffic makes it bad', () => {
  const [first] = analysisPage(sampleSummary()).lead;
  assert.match(first!.text, /96\.6 % in ESP, 3\.4 % \(498 kB\) in the clear/);
  assert.equal(first!.tone, 'bad');
});

test('all encrypted is good', () => {
  const summary = sampleSummary();
  summary.protection.clear = { packets: 0, bytes: 0 };
  assert.equal(analysisPage(summary).lead[0]!.tone, 'good');
});

test('an empty capture makes a page without charts', () => {
  const page = analysisPage(emptySummary());
  assert.match(page.lead[0]!.text, /No packets/);
  assert.deepEqual(
    page.sections.flatMap(({ charts = [] }) => charts),
    [],
  );
});

test('each table has a cell for each column', () => {
  const pages = [analysisPage({ ...sampleSummary(), timeline: sampleTimeline() }), planPage(samplePlan())];
  const charts = pages.flatMap(({ sections }) => sections.flatMap((section) => section.charts ?? []));
  const tables = [...pages.flatMap(tablesOf), ...charts.map(chartTable)];
  assert.ok(tables.length > 15);
  for (const { caption, columns, rows } of tables) {
    assert.ok(rows.length > 0, caption);
    for (const row of rows) assert.equal(row.length, columns.length, caption);
  }
});

test('more than 200 flows are cut, and the table says so', () => {
  const summary = sampleSummary();
  summary.flows = Array.from({ length: 201 }, (_, i) => sampleFlow({ sourcePort: i }));
  const table = tablesOf(analysisPage(summary)).find(({ columns }) => columns[0]!.title === 'Protocol');
  assert.equal(table!.rows.length, 200);
  assert.match(table!.note!, /first 200 of 201/);
});

test('invisible characters in paths and names are shown', () => {
  const summary = sampleSummary();
  summary.inputs[0]!.path = 'a\u202eb\u0000.pcap';
  summary.flows[0]!.source = '\u200bx';
  const text = JSON.stringify(tablesOf(analysisPage(summary)));
  assert.match(text, /a\\\\u202eb\\\\x00\.pcap/);
  assert.match(text, /\\\\u200bx/);
});

test('a plan recommends a protected row and says what it costs', () => {
  const { lead, facts } = planPage(samplePlan());
  assert.match(lead[0]!.text, /^Fewest bytes: .+ at a link MTU of 9,000\.$/);
  assert.match(lead[1]!.text, /^4\.29 GB become 4\.3\d GB on the wire/);
  assert.match(lead[2]!.text, /more than without IPsec/);
  assert.equal(facts!.length, 4);
});

test('a plan without rows says so', () => {
  assert.match(planPage({ payloadBytes: 1, rows: [] }).lead[0]!.text, /nothing to plan/);
});
