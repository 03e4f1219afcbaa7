import type { SweepFigures, SweepRow } from '../../result/sweep-row.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import type {
  Axis,
  ChartDefinition,
  CurveChart,
  CurvePoint,
  CurveSeries,
  MapCell,
  MapChart,
} from './chart-definition.js';
import { LINE_COLORS } from './chart-palette.js';
import { limitBars } from './limit-style.js';
import { axisNumbers, pointLabel, type SweepReport } from './sweep-report.js';

/** As many as a page bears; tables and CSV have all. */
const MAX_BARS = 16;
const MAX_MAPS = 6;

/** What tells protections apart: a line or a map each. */
const PROTECTION_AXES = ['protection', 'esp', 'ah'];

export const DOES_NOT_CONVERGE = 'does not converge';
const CROSSES = ' Crosses: does not converge.';

/** The charts of a sweep, most telling first; those without data are left out. */
export function sweepCharts(report: SweepReport): ChartDefinition[] {
  const charts = [
    ...curveCharts(report),
    frontierChart(report),
    ...convergenceMaps(report),
    timeChart(report),
  ];
  return charts.filter((chart) => chart !== null);
}

/** The axis that curves are drawn over: the MTU, else the first one of numbers. */
export function curveAxis(report: SweepReport): string | null {
  const names = ['mtu', ...report.axes.map(({ name }) => name)];
  return names.find((name) => axisNumbers(report, name) !== null) ?? null;
}

/** Time and downtime over the MTU, a line for each protection. */
export function curveCharts(report: SweepReport): CurveChart[] {
  const name = curveAxis(report);
  if (name === null) return [];
  return [
    curveChart(report, name, {
      id: 'total-time',
      title: `Migration time over ${axisTitle(name)}`,
      y: 'Total time',
      value: ({ totalTimeMs }) => totalTimeMs,
      interval: ({ intervals }) => intervals?.totalTimeMs ?? null,
    }),
    curveChart(report, name, {
      id: 'downtime',
      title: `Downtime over ${axisTitle(name)}`,
      y: 'Downtime',
      value: ({ downtimeMs }) => downtimeMs,
      interval: ({ intervals }) => intervals?.downtimeMs ?? null,
    }),
  ].filter((chart) => chart !== null);
}

interface Curve {
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /** Where it does not converge. */
  readonly absent: readonly number[];
}

/** Lines that would cover one another become one with all their names. */
function joinEqual(curves: readonly Curve[]): Curve[] {
  const joined = new Map<string, Curve>();
  for (const curve of curves) {
    const key = JSON.stringify([curve.points, curve.absent]);
    const same = joined.get(key);
    joined.set(key, same === undefined ? curve : { ...same, label: `${same.label} = ${curve.label}` });
  }
  return [...joined.values()];
}

function curveSeries({ label, points, absent }: Curve, index: number): CurveSeries {
  return {
    name: escapeTerminal(label) || 'Scenario',
    color: LINE_COLORS[index]!,
    certainty: points.some(({ low }) => low !== undefined) ? 'bounded' : 'measured',
    points,
    ...(absent.length > 0 ? { absent } : {}),
  };
}

interface CurveWish {
  readonly id: string;
  readonly title: string;
  readonly y: string;
  readonly value: (figures: SweepFigures) => number | null;
  readonly interval: (figures: SweepFigures) => { low: number; high: number } | null;
}

function curveChart(report: SweepReport, name: string, wish: CurveWish): CurveChart | null {
  const { numbers } = axisNumbers(report, name)!;
  const { rows, fixed } = slice(report, [name, ...PROTECTION_AXES]);
  const lines = groupBy(rows, (row) => pointLabel(row, report, [name, ...fixed.map((each) => each.name)]));
  const curves = joinEqual(
    [...lines].map(([label, points]) => ({ label, ...curveOf(points, name, numbers, wish) })),
  );
  const drawn = curves.slice(0, LINE_COLORS.length);
  if (!drawn.some(({ points }) => points.length > 0)) return null;
  const hasCrosses = drawn.some(({ absent }) => absent.length > 0);
  const rest = curves.length > drawn.length ? ` The first ${drawn.length} of ${curves.length} lines.` : '';
  const at = fixed.map((each) => `${each.name} ${each.value}`).join(', ');
  const subtitle = `${at === '' ? '' : ` At ${at}.`}${hasCrosses ? CROSSES : ''}${rest}`.trim();
  return {
    id: `${wish.id}-over-${name}`,
    kind: 'line',
    title: wish.title,
    ...(subtitle === '' ? {} : { subtitle: escapeTerminal(subtitle) }),
    x: numberAxis(report, name),
    y: { title: wish.y, unit: 'seconds', min: 0 },
    series: drawn.map(curveSeries),
    absentLabel: DOES_NOT_CONVERGE,
  };
}

