import type { BarElement, Chart, ChartArea, Plugin } from 'chart.js';
import { formatValue } from './axis-format.js';
import type { Axis, BarSeries, ChartDefinition, CurvePoint, Reference } from './chart-definition.js';
import { type ChartTheme, withOpacity } from './chart-palette.js';

const HATCH_GAP_PX = 7;
const WHISKER_PX = 4;
const LABEL_FONT_PX = 11;
const LABEL_LINE_PX = 15;

/**
 * Chart.js draws lines and bars; this adds what it has no notion of: the ground, bands and whiskers of bounded values,
 * hatching of bars that were not measured, lines at places that matter. Dataset i is series i of the definition, so what is
 * switched off loses its band too.
 */
export function certaintyPlugin(definition: ChartDefinition, theme: ChartTheme): Plugin {
  return {
    id: 'certainty',
    beforeDraw: (chart) => paintGround(chart, theme),
    beforeDatasetDraw: (chart, { index }) => drawBand(chart, definition, index, theme),
    afterDatasetDraw: (chart, { index }) => drawBarMarks(chart, definition, index, theme),
    afterDatasetsDraw: (chart) => {
      if (definition.kind === 'line' || definition.kind === 'steppedArea') {
        drawReferences(chart, definition.references ?? [], theme);
      }
    },
  };
}

function paintGround({ ctx, width, height }: Chart, theme: ChartTheme): void {
  ctx.save();
  ctx.fillStyle = theme.background;
  ctx.fillRect(0, 0, width, height);
  ctx.restore();
}

function drawBand(chart: Chart, definition: ChartDefinition, index: number, theme: ChartTheme): void {
  if (definition.kind !== 'line') return;
  const series = definition.series[index];
  if (series === undefined || series.certainty !== 'bounded') return;
  const { x, y } = chart.scales;
  if (x === undefined || y === undefined) return;
  const { ctx } = chart;
  const edge = (point: CurvePoint, value: number) =>
    ctx.lineTo(x.getPixelForValue(point.x), y.getPixelForValue(value));
  ctx.save();
  clipTo(ctx, chart.chartArea);
  ctx.beginPath();
  for (const point of series.points) edge(point, point.high ?? point.y);
  for (const point of series.points.toReversed()) edge(point, point.low ?? point.y);
  ctx.closePath();
  ctx.fillStyle = withOpacity(theme.colors[series.color], 0.22);
  ctx.fill();
  ctx.restore();
}

function drawBarMarks(chart: Chart, definition: ChartDefinition, index: number, theme: ChartTheme): void {
  if (definition.kind === 'line' || definition.kind === 'steppedArea') return;
  const series = definition.series[index];
  if (series === undefined) return;
  const bars = chart.getDatasetMeta(index).data as unknown as BarElement[];
  if (series.certainty !== 'measured') {
    for (const bar of bars) hatch(chart, bar, theme, series.certainty === 'bounded');
  }
  if (definition.kind === 'stackedBar' || definition.kind === 'groupedBar') {
    for (const broken of definition.brokenOff ?? []) {
      if (bars[broken] !== undefined) hatch(chart, bars[broken], theme, true);
    }
  }
  if (definition.kind === 'groupedBar') {
    const { limits } = definition.series[index] as BarSeries;
    for (const [i, bar] of bars.entries()) drawWhisker(chart, bar, limits?.[i] ?? null, theme);
  }
  if (definition.kind === 'groupedBar') drawValues(chart, bars, series as BarSeries, definition.value, theme);
  if (definition.kind === 'histogram' && definition.series.length === 1) {
    drawValues(chart, bars, series as BarSeries, definition.y, theme);
  }
}

function drawValues(
  chart: Chart,
  bars: readonly BarElement[],
  { values, limits }: BarSeries,
  axis: Axis,
  theme: ChartTheme,
): void {
  for (const [i, bar] of bars.entries()) {
    const value = values[i] ?? null;
    if (value !== null && !limits?.[i]) drawValue(chart, bar, formatValue(value, axis), theme);
  }
}

/** The number at the end of a bar: small ones beside large ones would show nothing else. */
function drawValue(chart: Chart, bar: BarElement, text: string, theme: ChartTheme): void {
  const { ctx } = chart;
  const { left, right, top, bottom } = boxOf(bar);
  const isHorizontal = chart.options.indexAxis === 'y';
  ctx.save();
  ctx.font = `${LABEL_FONT_PX}px ${chart.options.font?.family ?? 'sans-serif'}`;
  ctx.fillStyle = theme.faintText;
  ctx.textAlign = isHorizontal ? 'left' : 'center';
  ctx.textBaseline = isHorizontal ? 'middle' : 'bottom';
  if (isHorizontal) ctx.fillText(text, right + 4, (top + bottom) / 2);
  else ctx.fillText(text, (left + right) / 2, top - 2);
  ctx.restore();
}

