import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { ChartDefinition, CurveChart, MapChart } from '../../../../src/report/chart/chart-definition.js';
import { chartTheme } from '../../../../src/report/chart/chart-palette.js';
import { limitChart, runCharts } from '../../../../src/report/chart/run-charts.js';
import { sweepCharts } from '../../../../src/report/chart/sweep-charts.js';
import { renderPng } from '../../../../src/report/png/render-png.js';
import { sampleClearRun, sampleEndlessRun, sampleRun, sampleSweep } from '../sample-run.js';

const { colors: COLORS, background: GROUND } = chartTheme('light');
const SWEEP = sampleSweep();
const RUN = {
  run: sampleEndlessRun(),
  base: sampleEndlessRun(),
  clear: sampleClearRun(),
  variants: [{ change: 'MTU 9000', run: sampleRun() }],
  overMtu: SWEEP,
  overRate: SWEEP,
};

/** `#rrggbb` -> pixels. */
async function colorsOf(chart: ChartDefinition): Promise<Map<string, number>> {
  const image = await loadImage(await renderPng(chart, { pixelRatio: 1 }));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colors = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const color = `#${Buffer.from(data.subarray(at, at + 3)).toString('hex')}`;
    colors.set(color, (colors.get(color) ?? 0) + 1);
  }
  return colors;
}

/** Whether some pixels have a hue: blended with the ground a colour keeps the order of its channels. */
function shadesOf(
  colors: ReadonlyMap<string, number>,
  isHue: (r: number, g: number, b: number) => boolean,
): number {
  let pixels = 0;
  for (const [color, count] of colors) {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [
      number,
      number,
      number,
    ];
    if (isHue(r, g, b)) pixels += count;
  }
  return pixels;
}

const isReddish = (r: number, _: number, b: number) => r > b + 60;
const isBluish = (r: number, _: number, b: number) => b > r + 15;

test('every chart of a run and of a sweep can be drawn', async () => {
  for (const chart of [...runCharts(RUN), ...sweepCharts(SWEEP)]) {
    const colors = await colorsOf(chart);
    assert.ok(colors.size > 20, `${chart.id} has ${colors.size} colours`);
    assert.ok(colors.has(GROUND), chart.id);
  }
});

const MAP: MapChart = {
  id: 'map',
  kind: 'map',
  title: 'Map',
  x: { title: 'x', unit: 'count' },
  y: { title: 'y', unit: 'count' },
  columns: [1, 2],
  rows: [1],
  value: { title: 'Time', unit: 'seconds' },
  series: [{ name: 'Converges', color: 'blue', certainty: 'measured', cells: [] }],
};

test('a cell without a value is hatched in its colour, one with a value is filled', async () => {
  const cell = { column: 0, row: 0 };
  const drawn = (value: number | null, color: 'blue' | 'vermilion') =>
    colorsOf({ ...MAP, series: [{ ...MAP.series[0]!, color, cells: [{ ...cell, value }] }] });
  const filled = await drawn(5, 'blue');
  const hatched = await drawn(null, 'vermilion');
  const largest = Math.max(...[...filled].filter(([color]) => color !== GROUND).map(([, count]) => count));
  assert.ok(largest > 20_000, `one shade fills a cell: ${largest} pixels`);
  // Text has fringes of colour.
  assert.ok(shadesOf(hatched, isReddish) > shadesOf(filled, isReddish) + 3000);
  assert.ok(shadesOf(filled, isBluish) > shadesOf(hatched, isBluish) + 20_000);
});

test('the longer the darker', async () => {
  const cells = [
    { column: 0, row: 0, value: 1 },
    { column: 1, row: 0, value: 100 },
  ];
  const colors = await colorsOf({ ...MAP, series: [{ ...MAP.series[0]!, cells }] });
  const fills = [...colors]
    .filter(([color, count]) => color !== GROUND && count > 20_000)
    .map(([color]) => color);
  assert.equal(fills.length, 2);
});

test('what is absent from a line is drawn as crosses, and only that', async () => {
  const line = { name: 'a', color: 'vermilion', certainty: 'measured', points: [{ x: 0, y: 1 }] } as const;
  const chart: CurveChart = {
    id: 'line',
    kind: 'line',
    title: 'Line',
    x: { title: 'x', unit: 'count', min: 0, max: 10 },
    y: { title: 'y', unit: 'seconds' },
    series: [line],
  };
  const without = (await colorsOf(chart)).get(COLORS.vermilion) ?? 0;
  const crossed = await colorsOf({ ...chart, series: [{ ...line, absent: [3, 5, 7] }] });
  assert.ok((crossed.get(COLORS.vermilion) ?? 0) > without + 3 * 10, `${without}`);
});

test('a bar that was broken off is crossed out', async () => {
  const chart = limitChart({ ...RUN, clear: null, variants: [] });
  assert.ok(chart.kind === 'stackedBar');
  const solid = await colorsOf({ ...chart, brokenOff: [] });
  const crossed = await colorsOf(chart);
  assert.ok((crossed.get(COLORS.orange) ?? 0) < 0.95 * solid.get(COLORS.orange)!);
});
