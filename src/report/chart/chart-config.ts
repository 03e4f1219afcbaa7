import type { ChartConfiguration, ChartDataset, ChartOptions } from 'chart.js';
import { absenceHeight, absencePlugin } from './absence-plugin.js';
import { axisFormat, formatValue } from './axis-format.js';
import { certaintyPlugin } from './certainty-plugin.js';
import { axisTitle, laneAxis, linearAxis } from './chart-axes.js';
import type {
  BarChart,
  BarSeries,
  Bin,
  ChartDefinition,
  CurveChart,
  HistogramChart,
  TimelineChart,
} from './chart-definition.js';
import { headingOptions, seriesLabel, tooltipOptions } from './chart-heading.js';
import { withOpacity } from './chart-palette.js';
import { chartFont, type DrawingOptions, FONT_PX } from './drawing-options.js';
import { mapParts, mapPlugin } from './map-config.js';
import { wrapLabel } from './wrap-label.js';

const NARROW_PX = 560;
/** Lines of few points show each of them. */
const MAX_MARKED_POINTS = 24;
const MAX_BAR_PX = 34;

/** What Chart.js draws for a definition. Dataset i is series i. Runs in Node and in browsers. */
export function chartConfig(definition: ChartDefinition, drawing: DrawingOptions): ChartConfiguration {
  const { type, data, options } = partsOf(definition, drawing);
  return {
    type,
    data,
    options: { ...commonOptions(drawing), ...options },
    plugins: [
      certaintyPlugin(definition, drawing.theme),
      absencePlugin(definition, drawing.theme),
      ...(definition.kind === 'map' ? [mapPlugin(definition, drawing.theme)] : []),
    ],
  } as ChartConfiguration;
}

/** Height that suits the kind and the number of bars, in CSS pixels. */
export function suggestedHeight(definition: ChartDefinition, width: number, withHeading: boolean): number {
  const heading = withHeading ? 130 + legendRows(definition, width) * 24 : 0;
  switch (definition.kind) {
    case 'stackedBar':
      return heading + 70 + barHeight(definition.categories, width);
    case 'groupedBar': {
      const bars = definition.categories.length * definition.series.length;
      return heading + 70 + Math.max(bars * 18, barHeight(definition.categories, width));
    }
    case 'timeline':
      return heading + 70 + barHeight(definition.lanes, width);
    case 'map':
      return heading + 90 + Math.min(480, Math.max(200, definition.rows.length * 26));
    default:
      return heading + (width < NARROW_PX ? 280 : 360);
  }
}

/** About seven pixels a character, and 40 for the mark and the gap. */
function legendRows({ series }: ChartDefinition, width: number): number {
  const pixels = series.reduce((sum, entry) => sum + seriesLabel(entry).length * 7 + 40, 0);
  return Math.ceil(pixels / (width - 60));
}

/** `64–127`, `9019 and more` */
export function binLabel({ from, to }: Bin): string {
  if (to === null) return `${from}+`;
  return from === to ? `${from}` : `${from}–${to}`;
}

type Parts = Pick<ChartConfiguration, 'type' | 'data'> & { options: ChartOptions };

function partsOf(definition: ChartDefinition, drawing: DrawingOptions): Parts {
  switch (definition.kind) {
    case 'line':
    case 'steppedArea':
      return curveParts(definition, drawing);
    case 'stackedBar':
    case 'groupedBar':
      return barParts(definition, drawing);
    case 'histogram':
      return histogramParts(definition, drawing);
    case 'timeline':
      return timelineParts(definition, drawing);
    case 'map':
      return mapParts(definition, drawing);
  }
}

function curveParts(chart: CurveChart, drawing: DrawingOptions): Parts {
  const isArea = chart.kind === 'steppedArea';
  const points = chart.series.flatMap((series) => series.points);
  const xs = [...points.map(({ x }) => x), ...chart.series.flatMap(({ absent = [] }) => absent)];
  const highs = points.map(({ y, high }) => Math.max(y, high ?? y));
  const lows = points.map(({ y, low }) => Math.min(y, low ?? y));
  const top = isArea ? stackedTop(chart) : largest(highs);
  const tooltip = tooltipOptions(
    (item) => formatValue(item.parsed.y ?? 0, chart.y),
    (item) => `${chart.x.title}: ${formatValue(item.parsed.x ?? 0, chart.x)}`,
  );
  const y = linearAxis(chart.y, top, drawing);
  return {
    type: 'line',
    data: { datasets: chart.series.map((series) => curveDataset(series, isArea, drawing)) },
    options: {
      interaction: { mode: isArea ? 'index' : 'nearest', axis: 'x', intersect: false },
      scales: {
        x: {
          ...linearAxis(chart.x, largest(xs), drawing),
          min: chart.x.min ?? least(xs),
          max: chart.x.max ?? largest(xs),
        },
        y: isArea
          ? { ...y, stacked: true, min: 0 }
          : {
              ...y,
              ...lineLimits(chart, least(lows), top),
            },
      },
      plugins: { ...headingOptions(chart, drawing), tooltip },
    } as ChartOptions,
  };
}

