import type { MssPoint } from '../../plan/mss-sawtooth.js';
import { costOverClear } from '../plan/ipsec-cost.js';
import { formatBytes, formatCount } from '../text/format-quantity.js';
import { headerSeries } from './analysis-charts.js';
import type { BarSeries, ChartDefinition, CurveChart, CurvePoint, Reference } from './chart-definition.js';
import { type ColorRole, LINE_COLORS } from './chart-palette.js';
import { comparedRows, comparisonClearRow, comparisonMtu, type PlanReport, rowLabel } from './plan-report.js';

/** More MTUs than these are no points to mark, but a range. */
const MAX_MARKED_MTUS = 4;

/** As many bars as fit a page; the tables have all. */
const MAX_BARS = 16;

const KNOWN_MTUS: readonly Reference[] = [
  { x: 1280, label: 'IPv6 minimum 1280' },
  { x: 1500, label: 'Ethernet 1500' },
  { x: 9000, label: 'jumbo 9000' },
];

/** The charts of a plan; those without data are left out. */
export function planCharts(plan: PlanReport): ChartDefinition[] {
  const charts = [
    efficiencyChart(plan),
    transferChart(plan),
    fullPacketChart(plan),
    ...sawtoothCharts(plan.sawtooth ?? []),
    alternativesChart(plan),
  ];
  return charts.filter((chart) => chart !== null);
}

/** Payload / wire bytes over the link's MTU, a line for each protection. */
export function efficiencyChart({ rows, mtuCurve }: PlanReport): CurveChart | null {
  const lines = new Map<string, Map<number, number>>();
  for (const row of mtuCurve?.rows ?? rows) {
    const line = lines.get(rowLabel(row)) ?? new Map<number, number>();
    lines.set(rowLabel(row), line);
    line.set(row.linkMtuBytes, Math.max(row.efficiency, line.get(row.linkMtuBytes) ?? 0));
  }
  const curves = joinEqual(
    [...lines]
      .filter(([, line]) => line.size > 1)
      .map(([name, line]) => ({
        name,
        points: [...line].sort(([a], [b]) => a - b).map(([x, y]) => ({ x, y })),
      })),
  );
  const drawn = curves.slice(0, LINE_COLORS.length);
  if (drawn.length === 0) return null;
  const mtus = drawn.flatMap(({ points }) => points.map(({ x }) => x));
  const [least, most] = [mtus.reduce((a, b) => Math.min(a, b)), mtus.reduce((a, b) => Math.max(a, b))];
  return {
    id: 'efficiency-over-mtu',
    kind: 'line',
    title: 'Efficiency over the MTU of the link',
    subtitle: `Payload as a share of all bytes on the wire${describeSteps(mtuCurve)}.${restOf(drawn.length, curves.length)}`,
    x: { title: 'Link MTU', unit: 'bytes', prefix: 'none' },
    y: { title: 'Efficiency', unit: 'share' },
    series: drawn.map((curve, i) => ({ ...curve, color: lineColor(i), certainty: 'measured' })),
    references: mtuReferences(mtuCurve).filter(({ x }) => x >= least && x <= most),
  };
}

function describeSteps(curve: PlanReport['mtuCurve']): string {
  return curve === undefined || curve.stepBytes === 1
    ? ''
    : `, computed every ${curve.stepBytes} bytes of MTU`;
}

/** MTUs that everybody knows, and a few that were asked for. */
function mtuReferences(curve: PlanReport['mtuCurve']): Reference[] {
  const asked = curve === undefined || curve.askedMtus.length > MAX_MARKED_MTUS ? [] : curve.askedMtus;
  const known = new Set(KNOWN_MTUS.map(({ x }) => x));
  return [...KNOWN_MTUS, ...asked.filter((x) => !known.has(x)).map((x) => ({ x, label: `${x}` }))];
}

/** What the whole transfer costs beyond its payload, by owner. */
export function transferChart(plan: PlanReport): ChartDefinition | null {
  const all = comparedRows(plan);
  if (all.length === 0) return null;
  const rows = all.slice(0, MAX_BARS);
  return {
    id: 'transfer-overhead',
    kind: 'stackedBar',
    title: `What ${formatBytes(plan.payloadBytes)} cost beyond themselves`,
    subtitle: `Bytes on the wire that are not payload, at a link MTU of ${formatCount(comparisonMtu(plan) ?? 0)}.${restOf(rows.length, all.length)}`,
    categories: rows.map(rowLabel),
    value: { title: 'Overhead of the transfer', unit: 'bytes' },
    series: headerSeries(rows.map(({ layers }) => layers)),
  };
}

/** What one full packet carries besides payload, by owner. */
export function fullPacketChart(plan: PlanReport): ChartDefinition | null {
  const all = plan.fullPackets ?? [];
  if (all.length === 0) return null;
  const shown = all.slice(0, MAX_BARS);
  return {
    id: 'full-packet',
    kind: 'stackedBar',
    title: 'Overhead of one full packet',
    subtitle: `Bytes of an Ethernet frame that are not payload.${restOf(shown.length, all.length)}`,
    categories: shown.map(({ label, layers }) => `${label}: ${formatCount(layers.payload)} B payload`),
    value: { title: 'Overhead of the packet', unit: 'bytes', prefix: 'none' },
    series: headerSeries(shown.map(({ layers }) => layers)),
  };
}

