import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analysisCharts } from '../../../../src/report/chart/analysis-charts.js';
import { chartConfig, suggestedHeight } from '../../../../src/report/chart/chart-config.js';
import type { ChartDefinition, CurveChart } from '../../../../src/report/chart/chart-definition.js';
import { chartTheme } from '../../../../src/report/chart/chart-palette.js';
import { planCharts } from '../../../../src/report/chart/plan-charts.js';
import { sampleSummary } from '../sample-summary.js';
import { samplePlan } from './sample-plan.js';
import { sampleTimeline } from './sample-timeline.js';

const DRAWING = { theme: chartTheme('light'), fontFamily: 'Test', width: 800, withHeading: true };

const LINES: CurveChart = {
  id: 'lines',
  kind: 'line',
  title: 'Lines',
  x: { title: 'Time', unit: 'seconds' },
  y: { title: 'Rate', unit: 'bitsPerSecond' },
  series: (['measured', 'inferred', 'bounded'] as const).map((certainty) => ({
    name: certainty,
    color: 'blue',
    certainty,
    points: [
      { x: 0, y: 1e6, low: 0.5e6, high: 3e6 },
      { x: 2, y: 2e6, low: 1e6, high: 9e6 },
    ],
  })),
};

test('every series is one data set, in the same order', () => {
  const charts = [
    ...analysisCharts({ ...sampleSummary(), timeline: sampleTimeline() }),
    ...planCharts(samplePlan()),
    LINES,
  ];
  for (const chart of charts) {
    const labels = chartConfig(chart, DRAWING).data.datasets.map(({ label }) => label);
    assert.equal(labels.length, chart.series.length, chart.id);
    for (const [i, series] of chart.series.entries()) assert.ok(labels[i]!.startsWith(series.name));
  }
});

test('measured lines are solid, inferred ones dashed, and both others say what they are', () => {
  const { datasets } = chartConfig(LINES, DRAWING).data;
  const drawn = datasets.map((set) => [set.label, (set as { borderDash?: number[] }).borderDash?.length]);
  assert.deepEqual(drawn, [
    ['measured', 0],
    ['inferred (inferred)', 2],
    ['bounded (bounded)', 0],
  ]);
});

test('axes name their unit, and leave room for the limits of bounded values', () => {
  const { scales } = chartConfig(LINES, DRAWING).options as {
    scales: Record<'x' | 'y', { title: { text: string }; suggestedMax?: number }>;
  };
  assert.equal(scales.x.title.text, 'Time (s)');
  assert.equal(scales.y.title.text, 'Rate (Mbit/s)');
  assert.ok(scales.y.suggestedMax! >= 9e6);
});

test('the axis of a share never passes 100 %', () => {
  const chart: CurveChart = {
    ...LINES,
    y: { title: 'Efficiency', unit: 'share' },
    series: [
      {
        ...LINES.series[0]!,
        points: [
          { x: 1, y: 0.9 },
          { x: 2, y: 0.998 },
        ],
      },
    ],
  };
  const { scales } = chartConfig(chart, DRAWING).options as { scales: { y: { suggestedMax: number } } };
  assert.equal(scales.y.suggestedMax, 1);
});

test('more bars make a higher chart', () => {
  const bars = (count: number): ChartDefinition => ({
    id: 'bars',
    kind: 'stackedBar',
    title: 'Bars',
    categories: Array.from({ length: count }, (_, i) => `bar ${i}`),
    value: { title: 'Bytes', unit: 'bytes' },
    series: [{ name: 'a', color: 'blue', certainty: 'measured', values: new Array(count).fill(1) }],
  });
  assert.ok(suggestedHeight(bars(20), 800, false) > 2 * suggestedHeight(bars(5), 800, false));
});

test('two lanes of the same name stay two lanes', () => {
  const chart: ChartDefinition = {
    id: 'lanes',
    kind: 'timeline',
    title: 'Lanes',
    lanes: ['same', 'same'],
    x: { title: 'Time', unit: 'seconds' },
    series: [
      {
        name: 'a',
        color: 'blue',
        certainty: 'measured',
        spans: [
          { lane: 0, from: 0, to: 1 },
          { lane: 1, from: 1, to: 2 },
        ],
      },
    ],
  };
  const { labels, datasets } = chartConfig(chart, DRAWING).data;
  assert.equal(new Set(labels).size, 2);
  assert.deepEqual(datasets[0]!.data, [
    { x: [0, 1], y: '0' },
    { x: [1, 2], y: '1' },
  ]);
});
