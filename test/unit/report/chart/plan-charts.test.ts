import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEspSuite } from '../../../../src/ipsec/suite.js';
import { mssSawtooth } from '../../../../src/plan/mss-sawtooth.js';
import { stackOf } from '../../../../src/plan/rows.js';
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
  const names = efficiencyChart(samplePlan())!.series.map(({ name }) => name);
  assert.ok(names.includes('aes128gcm16 transport = chacha20poly1305 transport'), names.join('; '));
});

test('efficiency is drawn only over several MTUs', () => {
  const plan = samplePlan();
  const rows = plan.rows.filter(({ linkMtuBytes }) => linkMtuBytes === 1500);
  assert.equal(efficiencyChart({ ...plan, rows }), null);
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

test('efficiency falls where segments no longer fit, to what their fragments cost', () => {
  const [, efficiency] = sawtoothCharts(samplePlan().sawtooth!);
  const { points } = efficiency!.series.find(({ name }) => name === 'aes128gcm16 = chacha20poly1305')!;
  const at = (mss: number) => points.find(({ x }) => x === mss)!.y;
  assert.equal(at(1414), 1414 / 1514);
  // 1415 + 32 of TCP + 2 of trailer are padded to 1452; IP 20, ESP header and IV 16, ICV 16 make 1504: a fragment of 1500, and one
  // of 24 whose frame is filled up to 60.
  assert.equal(at(1415), 1415 / (1514 + 60));
  assert.match(efficiency!.subtitle!, /What does not fit goes as fragments\.$/);
});

test('a chart of segments none of which fits says so', () => {
  const stack = stackOf({ esp: parseEspSuite('aes128gcm16'), ah: null, mode: 'transport' });
  const points = mssSawtooth(stack, 1500, 1936, 2032);
  const [, efficiency] = sawtoothCharts([{ label: 'aes128gcm16', points }]);
  assert.match(efficiency!.subtitle!, /None of these fits: each goes as fragments\.$/);
  // Two frames with 14 + 20 each; 2000 + 34 is padded to 2036, ESP adds 32.
  const { y } = efficiency!.series[0]!.points.find(({ x }) => x === 2000)!;
  assert.equal(y, 2000 / (2 * 34 + 2036 + 32));
});

test('what an alternative adds is what it takes more than the same transfer without protection', () => {
  const plan = samplePlan();
  const { categories, series } = alternativesChart(plan) as BarChart;
  const [, added] = series;
  const clear = plan.rows.find(
    ({ esp, ah, linkMtuBytes }) => esp === null && ah === null && linkMtuBytes === 1500,
  )!;
  for (const { label, wireBytes } of [
    ...comparedRows(plan).map((row) => ({ label: rowLabel(row), wireBytes: row.wireBytes })),
    ...plan.alternatives!.map((each) => ({ label: each.title, wireBytes: each.wireBytes })),
  ]) {
    const bar = categories.indexOf(label);
    if (bar >= 0) assert.equal(added!.values[bar], wireBytes - clear.wireBytes, label);
  }
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