/** Padding, and what it does to efficiency, from one MSS to the next. */
export function sawtoothCharts(curves: NonNullable<PlanReport['sawtooth']>): CurveChart[] {
  const drawn = curves.filter(({ points }) => points.length > 1);
  if (drawn.length === 0) return [];
  const x = { title: 'MSS', unit: 'bytes', prefix: 'none' } as const;
  const series = (y: (point: MssPoint) => number) =>
    joinEqual(
      drawn.map(({ label, points }) => ({
        name: label,
        points: points.map((point): CurvePoint => ({ x: point.mssBytes, y: y(point) })),
      })),
    )
      .slice(0, LINE_COLORS.length)
      .map((curve, i) => ({ ...curve, color: lineColor(i), certainty: 'measured' as const }));
  const references = limitsOf(drawn);
  return [
    {
      id: 'padding-over-mss',
      kind: 'line',
      title: 'Padding over the MSS',
      subtitle: "What the cipher's blocks make of each segment size: the low points cost nothing.",
      x,
      y: { title: 'Padding a packet', unit: 'bytes', prefix: 'none', min: 0 },
      series: series(({ paddingBytes }) => paddingBytes),
      references,
    },
    {
      id: 'efficiency-over-mss',
      kind: 'line',
      title: 'Efficiency over the MSS',
      subtitle: `Payload as a share of a full segment's frames. ${describeMisfits(drawn)}`.trimEnd(),
      x,
      y: { title: 'Efficiency', unit: 'share' },
      series: series(({ efficiency }) => efficiency),
      references,
    },
  ];
}

function describeMisfits(curves: NonNullable<PlanReport['sawtooth']>): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.every(({ fragmented }) => fragmented)) return 'None of these fits: each goes as fragments.';
  return points.some(({ fragmented }) => fragmented) ? 'What does not fit goes as fragments.' : '';
}

/** The largest MSS that fits the link, for each curve that has one inside. */
function limitsOf(curves: NonNullable<PlanReport['sawtooth']>): Reference[] {
  const limits = new Set<number>();
  for (const { points } of curves) {
    const last = points.findLastIndex(({ fits }) => fits);
    const point = points[last];
    if (point !== undefined && last < points.length - 1) limits.add(point.mssBytes);
  }
  return [...limits].map((x) => ({ x, label: `largest that fits: ${formatCount(x)}` }));
}

/** The same transfer behind IPsec and behind what else could protect it. */
export function alternativesChart(plan: PlanReport): ChartDefinition | null {
  const { alternatives = [], payloadBytes } = plan;
  if (alternatives.length === 0) return null;
  const rows = comparedRows(plan).slice(0, MAX_BARS - alternatives.length);
  const clear = comparisonClearRow(plan);
  const bars = [
    ...rows.map((row) => ({ label: rowLabel(row), wireBytes: row.wireBytes })),
    ...alternatives.map(({ title, wireBytes }) => ({ label: title, wireBytes })),
  ].sort((a, b) => a.wireBytes - b.wireBytes);
  const beyond = bars.map(({ wireBytes }) => wireBytes - payloadBytes);
  const added = bars.map((bar) => (clear === null ? 0 : Math.max(0, costOverClear(bar, clear))));
  const withoutProtection: BarSeries = {
    name: clear === null ? 'Headers and protection' : 'Headers without protection',
    color: 'ip',
    certainty: 'measured',
    values: beyond.map((bytes, i) => bytes - added[i]!),
  };
  const addedByIt: BarSeries = {
    name: 'Added by the protection',
    color: 'espIv',
    certainty: 'measured',
    values: added,
  };
  return {
    id: 'alternatives',
    kind: 'stackedBar',
    title: 'IPsec and the alternatives',
    subtitle: `Bytes on the wire beyond the ${formatBytes(payloadBytes)} carried, least first.`,
    categories: bars.map(({ label }) => label),
    value: { title: 'Overhead of the transfer', unit: 'bytes' },
    series: clear === null ? [withoutProtection] : [withoutProtection, addedByIt],
  };
}

interface NamedCurve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

/** Curves that would cover one another become one with all their names. */
function joinEqual(curves: readonly NamedCurve[]): NamedCurve[] {
  const joined = new Map<string, NamedCurve>();
  for (const curve of curves) {
    const key = JSON.stringify(curve.points);
    const same = joined.get(key);
    joined.set(key, same === undefined ? curve : { ...same, name: `${same.name} = ${curve.name}` });
  }
  return [...joined.values()];
}

function lineColor(index: number): ColorRole {
  return LINE_COLORS[index % LINE_COLORS.length] ?? 'graphite';
}

function restOf(shown: number, total: number): string {
  return shown === total ? '' : ` The first ${shown} of ${total}; the table has all.`;
}
