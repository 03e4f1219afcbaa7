import type {
  AnalysisSummary,
  PacketSizeBucket,
  ProtectionClass,
  ReportedLayer,
  SecurityAssociationSummary,
  TimelineSummary,
} from '../../analysis/analysis-summary.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBytes, formatCounted, secondsBetween } from '../text/format-quantity.js';
import type { BarSeries, ChartDefinition, CurveChart, CurvePoint } from './chart-definition.js';
import type { ColorRole } from './chart-palette.js';
import { HEADER_ORDER, LAYER_NAMES, LAYER_ORDER } from './layer-style.js';
import { migrationCharts } from './migration-charts.js';

/** More steps than this cannot be told apart on a screen: neighbours are then taken together. */
const MAX_INTERVALS = 600;
/** More lanes or groups than this do not fit a page; those with most to show stay. */
const MAX_ASSOCIATIONS = 12;

const PROTECTIONS: Readonly<Record<ProtectionClass, { readonly name: string; readonly color: ColorRole }>> = {
  esp: { name: 'ESP', color: 'green' },
  ahEsp: { name: 'AH and ESP', color: 'blue' },
  ah: { name: 'AH, readable', color: 'orange' },
  ike: { name: 'IKE', color: 'pink' },
  notIp: { name: 'Not IP', color: 'graphite' },
  clear: { name: 'In the clear', color: 'vermilion' },
};
const PROTECTION_ORDER = Object.keys(PROTECTIONS) as ProtectionClass[];

/** The charts of an analysis, most telling first; those without anything to show are left out. */
export function analysisCharts(summary: AnalysisSummary): ChartDefinition[] {
  const charts = [
    throughputChart(summary.timeline),
    ...migrationCharts(summary),
    layerChart(summary),
    packetSizeChart(summary.packetSizes),
    packetSharesChart(summary.packetSizes),
    sequenceChart(summary.securityAssociations),
    associationTimeline(summary),
  ];
  return charts.filter((chart) => chart !== null);
}

/** @returns null without a time line */
export function throughputChart(timeline: TimelineSummary | null): CurveChart | null {
  if (timeline === null) return null;
  const classes = PROTECTION_ORDER.filter((kind) => timeline.byClass[kind].some((bytes) => bytes > 0));
  if (classes.length === 0) return null;
  const count = Math.max(...classes.map((kind) => timeline.byClass[kind].length));
  const merged = Math.ceil(count / MAX_INTERVALS);
  return {
    id: 'throughput',
    kind: 'steppedArea',
    title: 'Throughput over time, by protection',
    subtitle: 'Everything on the wire, headers included; times from the first packet.',
    x: { title: 'Time', unit: 'seconds', min: 0 },
    y: { title: 'Wire rate', unit: 'bitsPerSecond' },
    series: classes.map((kind) => ({
      ...PROTECTIONS[kind],
      certainty: 'measured',
      points: ratePoints(timeline.byClass[kind], count, merged, timeline.intervalNs / 1e9),
    })),
  };
}

/** One point where each step begins, and one where the last ends. */
function ratePoints(
  bytes: readonly number[],
  count: number,
  merged: number,
  intervalSeconds: number,
): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let from = 0; from < count; from += merged) {
    const to = Math.min(count, from + merged);
    const sum = bytes.slice(from, to).reduce((total, value) => total + value, 0);
    points.push({ x: from * intervalSeconds, y: (sum * 8) / ((to - from) * intervalSeconds) });
  }
  const last = points.at(-1);
  return last === undefined ? [] : [...points, { x: count * intervalSeconds, y: last.y }];
}

/** Where the bytes went: all of them, and below it those that are not payload on a scale of their own. */
export function layerChart(summary: AnalysisSummary): ChartDefinition | null {
  const { bytes } = summary;
  const total = sumOf(LAYER_ORDER, (layer) => bytes[layer].bytes);
  if (total === 0) return null;
  const added = total - bytes.payload.bytes;
  const series = LAYER_ORDER.filter((layer) => bytes[layer].bytes > 0).map((layer): BarSeries => {
    const ofAdded = layer === 'payload' || added === 0 ? null : bytes[layer].bytes / added;
    return {
      name: LAYER_NAMES[layer],
      color: layer,
      certainty: bytes[layer].certainty,
      values: [bytes[layer].bytes / total, ofAdded],
    };
  });
  return {
    id: 'bytes-by-layer',
    kind: 'stackedBar',
    title: 'Where every byte on the wire went',
    subtitle:
      'Above all of it, below enlarged what is not payload: greys every network adds, warm colours IPsec.',
    categories: [`All: ${formatBytes(total)}`, `Not payload: ${formatBytes(added)}`],
    value: { title: 'Share', unit: 'share', max: 1 },
    series,
  };
}

/** Numbers of packets by length. */
export function packetSizeChart(buckets: readonly PacketSizeBucket[]): ChartDefinition | null {
  const shown = occupied(buckets);
  if (shown.length === 0) return null;
  return {
    id: 'packet-sizes',
    kind: 'histogram',
    title: 'Packets by size',
    subtitle: 'Lengths as captured on the wire, link header included.',
    bins: shown.map(binOf),
    x: { title: 'Frame length', unit: 'bytes', prefix: 'none' },
    y: { title: 'Packets', unit: 'count' },
    series: [
      { name: 'Packets', color: 'blue', certainty: 'measured', values: shown.map(({ packets }) => packets) },
    ],
  };
}

