import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { analysisCharts } from '../../../../src/report/chart/analysis-charts.js';
import type { ChartDefinition } from '../../../../src/report/chart/chart-definition.js';
import { chartTheme } from '../../../../src/report/chart/chart-palette.js';
import { planCharts } from '../../../../src/report/chart/plan-charts.js';
import { renderPng } from '../../../../src/report/png/render-png.js';
import { renderAnalysisPngs } from '../../../../src/report/png/render-report-pngs.js';
import { samplePlan } from '../chart/sample-plan.js';
import { sampleTimeline } from '../chart/sample-timeline.js';
import { sampleSummary } from '../sample-summary.js';

const BARS: ChartDefinition = {
  id: 'bars',
  kind: 'stackedBar',
  title: 'Bars',
  categories: ['one'],
  value: { title: 'Bytes', unit: 'bytes' },
  series: [{ name: 'a', color: 'vermilion', certainty: 'measured', values: [3] }],
};

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `#rrggbb` -> pixels. */
  readonly colors: ReadonlyMap<string, number>;
}

async function decodePng(png: Buffer): Promise<Pixels> {
  const { width, height } = await loadImage(png);
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(await loadImage(png), 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const colors = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const color = `#${Buffer.from(data.subarray(at, at + 3)).toString('hex')}`;
    colors.set(color, (colors.get(color) ?? 0) + 1);
  }
  return { width, height, colors };
}

test('a picture has as many pixels as asked for', async () => {
  const png = await renderPng(BARS, { width: 400, height: 300, pixelRatio: 3 });
  const { width, height } = await decodePng(png);
  assert.deepEqual([width, height], [1200, 900]);
});

test('the ground is that of the theme, and a bar has its colour', async () => {
  for (const name of ['light', 'dark'] as const) {
    const { background, colors: wanted } = chartTheme(name);
    const { colors, width, height } = await decodePng(await renderPng(BARS, { theme: name }));
    assert.ok(colors.get(background)! > (width * height) / 3, name);
    assert.ok(colors.get(wanted.vermilion)! > (width * height) / 50, name);
  }
});

test('the same chart gives the same picture', async () => {
  assert.deepEqual(await renderPng(BARS), await renderPng(BARS));
});

test('what was not measured looks different', async () => {
  const pictures = await Promise.all(
    (['measured', 'inferred', 'bounded'] as const).map((certainty) =>
      renderPng({ ...BARS, series: [{ ...BARS.series[0]!, certainty }] } as ChartDefinition),
    ),
  );
  const colors = await Promise.all(pictures.map(async (png) => (await decodePng(png)).colors));
  const solid = colors.map((map) => map.get(chartTheme('light').colors.vermilion)!);
  assert.ok(solid[0]! > solid[1]! && solid[1]! > solid[2]!, `${solid}`);
});

test('every chart of an analysis and of a plan can be drawn', async () => {
  const summary = { ...sampleSummary(), timeline: sampleTimeline() };
  for (const chart of [...analysisCharts(summary), ...planCharts(samplePlan())]) {
    const { colors } = await decodePng(await renderPng(chart, { pixelRatio: 1 }));
    const drawn = chart.series.filter(
      ({ color, certainty }) => certainty === 'measured' && colors.has(chartTheme('light').colors[color]),
    );
    // Areas are translucent; of the others at least one must show its colour unblended.
    assert.ok(drawn.length > 0 || chart.kind === 'steppedArea', chart.id);
    assert.ok(colors.size > 20, `${chart.id} has ${colors.size} colours`);
  }
});

test('a label of a thousand characters does not break the layout', async () => {
  const chart = { ...BARS, title: 'x'.repeat(1000), categories: ['y '.repeat(500)] } as ChartDefinition;
  const { colors } = await decodePng(await renderPng(chart, { pixelRatio: 1 }));
  assert.ok(colors.has(chartTheme('light').colors.vermilion));
});

test('files are named after their charts', async () => {
  const files = await renderAnalysisPngs(sampleSummary(), { pixelRatio: 1 });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['bytes-by-layer.png', 'sequence-numbers.png', 'security-associations.png'],
  );
  for (const { bytes } of files) assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
});

test('sizes that are no picture are refused', async () => {
  await assert.rejects(renderPng(BARS, { width: 10 }), /width 10: give whole pixels from 200 to 8000/);
  await assert.rejects(renderPng(BARS, { height: 8001 }), /height 8001/);
});
