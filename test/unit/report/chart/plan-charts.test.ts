import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BarChart } from '../../../../src/report/chart/chart-definition.js';
import {
  alternativesChart,
  efficiencyChart,
  planCharts,
  sawtoothCharts,
  transferChart,
} from '../../../../src/report/chart/plan-charts.js';
import { comparedRows, rowLabel } from '../../../../src/report/chart/plan-report.js';
import { samplePlan } from './sample-plan.js';

test('a plan without rows has no charts', () => {
  assert.deepEqual(planCharts({ payloadBytes: 0, rows: [] }), []);
});

test('the overhead of each suite is all that is not payload', () => {
  const plan = samplePlan();
  const { categories, series } = transferChart(plan) as BarChart;
  for (const row of comparedRows(plan)) {
    const bar = categories.indexOf(rowLabel(row));
    const sum = series.reduce((total, { values }) => total + (values[bar] ?? 0), 0);
    assert.equal(sum, row.wireBytes - plan.payloadBytes, rowLabel(row));
  }
});

test('suites are compared at 1500 bytes unless told otherwise', () => {
  const plan = samplePlan();
  assert.ok(comparedRows(plan).every(({ linkMtuBytes }) => linkMtuBytes === 1500));
  const jumbo = comparedRows({ ...plan, compareAtMtuBytes: 9000 });
  assert.ok(jumbo.length > 0 && jumbo.every(({ linkMtuBytes }) => linkMtuBytes === 9000));
});

test('suites of the same sizes share a line that names both', () => {
  const names = efficiencyChart(samplePlan().rows)!.series.map(({ name }) => name);
  assert.ok(names.includes('aes128gcm16 transport = chacha20poly1305 transport'), names.join('; '));
});

test('efficiency is drawn only over several MTUs', () => {
  const { rows } = samplePlan();
  assert.equal(efficiencyChart(rows.filter(({ linkMtuBytes }) => linkMtuBytes === 1500)), null);
});

// Block of AES-CBC (RFC 3602 section 2.4) and of ESP itself (RFC 4303 section 2.4).
for (const [name, blockBytes] of [
  ['aes256-sha256', 16],
  ['aes128gcm16 = chacha20poly1305', 4],
] as const) {
  test(`the padding of ${name} is a saw-tooth of ${blockBytes} bytes`, () => {
    const [padding] = sawtoothCharts(samplePlan().sawtooth!);
    const { points } = padding!.series.find((series) => series.name === name)!;
    for (const [i, { y }] of points.slice(1).entries()) {
      const before = points[i]!.y;
      assert.equal(y, before === 0 ? blockBytes - 1 : before - 1);
    }
  });
}

test('the largest MSS that fits is marked', () => {
  const [padding] = sawtoothCharts(samplePlan().sawtooth!);
  assert.deepEqual(padding!.references?.map(({ x }) => x).toSorted(), [1406, 1414]);
});

test('alternatives stand in the order of what they cost', () => {
  const plan = samplePlan();
  const { categories, series } = alternativesChart(plan) as BarChart;
  const totals = categories.map((_, i) => series.reduce((sum, { values }) => sum + values[i]!, 0));
  assert.deepEqual(
    totals,
    totals.toSorted((a, b) => a - b),
  );
  for (const { title, wireBytes } of plan.alternatives!) {
    assert.equal(totals[categories.indexOf(title)], wireBytes - plan.payloadBytes);
  }
});
