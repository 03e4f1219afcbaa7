import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartConfig } from '../../../../src/report/chart/chart-config.js';
import type { BarChart, ChartDefinition } from '../../../../src/report/chart/chart-definition.js';
import { chartTheme } from '../../../../src/report/chart/chart-palette.js';
import {
  limitChart,
  pagesChart,
  rateChart,
  remainingChart,
  runCharts,
} from '../../../../src/report/chart/run-charts.js';
import type { RunReport } from '../../../../src/report/chart/run-report.js';
import {
  convergenceMaps,
  curveCharts,
  frontierChart,
  sweepCharts,
} from '../../../../src/report/chart/sweep-charts.js';
import { axisNumbers } from '../../../../src/report/chart/sweep-report.js';
import { chartTable } from '../../../../src/report/html/page/chart-table.js';
import { sampleClearRun, sampleEndlessRun, sampleRun, sampleSweep } from '../sample-run.js';

const REPORT: RunReport = {
  run: sampleRun(),
  base: sampleRun(),
  clear: sampleClearRun(),
  variants: [{ change: 'MTU 9000', run: sampleEndlessRun() }],
  overMtu: sampleSweep(),
  overRate: sampleSweep(),
};
const DRAWING = { theme: chartTheme('light'), fontFamily: 'Test', width: 800, withHeading: true };

function allCharts(): ChartDefinition[] {
  return [...runCharts(REPORT), ...sweepCharts(sampleSweep())];
}

test('charts of one report have names of their own', () => {
  for (const charts of [runCharts(REPORT), sweepCharts(sampleSweep())]) {
    const ids = charts.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, ids.join());
    for (const id of ids) assert.match(id, /^[a-z0-9-]+$/);
  }
});

test('every series of every chart is one data set, and has numbers in the table', () => {
  for (const chart of allCharts()) {
    assert.equal(chartConfig(chart, DRAWING).data.datasets.length, chart.series.length, chart.id);
    const { rows, columns } = chartTable(chart);
    assert.ok(rows.length > 0, chart.id);
    for (const row of rows) assert.equal(row.length, columns.length, chart.id);
  }
});

test('memory to be sent begins with all of it and ends with nothing when it converges', () => {
  const { guest } = sampleRun().scenario;
  const { points } = remainingChart(REPORT)!.series.find(({ name }) => name === 'aes128gcm16')!;
  assert.ok(Math.abs(points[0]!.y - guest.memoryBytes) < 0.01 * guest.memoryBytes);
  assert.equal(points.at(-1)!.y, 0);
});

test('the bits below the rate of iterations are those of the stream of RAM', () => {
  const run = sampleRun();
  const area = rateChart(run)!.series.reduce(
    (sum, { points }) =>
      sum + points.slice(1).reduce((part, { x }, i) => part + (x - points[i]!.x) * points[i]!.y, 0),
    0,
  );
  assert.ok(Math.abs(area / 8 - run.stream.ramBytes) < 1);
});

test('pages of many iterations are taken together, and none is lost', () => {
  const run = sampleEndlessRun(500);
  const chart = pagesChart(run)!;
  assert.ok(chart.kind === 'histogram' && chart.bins.length <= 40);
  const shown = chart.series[0]!.values.reduce<number>((sum, value) => sum + value!, 0);
  assert.equal(
    shown,
    run.iterations.reduce((sum, { pages }) => sum + pages, 0),
  );
});

test('the times of all limits add up to the time of the run', () => {
  const { categories, series } = limitChart(REPORT) as BarChart;
  const runs = [REPORT.run, REPORT.clear!, REPORT.variants[0]!.run];
  assert.equal(categories.length, 3);
  runs.forEach((run, bar) => {
    const seconds = series.reduce((sum, { values }) => sum + values[bar]!, 0);
    assert.ok(Math.abs(seconds * 1000 - run.totalTimeMs) < 1e-6 * run.totalTimeMs, categories[bar]);
  });
});

test('bars of what does not converge are marked as broken off', () => {
  const chart = limitChart(REPORT) as BarChart;
  assert.deepEqual(chart.brokenOff, [2]);
  assert.match(chart.categories[2]!, /does not converge/);
});

test('over the MTU, what does not converge is a cross and no point', () => {
  const sweep = sampleSweep();
  const rows = sweep.rows.filter(({ settings }) => settings['rate'] === '12000');
  const axes = sweep.axes.filter(({ name }) => name !== 'rate');
  const [time] = curveCharts({ ...sweep, axes, rows });
  const gcm = time!.series.find(({ name }) => name === 'aes128gcm16')!;
  assert.deepEqual(gcm.absent, [576, 1500]);
  assert.deepEqual(
    gcm.points.map(({ x }) => x),
    [4000, 9000],
  );
  assert.match(time!.subtitle!, /Crosses: does not converge/);
  const line = chartConfig(time!, DRAWING).data.datasets[1]!.data as { x: number; y: number }[];
  assert.deepEqual(
    line.map(({ x, y }) => [x, Number.isNaN(y)]),
    [
      [576, true],
      [1500, true],
      [4000, false],
      [9000, false],
    ],
  );
  const table = chartTable(time!);
  assert.equal(table.rows[0]![2], 'does not converge');
});

