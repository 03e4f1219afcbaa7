import type { ChartDefinition } from './chart-definition.js';
import type { ChartTheme } from './chart-palette.js';
import { chartFont, type DrawingOptions } from './drawing-options.js';
import { wrapLabel } from './wrap-label.js';

/** Name in legends and tooltips: what was not measured says so. */
export function seriesLabel({ name, certainty }: ChartDefinition['series'][number]): string {
  return certainty === 'measured' ? name : `${name} (${certainty})`;
}

/** Title, subtitle and legend; nothing of them where they stand around the picture as text. */
export function headingOptions(chart: ChartDefinition, drawing: DrawingOptions) {
  const { theme, withHeading, width } = drawing;
  if (!withHeading)
    return { legend: { display: false }, title: { display: false }, subtitle: { display: false } };
  const isLine = chart.kind === 'line';
  const hasLegend = chart.series.length > 1 || chart.series.some(({ certainty }) => certainty !== 'measured');
  return {
    title: {
      display: true,
      text: wrapLabel(chart.title, Math.floor(width / 10)),
      align: 'start',
      color: theme.text,
      font: chartFont(drawing, 18, 600),
      padding: { top: 4, bottom: chart.subtitle === undefined ? 14 : 2 },
    },
    subtitle: {
      display: chart.subtitle !== undefined,
      text: wrapLabel(chart.subtitle ?? '', Math.floor(width / 7)),
      align: 'start',
      color: theme.faintText,
      font: chartFont(drawing, 13),
      padding: { bottom: 14 },
    },
    legend: {
      display: hasLegend,
      position: 'bottom',
      align: 'start',
      labels: {
        color: theme.text,
        font: chartFont(drawing),
        usePointStyle: true,
        pointStyle: isLine ? 'line' : 'rectRounded',
        pointStyleWidth: isLine ? 28 : 12,
        padding: 14,
        generateLabels: () => chart.series.map((series, i) => legendItem(chart, series, i, theme)),
      },
    },
  };
}

/** Chart.js leaves the dashes of a line out of its legend. */
function legendItem(
  chart: ChartDefinition,
  series: ChartDefinition['series'][number],
  datasetIndex: number,
  theme: ChartTheme,
) {
  const isLine = chart.kind === 'line';
  const color = theme.colors[series.color];
  return {
    text: seriesLabel(series),
    datasetIndex,
    fillStyle: color,
    strokeStyle: color,
    fontColor: theme.text,
    lineWidth: isLine ? 2 : 0,
    lineDash: isLine && series.certainty === 'inferred' ? [7, 4] : [],
    pointStyle: isLine ? ('line' as const) : ('rectRounded' as const),
  };
}

/** What Chart.js tells about a point. */
export interface TooltipItem {
  readonly dataset: { readonly label?: string };
  readonly parsed: { readonly x: number | null; readonly y: number | null };
  readonly raw: unknown;
  readonly label: string;
  readonly dataIndex: number;
}

/** What is said about the point under the pointer. */
export function tooltipOptions(value: (item: TooltipItem) => string, title: (item: TooltipItem) => string) {
  return {
    callbacks: {
      title: (items: readonly TooltipItem[]) => (items[0] === undefined ? '' : title(items[0])),
      label: (item: TooltipItem) => ` ${item.dataset.label ?? ''}: ${value(item)}`,
    },
  };
}