function curveOf(
  rows: readonly SweepRow[],
  name: string,
  numbers: ReadonlyMap<string, number>,
  wish: CurveWish,
): Omit<Curve, 'label'> {
  const points: CurvePoint[] = [];
  const absent: number[] = [];
  for (const { settings, figures } of rows) {
    const x = numbers.get(settings[name]!)!;
    if (figures === null) continue;
    const value = figures.converged ? wish.value(figures) : null;
    const interval = wish.interval(figures);
    if (value === null) absent.push(x);
    else {
      const limits = interval === null ? {} : { low: interval.low / 1000, high: interval.high / 1000 };
      points.push({ x, y: value / 1000, ...limits });
    }
  }
  return { points: points.sort((a, b) => a.x - b.x), absent: absent.sort((a, b) => a - b) };
}

/** The largest rate of writing with which the guest still migrates, over the MTU. */
export function frontierChart(report: SweepReport): CurveChart | null {
  const mtus = axisNumbers(report, 'mtu');
  const rates = axisNumbers(report, 'rate');
  if (mtus === null || rates === null) return null;
  const { rows, fixed } = slice(report, ['mtu', 'rate', ...PROTECTION_AXES]);
  const without = ['mtu', 'rate', ...fixed.map(({ name }) => name)];
  const lines = groupBy(rows, (row) => pointLabel(row, report, without));
  const curves = joinEqual(
    [...lines].map(([label, points]) => ({ label, ...frontierOf(points, mtus, rates) })),
  );
  const highest = [...rates.numbers.values()].reduce((a, b) => Math.max(a, b), 0);
  return {
    id: 'convergence-limit',
    kind: 'line',
    title: 'Up to which rate of writing it converges',
    subtitle: `The largest rate tried is ${highest}${rates.unit}: a line at that height may lie higher. Crosses: none converges.`,
    x: numberAxis(report, 'mtu'),
    y: { title: 'Pages written a second', unit: 'count', min: 0 },
    series: curves.slice(0, LINE_COLORS.length).map(curveSeries),
    absentLabel: 'none converges',
  };
}

interface Numbers {
  readonly numbers: ReadonlyMap<string, number>;
}

function frontierOf(rows: readonly SweepRow[], mtus: Numbers, rates: Numbers): Omit<Curve, 'label'> {
  const best = new Map<number, number | null>();
  for (const { settings, figures } of rows) {
    if (figures === null) continue;
    const mtu = mtus.numbers.get(settings['mtu']!)!;
    const before = best.get(mtu) ?? null;
    const rate = figures.converged ? rates.numbers.get(settings['rate']!)! : null;
    best.set(mtu, rate === null ? before : Math.max(rate, before ?? 0));
  }
  const entries = [...best].sort(([a], [b]) => a - b);
  return {
    points: entries.flatMap(([x, y]) => (y === null ? [] : [{ x, y }])),
    absent: entries.filter(([, rate]) => rate === null).map(([x]) => x),
  };
}