test('a chart over the MTU holds everything else still, and says at what', () => {
  const [time] = curveCharts(sampleSweep());
  assert.match(time!.subtitle!, /^At rate 8000\. Crosses/);
  assert.deepEqual(
    time!.series.map(({ name }) => name),
    ['no ESP', 'aes128gcm16', 'aes128-sha256'],
  );
});

test('a map has every point of its protection in one cell', () => {
  const maps = convergenceMaps(sampleSweep());
  assert.deepEqual(
    maps.map(({ series }) => series.map(({ name, cells }) => `${name} ${cells.length}`)),
    [
      ['Converges 16', 'Does not converge 4'],
      ['Converges 14', 'Does not converge 6'],
      ['Converges 9', 'Does not converge 6', 'Cannot be 5'],
    ],
  );
  for (const { series } of maps) {
    for (const { name, cells } of series) {
      for (const { value } of cells) assert.equal(value === null, name !== 'Converges');
    }
  }
});

test('the limit of convergence is the largest rate that converges at each MTU', () => {
  const chart = frontierChart(sampleSweep())!;
  assert.deepEqual(
    chart.series.find(({ name }) => name === 'aes128gcm16')!.points.map(({ x, y }) => [x, y]),
    [
      [576, 4000],
      [1500, 8000],
      [4000, 12_000],
      [9000, 16_000],
    ],
  );
});

test('lines that would cover one another become one with both names', () => {
  const sweep = sampleSweep();
  const rows = sweep.rows.map((row) => ({
    ...row,
    figures: sweep.rows.find(
      ({ settings }) =>
        settings['esp'] === 'none' && settings['mtu'] === row.settings['mtu'] && settings['rate'] === '0',
    )!.figures,
  }));
  const names = (charts: readonly ChartDefinition[]) =>
    charts.map(({ series }) => series.map(({ name }) => name));
  const joined = 'no ESP = aes128gcm16 = aes128-sha256';
  assert.deepEqual(names([...curveCharts({ ...sweep, rows }), frontierChart({ ...sweep, rows })!]), [
    [joined],
    [joined],
    [joined],
  ]);
});

test('minutes along an axis are round', () => {
  for (const seconds of [125, 400, 3599, 7300, 90_000]) {
    const chart: ChartDefinition = {
      id: 'line',
      kind: 'line',
      title: 'Line',
      x: { title: 'x', unit: 'count' },
      y: { title: 'Time', unit: 'seconds' },
      series: [{ name: 'a', color: 'blue', certainty: 'measured', points: [{ x: 0, y: seconds }] }],
    };
    const { scales } = chartConfig(chart, DRAWING).options as {
      scales: { y: { ticks: { stepSize: number } } };
    };
    const steps = scales.y.ticks.stepSize / (seconds < 7200 ? 60 : 3600);
    assert.ok(
      [1, 2, 5].includes(Number(steps.toPrecision(1)) / 10 ** Math.floor(Math.log10(steps))),
      `${steps}`,
    );
  }
});

test('maps of one report have the same shades', () => {
  const shades = convergenceMaps(sampleSweep()).map((map) => map.shades!);
  assert.equal(shades.length, 3);
  for (const pair of shades) assert.deepEqual(pair, shades[0]);
});

test('sweeps without numbers have no curves, and those without rates no map', () => {
  const sweep = sampleSweep();
  const suites = { ...sweep, axes: sweep.axes.slice(0, 1), rows: sweep.rows.filter((_, i) => i % 20 === 5) };
  assert.deepEqual(curveCharts(suites), []);
  assert.deepEqual(convergenceMaps(suites), []);
  assert.deepEqual(
    sweepCharts(suites).map(({ id }) => id),
    ['where-time-goes'],
  );
});

test('numbers of an axis may have a unit, but one only', () => {
  const axis = (...values: string[]) =>
    axisNumbers({ ...sampleSweep(), axes: [{ name: 'link', values }] }, 'link');
  assert.deepEqual([...axis('1Gbit', '2.5Gbit')!.numbers.values()], [1, 2.5]);
  assert.equal(axis('1Gbit', '2.5Gbit')!.unit, 'Gbit');
  assert.equal(axis('100Mbit', '1Gbit'), null);
  assert.equal(axis('auto', '1400'), null);
});
