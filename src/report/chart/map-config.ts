import type { Chart, ChartConfiguration, ChartOptions, Plugin } from 'chart.js';
import { axisFormat, formatTick, formatValue } from './axis-format.js';
import { axisTitle } from './chart-axes.js';
import type { Axis, MapCell, MapChart } from './chart-definition.js';
import { headingOptions, seriesLabel, tooltipOptions } from './chart-heading.js';
import { type ChartTheme, withOpacity } from './chart-palette.js';
import { chartFont, type DrawingOptions, FONT_PX } from './drawing-options.js';

const HATCH_GAP_PX = 8;
const LABEL_FONT_PX = 11;
const MIN_OPACITY = 0.12;
const MAX_OPACITY = 0.75;
/** Ratio of the darkest value to the lightest for which all shades are used. */
const LEAST_SPAN = 3;

/** A map as Chart.js takes it: a point in the middle of each cell, for tooltips; the plugin draws the cells. */
export function mapParts(chart: MapChart, drawing: DrawingOptions) {
  const tooltip = tooltipOptions(
    (item) => cellText(chart, item.raw as { cell: MapCell }),
    (item) => cellTitle(chart, item.raw as { cell: MapCell }),
  );
  return {
    type: 'scatter' as const,
    data: {
      datasets: chart.series.map((series) => ({
        type: 'scatter' as const,
        label: seriesLabel(series),
        data: series.cells.map((cell) => ({ x: cell.column, y: cell.row, cell })),
        pointRadius: 0,
        pointHitRadius: 30,
        borderColor: drawing.theme.colors[series.color],
        backgroundColor: drawing.theme.colors[series.color],
      })) as unknown as ChartConfiguration['data']['datasets'],
    },
    options: {
      interaction: { mode: 'nearest', intersect: false },
      scales: {
        x: cellAxis(chart.x, chart.columns, drawing),
        y: cellAxis(chart.y, chart.rows, drawing),
      },
      plugins: { ...headingOptions(chart, drawing), tooltip },
    } as ChartOptions,
  };
}

function cellText({ value: axis }: MapChart, { cell }: { cell: MapCell }): string {
  return cell.value === null ? 'no value' : formatValue(cell.value, axis);
}

function cellTitle({ x, y, columns, rows }: MapChart, { cell }: { cell: MapCell }): string {
  const column = `${x.title}: ${formatValue(columns[cell.column] ?? 0, x)}`;
  return `${column}, ${y.title}: ${formatValue(rows[cell.row] ?? 0, y)}`;
}

/** Cells lie at 0, 1, 2, ...; a tick in the middle of each, as many as have room. */
function cellAxis(axis: Axis, values: readonly number[], drawing: DrawingOptions) {
  const { theme } = drawing;
  const format = axisFormat(axis, values.at(-1) ?? 0);
  return {
    type: 'linear' as const,
    min: -0.5,
    max: values.length - 0.5,
    title: axisTitle(format.title, drawing),
    grid: { display: false },
    border: { color: theme.faintText },
    // Chart.js would begin at -0.5.
    afterBuildTicks: (scale: { ticks: { value: number }[] }) => {
      scale.ticks = values.map((_, value) => ({ value }));
    },
    ticks: {
      color: theme.faintText,
      font: chartFont(drawing, FONT_PX),
      maxRotation: 0,
      autoSkip: true,
      autoSkipPadding: 10,
      callback: (index: string | number) => formatTick(values[Number(index)] ?? 0, format),
    },
  };
}

/** Draws the cells: what has a value in shades of its series' colour, what has none hatched. */
export function mapPlugin(definition: MapChart, theme: ChartTheme): Plugin {
  const shade = shadeOf(definition);
  return {
    id: 'map',
    beforeDatasetDraw: (chart, { index }) => {
      const { ctx, scales, chartArea } = chart;
      const { x, y } = scales;
      const series = definition.series[index];
      if (x === undefined || y === undefined || series === undefined) return;
      const color = theme.colors[series.color];
      const width = (chartArea.right - chartArea.left) / definition.columns.length;
      const height = (chartArea.bottom - chartArea.top) / definition.rows.length;
      ctx.save();
      ctx.font = `${LABEL_FONT_PX}px ${chart.options.font?.family ?? 'sans-serif'}`;
      ctx.textAlign = 'center';
      ctx.textBaseline = 'middle';
      for (const { column, row, value } of series.cells) {
        const middle = { x: x.getPixelForValue(column), y: y.getPixelForValue(row) };
        const box = { left: middle.x - width / 2, top: middle.y - height / 2, width, height };
        if (value === null) hatchCell(ctx, box, color);
        else {
          ctx.fillStyle = withOpacity(color, shade(value));
          ctx.fillRect(box.left + 0.5, box.top + 0.5, width - 1, height - 1);
          drawCellValue(ctx, middle, box, formatValue(value, definition.value), theme);
        }
      }
      ctx.restore();
    },
  };
}

/** Opacity by the logarithm: times of a convergence map span decades. What differs little looks alike. */
function shadeOf({ series, shades }: MapChart): (value: number) => number {
  const values = series
    .flatMap(({ cells }) => cells.map(({ value }) => value ?? 0))
    .filter((value) => value > 0);
  const [lightest, darkest] = shades ?? [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), 0),
  ];
  const span = Math.max(LEAST_SPAN, darkest / lightest);
  return (value) => {
    const place = Math.log(value / lightest) / Math.log(span);
    return MIN_OPACITY + Math.min(1, Math.max(0, place || 0)) * (MAX_OPACITY - MIN_OPACITY);
  };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Context = Chart['ctx'];

function hatchCell(ctx: Context, { left, top, width, height }: Box, color: string): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left + 0.5, top + 0.5, width - 1, height - 1);
  ctx.clip();
  ctx.fillStyle = withOpacity(color, 0.14);
  ctx.fillRect(left, top, width, height);
  ctx.strokeStyle = withOpacity(color, 0.8);
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  // Counted from the canvas' edge, so that strokes of neighbours meet: x + y is a multiple of the gap.
  const first = Math.floor((left + top) / HATCH_GAP_PX) * HATCH_GAP_PX;
  for (let sum = first; sum < left + width + top + height; sum += HATCH_GAP_PX) {
    ctx.moveTo(sum - top, top);
    ctx.lineTo(sum - top - height, top + height);
  }
  ctx.stroke();
  ctx.restore();
}

function drawCellValue(
  ctx: Context,
  middle: { x: number; y: number },
  { width, height }: Box,
  text: string,
  theme: ChartTheme,
): void {
  if (height < LABEL_FONT_PX + 4 || ctx.measureText(text).width > width - 6) return;
  ctx.fillStyle = theme.text;
  ctx.fillText(text, middle.x, middle.y);
}
