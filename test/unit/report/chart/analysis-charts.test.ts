import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  analysisCharts,
  associationTimeline,
  layerChart,
  packetSharesChart,
  packetSizeChart,
  sequenceChart,
  throughputChart,
} from '../../../../src/report/chart/analysis-charts.js';
import type { BarChart, CurveChart, HistogramChart } from '../../../../src/report/chart/chart-definition.js';
import { emptySummary, sampleAssociation, sampleSummary } from '../sample-summary.js';
import { sampleTimeline } from './sample-timeline.js';

const BUCKETS = [
  { minBytes: 0, maxBytes: 63, packets: 0, bytes: 0, payloadBytes: 0, ipsecBytes: 0 },
  { minBytes: 64, maxBytes: 127, packets: 100, bytes: 9_000, payloadBytes: 3_000, ipsecBytes: 3_200 },
  { minBytes: 128, maxBytes: 255, packets: 0, bytes: 0, payloadBytes: 0, ipsecBytes: 0 },
  {
    minBytes: 1500,
    maxBytes: 1518,
    packets: 900,
    bytes: 1_350_000,
    payloadBytes: 1_280_000,
    ipsecBytes: 30_600,
  },
  { minBytes: 9019, maxBytes: 4_294_967_295, packets: 1, bytes: 9_100, payloadBytes: 9_000, ipsecBytes: 34 },
];

/** Area below a stepped curve. */
function integrate({ series }: CurveChart): number {
  return series.reduce((total, { points }) => {
    const areas = points.slice(1).map(({ x }, i) => (x - points[i]!.x) * points[i]!.y);
    return total + areas.reduce((sum, area) => sum + area, 0);
  }, 0);
}

test('a capture without packets has no charts', () => {
  assert.deepEqual(analysisCharts(emptySummary()), []);
});

test('each chart of a report has a name of its own', () => {
  const summary = { ...sampleSummary(), packetSizes: BUCKETS, timeline: sampleTimeline() };
  const ids = analysisCharts(summary).map(({ id }) => id);
  assert.deepEqual(ids, [
    'throughput',
    'bytes-by-layer',
    'packet-sizes',
    'packet-shares',
    'sequence-numbers',
    'security-associations',
  ]);
});

test('charts are plain data: they survive JSON', () => {
  const charts = analysisCharts({ ...sampleSummary(), packetSizes: BUCKETS, timeline: sampleTimeline() });
  assert.deepEqual(JSON.parse(JSON.stringify(charts)), charts);
});

for (const intervals of [1, 200, 600, 601, 5_003]) {
  test(`the area below the throughput of ${intervals} intervals is all bits that were sent`, () => {
    const timeline = sampleTimeline(intervals);
    const chart = throughputChart(timeline)!;
    const bytes = Object.values(timeline.byClass)
      .flat()
      .reduce((sum, value) => sum + value, 0);
    assert.ok(Math.abs(integrate(chart) / (bytes * 8) - 1) < 1e-9);
    for (const { points } of chart.series) assert.ok(points.length <= 601);
    assert.equal(chart.series[0]!.points.at(-1)!.x, (intervals * 50) / 1000);
  });
}

test('classes that never occur are not in the throughput', () => {
  assert.deepEqual(
    throughputChart(sampleTimeline())!.series.map(({ name }) => name),
    ['ESP', 'IKE', 'In the clear'],
  );
});

test('the shares of all layers make up the whole, with and without payload', () => {
  const { series } = layerChart(sampleSummary()) as BarChart;
  for (const row of [0, 1]) {
    const sum = series.reduce((total, { values }) => total + (values[row] ?? 0), 0);
    assert.ok(Math.abs(sum - 1) < 1e-12, `${sum}`);
  }
});

test('what was inferred or bounded in the summary is so in the chart', () => {
  const { series } = layerChart(sampleSummary()) as BarChart;
  const certainty = Object.fromEntries(series.map((entry) => [entry.name, entry.certainty]));
  assert.equal(certainty['ESP header'], 'measured');
  assert.equal(certainty['ESP IV'], 'inferred');
  assert.equal(certainty['ESP padding'], 'bounded');
});

test('empty sizes between others stay, those at the ends go', () => {
  const chart = packetSizeChart(BUCKETS) as HistogramChart;
  assert.deepEqual(chart.bins, [
    { from: 64, to: 127 },
    { from: 128, to: 255 },
    { from: 1500, to: 1518 },
    { from: 9019, to: null },
  ]);
  assert.deepEqual(chart.series[0]!.values, [100, 0, 900, 1]);
});

test('payload, headers and IPsec make up each size, and an empty size has none', () => {
  const { series } = packetSharesChart(BUCKETS) as HistogramChart;
  const sums = [0, 2, 3].map((bin) => series.reduce((sum, { values }) => sum + values[bin]!, 0));
  for (const sum of sums) assert.ok(Math.abs(sum - 1) < 1e-12);
  assert.deepEqual(
    series.map(({ values }) => values[1]),
    [null, null, null],
  );
});

test('without IPsec its share is not in the legend', () => {
  const clear = BUCKETS.map((bucket) => ({ ...bucket, ipsecBytes: 0 }));
  assert.equal(packetSharesChart(clear)!.series.length, 2);
});

test('only security associations with gaps are shown, the worst first', () => {
  const sequence = sampleAssociation().sequence;
  const chart = sequenceChart([
    sampleAssociation({ spi: '0x1' }),
    sampleAssociation({ spi: '0x2', sequence: { ...sequence, missing: 1 } }),
    sampleAssociation({ spi: '0x3', sequence: { ...sequence, missing: 5, reordered: 2 } }),
  ]) as BarChart;
  assert.match(chart.categories[0]!, /0x3/);
  assert.deepEqual(
    chart.series.map(({ values }) => values),
    [
      [5, 1],
      [0, 0],
      [2, 0],
    ],
  );
  assert.equal(sequenceChart([sampleAssociation()]), null);
});

test('times of security associations count from the first packet', () => {
  const summary = sampleSummary();
  summary.securityAssociations[1]!.firstTimeNs = '1700000000500000000';
  const chart = associationTimeline(summary);
  assert.ok(chart?.kind === 'timeline');
  const spans = chart.series.flatMap((series) => series.spans);
  assert.deepEqual(spans, [
    { lane: 0, from: 0, to: 1.38 },
    { lane: 1, from: 0.5, to: 1.38 },
  ]);
});

test('invisible characters in names are made visible', () => {
  const summary = sampleSummary();
  summary.securityAssociations[0]!.source = '\u202e\u0007evil';
  const text = JSON.stringify(associationTimeline(summary));
  assert.match(text, /\\\\u202e\\\\x07evil/);
});