/** Strokes from lower left to upper right; both ways if `crossed`. */
function hatch(chart: Chart, bar: BarElement, theme: ChartTheme, crossed: boolean): void {
  const { left, right, top, bottom } = boxOf(bar);
  if (!(right > left && bottom > top)) return;
  const { ctx } = chart;
  ctx.save();
  clipTo(ctx, chart.chartArea);
  clipTo(ctx, { left, right, top, bottom });
  ctx.strokeStyle = withOpacity(theme.background, crossed ? 0.3 : 0.5);
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  const height = bottom - top;
  // Counted from the canvas' edge, so that strokes of neighbours meet.
  const first = Math.floor((left - height) / HATCH_GAP_PX) * HATCH_GAP_PX;
  for (let at = first; at < right; at += HATCH_GAP_PX) {
    ctx.moveTo(at, bottom);
    ctx.lineTo(at + height, top);
    if (!crossed) continue;
    ctx.moveTo(at, top);
    ctx.lineTo(at + height, bottom);
  }
  ctx.stroke();
  ctx.restore();
}

function drawWhisker(
  chart: Chart,
  bar: BarElement,
  limits: readonly [number, number] | null,
  theme: ChartTheme,
): void {
  const { x } = chart.scales;
  if (limits === null || x === undefined) return;
  const y = bar.getProps(['y'], true).y ?? 0;
  const [low, high] = limits.map((value) => x.getPixelForValue(value)) as [number, number];
  const { ctx } = chart;
  ctx.save();
  ctx.strokeStyle = theme.text;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const end of [low, high]) {
    ctx.moveTo(end, y - WHISKER_PX);
    ctx.lineTo(end, y + WHISKER_PX);
  }
  ctx.moveTo(low, y);
  ctx.lineTo(high, y);
  ctx.stroke();
  ctx.restore();
}

function boxOf(bar: BarElement): ChartArea {
  const { x, y, base, width, height, horizontal } = bar.getProps(
    ['x', 'y', 'base', 'width', 'height', 'horizontal'],
    true,
  ) as unknown as Record<'x' | 'y' | 'base' | 'width' | 'height', number> & { horizontal: boolean };
  const across = horizontal ? [base, x] : [x - width / 2, x + width / 2];
  const down = horizontal ? [y - height / 2, y + height / 2] : [y, base];
  return {
    left: Math.min(...across),
    right: Math.max(...across),
    top: Math.min(...down),
    bottom: Math.max(...down),
  } as ChartArea;
}

/** Labels stand right of their line, or left where there is no room; each on the first row where it covers no other. */
function drawReferences(chart: Chart, references: readonly Reference[], theme: ChartTheme): void {
  const { ctx, chartArea, scales } = chart;
  const { x } = scales;
  if (x === undefined) return;
  ctx.save();
  ctx.font = `${LABEL_FONT_PX}px ${chart.options.font?.family ?? 'sans-serif'}`;
  ctx.textBaseline = 'middle';
  const rowEnds: number[] = [];
  for (const { x: at, label } of references.toSorted((a, b) => a.x - b.x)) {
    const pixel = x.getPixelForValue(at);
    if (pixel < chartArea.left - 1 || pixel > chartArea.right + 1) continue;
    const width = ctx.measureText(label).width;
    const left = pixel + width + 12 > chartArea.right ? pixel - width - 5 : pixel + 5;
    const row = freeRow(rowEnds, left);
    rowEnds[row] = left + width + 8;
    const middle = chartArea.top + LABEL_LINE_PX * (row + 0.5) + 2;
    ctx.strokeStyle = theme.faintText;
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(pixel, chartArea.top);
    ctx.lineTo(pixel, chartArea.bottom);
    ctx.stroke();
    ctx.fillStyle = withOpacity(theme.background, 0.85);
    ctx.fillRect(left - 2, middle - LABEL_LINE_PX / 2, width + 4, LABEL_LINE_PX);
    ctx.fillStyle = theme.faintText;
    ctx.fillText(label, left, middle);
  }
  ctx.restore();
}

function freeRow(rowEnds: readonly number[], left: number): number {
  const row = rowEnds.findIndex((end) => end <= left);
  return row < 0 ? rowEnds.length : row;
}

function clipTo(
  ctx: Chart['ctx'],
  { left, right, top, bottom }: Pick<ChartArea, 'left' | 'right' | 'top' | 'bottom'>,
): void {
  ctx.beginPath();
  ctx.rect(left, top, right - left, bottom - top);
  ctx.clip();
}