/** The rate of writing against the MTU: where it converges, and in what time. One for each protection. */
export function convergenceMaps(report: SweepReport): MapChart[] {
  const mtus = axisNumbers(report, 'mtu');
  const rates = axisNumbers(report, 'rate');
  if (mtus === null || rates === null) return [];
  const { rows, fixed } = slice(report, ['mtu', 'rate', ...PROTECTION_AXES]);
  const without = ['mtu', 'rate', ...fixed.map(({ name }) => name)];
  const groups = [...groupBy(rows, (row) => pointLabel(row, report, without))].slice(0, MAX_MAPS);
  const columns = [...mtus.numbers.values()].sort((a, b) => a - b);
  const heights = [...rates.numbers.values()].sort((a, b) => a - b);
  const times = rows.flatMap(({ figures }) => (figures?.converged ? [figures.totalTimeMs / 1000] : []));
  const shades = [
    times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    times.reduce((a, b) => Math.max(a, b), 0),
  ] as const;
  return groups.map(([label, points], i) => ({
    id: groups.length === 1 ? 'convergence' : `convergence-${i + 1}`,
    kind: 'map',
    title: `Where it converges${label === '' ? '' : `: ${escapeTerminal(label)}`}`,
    subtitle: 'Total time, the darker the longer.',
    x: { title: 'Link MTU', unit: 'bytes', prefix: 'none' },
    y: { title: 'Pages written a second', unit: 'count' },
    columns,
    rows: heights,
    value: { title: 'Total time', unit: 'seconds' },
    ...(times.length > 0 ? { shades } : {}),
    series: mapSeries(points, (row) => ({
      column: columns.indexOf(mtus.numbers.get(row.settings['mtu']!)!),
      row: heights.indexOf(rates.numbers.get(row.settings['rate']!)!),
    })),
  }));
}

function mapSeries(
  points: readonly SweepRow[],
  place: (row: SweepRow) => Pick<MapCell, 'column' | 'row'>,
): MapChart['series'] {
  const cells = (isChosen: (row: SweepRow) => boolean) =>
    points.filter(isChosen).map((row) => ({
      ...place(row),
      value: row.figures?.converged === true ? row.figures.totalTimeMs / 1000 : null,
    }));
  const series = [
    { name: 'Converges', color: 'blue', cells: cells(({ figures }) => figures?.converged === true) },
    {
      name: 'Does not converge',
      color: 'vermilion',
      cells: cells(({ figures }) => figures?.converged === false),
    },
    { name: 'Cannot be', color: 'graphite', cells: cells(({ figures }) => figures === null) },
  ] as const;
  return series.filter((each) => each.cells.length > 0).map((each) => ({ ...each, certainty: 'measured' }));
}

/** What held back the points of a sweep, for which part of their time. */
export function timeChart(report: SweepReport): ChartDefinition | null {
  const runs = report.rows.flatMap((row) => (row.figures === null ? [] : [{ row, figures: row.figures }]));
  if (runs.length === 0) return null;
  const shown = runs.slice(0, MAX_BARS);
  const bars = limitBars(shown.map(({ figures }) => figures));
  const rest = runs.length > shown.length ? ` The first ${shown.length} of ${runs.length} points.` : '';
  return {
    id: 'where-time-goes',
    kind: 'stackedBar',
    title: 'Where the time goes',
    ...bars,
    subtitle: `${bars.subtitle}${rest}`,
    categories: shown.map(({ row }) => escapeTerminal(pointLabel(row, report) || row.scenario)),
    value: { title: 'Time', unit: 'seconds' },
  };
}

/**
 * The rows in which every axis but those named stands still, so that a picture compares like with like: axes of numbers in their
 * middle, others at their first value.
 */
function slice(report: SweepReport, free: readonly string[]) {
  const fixed = report.axes
    .filter(({ name, values }) => values.length > 1 && !free.includes(name))
    .map(({ name, values }) => {
      const isOrdered = axisNumbers(report, name) !== null;
      return { name, value: values[isOrdered ? values.length >> 1 : 0]! };
    });
  const rows = report.rows.filter(({ settings }) =>
    fixed.every(({ name, value }) => settings[name] === value),
  );
  return { rows, fixed };
}

function groupBy(rows: readonly SweepRow[], key: (row: SweepRow) => string): Map<string, SweepRow[]> {
  const groups = new Map<string, SweepRow[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}

function axisTitle(name: string): string {
  return name === 'mtu' ? 'the MTU of the link' : escapeTerminal(name);
}

function numberAxis(report: SweepReport, name: string): Axis {
  if (name === 'mtu') return { title: 'Link MTU', unit: 'bytes', prefix: 'none' };
  const unit = axisNumbers(report, name)?.unit ?? '';
  return { title: escapeTerminal(unit === '' ? name : `${name} (${unit})`), unit: 'count', prefix: 'none' };
}