/** What packets of each length consist of: small ones pay the largest part of themselves. */
export function packetSharesChart(buckets: readonly PacketSizeBucket[]): ChartDefinition | null {
  const shown = occupied(buckets);
  if (shown.length === 0) return null;
  const share = (part: (bucket: PacketSizeBucket) => number) =>
    shown.map((bucket) => (bucket.bytes === 0 ? null : part(bucket) / bucket.bytes));
  const hasIpsec = shown.some(({ ipsecBytes }) => ipsecBytes > 0);
  const series: BarSeries[] = [
    { name: 'Payload', color: 'payload', certainty: 'measured', values: share((b) => b.payloadBytes) },
    {
      name: 'Headers of every network',
      color: 'ip',
      certainty: 'measured',
      values: share((b) => Math.max(0, b.bytes - b.payloadBytes - b.ipsecBytes)),
    },
    { name: 'IPsec', color: 'espIv', certainty: 'measured', values: share((b) => b.ipsecBytes) },
  ];
  return {
    id: 'packet-shares',
    kind: 'histogram',
    title: 'What packets of each size consist of',
    subtitle: hasIpsec ? 'Small packets pay the largest part of themselves to IPsec.' : 'There is no IPsec.',
    bins: shown.map(binOf),
    x: { title: 'Frame length', unit: 'bytes', prefix: 'none' },
    y: { title: 'Share of their bytes', unit: 'share', max: 1 },
    series: hasIpsec ? series : series.slice(0, 2),
  };
}

/** @returns null if no security association has gaps, duplicates or packets out of order */
export function sequenceChart(associations: readonly SecurityAssociationSummary[]): ChartDefinition | null {
  const trouble = ({ sequence }: SecurityAssociationSummary) =>
    sequence.missing + sequence.duplicate + sequence.reordered;
  const troubled = associations.filter((sa) => trouble(sa) > 0).toSorted((a, b) => trouble(b) - trouble(a));
  if (troubled.length === 0) return null;
  const shown = troubled.slice(0, MAX_ASSOCIATIONS);
  const series = (
    name: string,
    color: ColorRole,
    value: (sequence: SecurityAssociationSummary['sequence']) => number,
  ): BarSeries => ({
    name,
    color,
    certainty: 'measured',
    values: shown.map(({ sequence }) => value(sequence)),
  });
  return {
    id: 'sequence-numbers',
    kind: 'groupedBar',
    title: 'Gaps in sequence numbers',
    subtitle: subtitleFor(shown.length, troubled.length, 'Missing: lost, or not seen by the capture.'),
    categories: shown.map(associationLabel),
    value: { title: 'Sequence numbers', unit: 'count' },
    series: [
      series('Missing', 'vermilion', ({ missing }) => missing),
      series('Seen twice', 'orange', ({ duplicate }) => duplicate),
      series('Out of order', 'blue', ({ reordered }) => reordered),
    ],
  };
}

/** When each security association was in use. A rekey shows as one bar ending where the next begins. */
export function associationTimeline(summary: AnalysisSummary): ChartDefinition | null {
  const associations = summary.securityAssociations;
  if (associations.length < 2) return null;
  const shown = associations
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, MAX_ASSOCIATIONS)
    .toSorted((a, b) => Number(BigInt(a.firstTimeNs) - BigInt(b.firstTimeNs)));
  const since = (timeNs: string) => secondsBetween(summary.wire.firstTimeNs, timeNs);
  const series = (['esp', 'ah'] as const).map((protocol) => ({
    name: protocol.toUpperCase(),
    color: PROTECTIONS[protocol].color,
    certainty: 'measured' as const,
    spans: shown.flatMap((sa, lane) =>
      sa.protocol === protocol ? [{ lane, from: since(sa.firstTimeNs), to: since(sa.lastTimeNs) }] : [],
    ),
  }));
  return {
    id: 'security-associations',
    kind: 'timeline',
    title: 'Security associations over time',
    subtitle: subtitleFor(shown.length, associations.length, 'From the first to the last packet of each.'),
    lanes: shown.map(associationLabel),
    x: { title: 'Time', unit: 'seconds', min: 0 },
    series: series.filter(({ spans }) => spans.length > 0),
  };
}

function associationLabel(sa: SecurityAssociationSummary): string {
  const ends = `${escapeTerminal(sa.source)} to ${escapeTerminal(sa.destination)}`;
  return `${sa.protocol.toUpperCase()} ${escapeTerminal(sa.spi)} ${ends}`;
}

function subtitleFor(shown: number, total: number, text: string): string {
  return shown === total ? text : `${text} The largest ${shown} of ${formatCounted(total, 'association')}.`;
}

/** Buckets from the first to the last that holds packets. */
function occupied(buckets: readonly PacketSizeBucket[]): PacketSizeBucket[] {
  const first = buckets.findIndex(({ packets }) => packets > 0);
  const last = buckets.findLastIndex(({ packets }) => packets > 0);
  return first < 0 ? [] : buckets.slice(first, last + 1);
}

function binOf({ minBytes, maxBytes }: PacketSizeBucket) {
  return { from: minBytes, to: maxBytes >= 2 ** 32 - 1 ? null : maxBytes };
}

function sumOf(layers: readonly ReportedLayer[], bytes: (layer: ReportedLayer) => number): number {
  return layers.reduce((sum, layer) => sum + bytes(layer), 0);
}

/** Layers of which at least one row has bytes, as series of a stack without payload. */
export function headerSeries(rows: readonly Readonly<Record<ReportedLayer, number>>[]): BarSeries[] {
  return HEADER_ORDER.filter((layer) => rows.some((row) => row[layer] > 0)).map((layer) => ({
    name: LAYER_NAMES[layer],
    color: layer,
    certainty: 'measured',
    values: rows.map((row) => row[layer]),
  }));
}