/** Room above and below the lines; above more if labels stand there. Shares stay within 0 and 1. */
function lineLimits(chart: CurveChart, low: number, top: number) {
  const { y, references = [] } = chart;
  const span = top - low || Math.abs(top) || 1;
  const least = low - span * 0.04;
  const most = top + span * ((references.length > 0 ? 0.15 : 0.04) + absenceHeight(chart) / 200);
  return {
    suggestedMin: low >= 0 ? Math.max(0, least) : least,
    suggestedMax: y.unit === 'share' && top <= 1 ? Math.min(1, most) : most,
  };
}

function stackedTop({ series }: CurveChart): number {
  const sums = new Map<number, number>();
  for (const { points } of series) for (const { x, y } of points) sums.set(x, (sums.get(x) ?? 0) + y);
  return largest([...sums.values()]);
}

function curveDataset(
  series: CurveChart['series'][number],
  isArea: boolean,
  { theme }: DrawingOptions,
): ChartDataset {
  const color = theme.colors[series.color];
  return {
    type: 'line',
    label: seriesLabel(series),
    data: isArea ? stepsOf(series.points) : lineOf(series),
    borderColor: color,
    backgroundColor: isArea ? withOpacity(color, 0.85) : color,
    borderWidth: isArea ? 0 : 2,
    borderDash: series.certainty === 'inferred' ? [7, 4] : [],
    pointRadius: !isArea && series.points.length <= MAX_MARKED_POINTS ? 3 : 0,
    pointHitRadius: 8,
    fill: isArea ? 'stack' : false,
  };
}

/** Where a value is absent the line is broken. */
function lineOf({ points, absent = [] }: CurveChart['series'][number]): { x: number; y: number }[] {
  const breaks = absent.map((x) => ({ x, y: Number.NaN }));
  const line = points.map(({ x, y }) => ({ x, y }));
  return breaks.length === 0 ? line : [...line, ...breaks].sort((a, b) => a.x - b.x);
}

/**
 * Steps as corners: Chart.js fills badly between stepped lines. It stacks points of equal x, so that the two corners of a step must
 * not share one: they are a millionth of the step apart.
 */
function stepsOf(points: CurveChart['series'][number]['points']): { x: number; y: number }[] {
  return points.flatMap(({ x, y }, i) => {
    const next = points[i + 1];
    return next === undefined
      ? [{ x, y }]
      : [
          { x, y },
          { x: next.x - (next.x - x) * 1e-6, y },
        ];
  });
}

function barParts(chart: BarChart, drawing: DrawingOptions): Parts {
  const isStacked = chart.kind === 'stackedBar';
  const columns = labelColumns(drawing.width);
  const tooltip = tooltipOptions(
    (item) => formatValue(item.parsed.x ?? 0, chart.value),
    (item) => chart.categories[item.dataIndex] ?? '',
  );
  return {
    type: 'bar',
    data: {
      labels: chart.categories.map((category) => wrapLabel(category, columns)),
      datasets: chart.series.map((series) => barDataset(series, isStacked, drawing)),
    },
    options: {
      indexAxis: 'y',
      interaction: {
        mode: isStacked ? 'nearest' : 'index',
        axis: isStacked ? 'xy' : 'y',
        intersect: isStacked,
      },
      scales: {
        x: {
          ...linearAxis(chart.value, barTop(chart.series, isStacked), drawing),
          stacked: isStacked,
          min: 0,
          // Limits reach beyond the bars.
          ...(isStacked ? {} : { suggestedMax: barTop(chart.series, isStacked) }),
          grace: isStacked ? 0 : '8%',
        },
        y: { ...laneAxis(drawing), stacked: isStacked },
      },
      plugins: { ...headingOptions(chart, drawing), tooltip },
    } as ChartOptions,
  };
}

