import { formatValue } from '../../chart/axis-format.js';
import { binLabel } from '../../chart/chart-config.js';
import type {
  Axis,
  BarSeries,
  ChartDefinition,
  CurveChart,
  MapChart,
  TimelineChart,
} from '../../chart/chart-definition.js';
import { seriesLabel } from '../../chart/chart-heading.js';
import type { Cell, ReportTable } from '../report-page.js';

/** What a chart shows, as numbers: its text alternative. */
export function chartTable(definition: ChartDefinition): ReportTable {
  switch (definition.kind) {
    case 'line':
    case 'steppedArea':
      return curveTable(definition);
    case 'stackedBar':
    case 'groupedBar':
      return barTable(definition, '', definition.categories, definition.value, definition.series);
    case 'histogram': {
      const bins = definition.bins.map((bin) => ({ text: binLabel(bin), sort: bin.from }));
      return barTable(definition, definition.x.title, bins, definition.y, definition.series);
    }
    case 'timeline':
      return timelineTable(definition);
    case 'map':
      return mapTable(definition);
  }
}

function curveTable({ title, x, y, series, absentLabel = 'none' }: CurveChart): ReportTable {
  const rows = new Map<number, Cell[]>();
  const put = (at: number, index: number, content: Cell) => {
    const row = rows.get(at) ?? [cell(at, x), ...series.map(() => '')];
    rows.set(at, row);
    row[index + 1] = content;
  };
  for (const [index, { points, absent = [] }] of series.entries()) {
    for (const { x: at, y: value, low, high } of points) {
      put(at, index, cell(value, y, low === undefined || high === undefined ? null : [low, high]));
    }
    for (const at of absent) put(at, index, absentLabel);
  }
  return {
    caption: title,
    columns: [x.title, ...series.map(seriesLabel)].map(numberColumn),
    rows: [...rows].sort(([a], [b]) => a - b).map(([, row]) => row),
  };
}

function barTable(
  { title }: ChartDefinition,
  heading: string,
  categories: readonly Cell[],
  axis: Axis,
  series: readonly BarSeries[],
): ReportTable {
  return {
    caption: title,
    columns: [{ title: heading }, ...series.map(seriesLabel).map(numberColumn)],
    rows: categories.map((category, i) => [
      category,
      ...series.map(({ values, limits }) => {
        const value = values[i] ?? null;
        return value === null ? '' : cell(value, axis, limits?.[i] ?? null);
      }),
    ]),
  };
}

function timelineTable({ title, lanes, x, series }: TimelineChart): ReportTable {
  const rows = series.flatMap((entry) =>
    entry.spans.map(({ lane, from, to }) => [
      lanes[lane] ?? '',
      seriesLabel(entry),
      cell(from, x),
      cell(to, x),
      cell(to - from, x),
    ]),
  );
  return {
    caption: title,
    columns: [{ title: '' }, { title: '' }, ...['From', 'To', 'Length'].map(numberColumn)],
    rows,
  };
}

/** A line for each value along y, largest first as in the picture; what has no value says why. */
function mapTable({ title, x, y, columns, rows, value: axis, series }: MapChart): ReportTable {
  const grid: Cell[][] = rows.map((row) => [cell(row, y), ...columns.map(() => '')]);
  for (const entry of series) {
    for (const { column, row, value } of entry.cells) {
      grid[row]![column + 1] = value === null ? seriesLabel(entry) : cell(value, axis);
    }
  }
  const headings = columns.map((column) => `${x.title} ${formatValue(column, x)}`);
  return { caption: title, columns: [y.title, ...headings].map(numberColumn), rows: grid.reverse() };
}

function cell(value: number, axis: Axis, limits: readonly [number, number] | null = null): Cell {
  const between =
    limits === null ? '' : ` (${formatValue(limits[0], axis)} to ${formatValue(limits[1], axis)})`;
  return { text: formatValue(value, axis) + between, sort: value };
}

function numberColumn(title: string): ReportTable['columns'][number] {
  return { title, align: 'right' };
}