function histogramParts(chart: HistogramChart, drawing: DrawingOptions): Parts {
  const tooltip = tooltipOptions(
    (item) => formatValue(item.parsed.y ?? 0, chart.y),
    (item) => `${chart.x.title}: ${item.label}`,
  );
  return {
    type: 'bar',
    data: {
      labels: chart.bins.map(binLabel),
      datasets: chart.series.map((series) => ({
        ...barDataset(series, true, drawing),
        barPercentage: 0.97,
        categoryPercentage: 1,
        maxBarThickness: 10_000,
      })),
    },
    options: {
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: {
          stacked: true,
          grid: { display: false },
          title: axisTitle(axisFormat(chart.x, 1).title, drawing),
          ticks: { color: drawing.theme.text, font: chartFont(drawing), maxRotation: 60, autoSkip: false },
        },
        y: {
          ...linearAxis(chart.y, barTop(chart.series, true), drawing),
          stacked: true,
          min: 0,
          grace: chart.series.length === 1 ? '6%' : 0,
        },
      },
      plugins: { ...headingOptions(chart, drawing), tooltip },
    } as ChartOptions,
  };
}

function timelineParts(chart: TimelineChart, drawing: DrawingOptions): Parts {
  const ends = chart.series.flatMap(({ spans }) => spans.map(({ to }) => to));
  const columns = labelColumns(drawing.width);
  const tooltip = tooltipOptions(
    (item) => {
      const [from, to] = item.raw === null ? [0, 0] : (item.raw as { x: [number, number] }).x;
      return `${formatValue(from, chart.x)} to ${formatValue(to, chart.x)}`;
    },
    (item) => chart.lanes[Number(item.label)] ?? '',
  );
  return {
    type: 'bar',
    data: {
      // Two lanes may have the same text: they are told apart by number.
      labels: chart.lanes.map((_, lane) => String(lane)),
      datasets: chart.series.map((series) => ({
        type: 'bar',
        label: seriesLabel(series),
        data: series.spans.map(({ lane, from, to }) => ({ x: [from, to], y: String(lane) })),
        backgroundColor: drawing.theme.colors[series.color],
        grouped: false,
        borderRadius: 3,
        borderSkipped: false,
        minBarLength: 3,
        maxBarThickness: 20,
      })) as unknown as ChartDataset[],
    },
    options: {
      indexAxis: 'y',
      interaction: { mode: 'nearest', intersect: true },
      scales: {
        x: { ...linearAxis(chart.x, largest(ends), drawing), min: chart.x.min ?? 0 },
        y: {
          ...laneAxis(drawing),
          ticks: {
            ...laneAxis(drawing).ticks,
            callback: (lane: string | number) => wrapLabel(chart.lanes[Number(lane)] ?? '', columns),
          },
        },
      },
      plugins: { ...headingOptions(chart, drawing), tooltip },
    } as ChartOptions,
  };
}

function barDataset(series: BarSeries, isStacked: boolean, { theme }: DrawingOptions): ChartDataset {
  return {
    type: 'bar',
    label: seriesLabel(series),
    data: [...series.values],
    backgroundColor: theme.colors[series.color],
    borderColor: theme.background,
    borderWidth: isStacked ? { right: 1, top: 1 } : 0,
    maxBarThickness: MAX_BAR_PX,
    categoryPercentage: 0.8,
    barPercentage: isStacked ? 0.95 : 0.85,
  };
}

/** Largest value, limit or stack of values. */
function barTop(series: readonly BarSeries[], isStacked: boolean): number {
  if (!isStacked) {
    const highs = series.flatMap(({ limits }) => limits?.map((pair) => pair?.[1] ?? 0) ?? []);
    return largest([...series.flatMap(({ values }) => values.map((value) => value ?? 0)), ...highs]);
  }
  const count = Math.max(0, ...series.map(({ values }) => values.length));
  return largest(
    Array.from({ length: count }, (_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0)),
  );
}

function commonOptions({ theme, fontFamily, withHeading }: DrawingOptions): ChartOptions {
  return {
    responsive: false,
    maintainAspectRatio: false,
    animation: false,
    color: theme.text,
    font: { family: fontFamily, size: FONT_PX },
    locale: 'en-US',
    layout: { padding: withHeading ? 20 : { top: 8, right: 14, bottom: 2, left: 2 } },
  };
}

function labelColumns(width: number): number {
  return width < NARROW_PX ? 16 : 34;
}

function barHeight(labels: readonly string[], width: number): number {
  const columns = labelColumns(width);
  const lines = Math.max(1, ...labels.map((label) => wrapLabel(label, columns).length));
  return labels.length * Math.max(38, lines * 15 + 14);
}

/** Of the magnitudes; 0 if there are none. Lists may be too long for Math.max(...). */
function largest(values: readonly number[]): number {
  return values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
}

function least(values: readonly number[]): number {
  return values.length === 0
    ? 0
    : values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
}
