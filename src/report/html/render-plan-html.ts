import { best, type PlanRow } from '../../plan/rows.js';
import {
  alternativesChart,
  efficiencyChart,
  fullPacketChart,
  sawtoothCharts,
  transferChart,
} from '../chart/plan-charts.js';
import {
  clearRowOf,
  comparedRows,
  comparisonClearRow,
  comparisonMtu,
  isProtected,
  type PlanReport,
  rowLabel,
} from '../chart/plan-report.js';
import { costOverClear } from '../plan/ipsec-cost.js';
import { formatChange } from '../text/format-change.js';
import { formatBytes, formatCount, formatCounted, formatShare } from '../text/format-quantity.js';
import { byteCell, columns, countCell, shareCell } from './analysis-tables.js';
import { renderHtml } from './render-html.js';
import type { Cell, Fact, LeadLine, ReportPage, ReportSection, ReportTable } from './report-page.js';

/** A plan as one HTML file, the recommendation first. */
export function renderPlanHtml(plan: PlanReport): string {
  return renderHtml(planPage(plan));
}

/** The same as data. */
export function planPage(plan: PlanReport): ReportPage {
  const chosen = best(plan.rows.filter(isProtected)) ?? best(plan.rows);
  return {
    title: 'Tare: what IPsec will cost',
    lead:
      chosen === null
        ? [{ text: 'There is nothing to plan: no combination was given.' }]
        : leadLines(plan, chosen),
    facts: chosen === null ? [] : factsOf(plan, chosen),
    sections: planSections(plan).filter(
      ({ charts = [], tables = [], commands = [] }) => charts.length + tables.length + commands.length > 0,
    ),
    footer:
      'Computed from packet sizes, exact to the byte; nothing lost, nothing sent again. Wire bytes are Ethernet frames without ' +
      'check sequence and gaps. 1 kB is 1000 bytes.',
  };
}

export function planSections(plan: PlanReport): ReportSection[] {
  const charts = <Chart>(...candidates: (Chart | null)[]) => candidates.filter((chart) => chart !== null);
  const rows = comparedRows(plan);
  const { alternatives = [], advice = [] } = plan;
  return [
    {
      heading: 'The suites compared',
      charts: charts(transferChart(plan), fullPacketChart(plan)),
      tables: rows.length === 0 ? [] : [rowTable(plan, rows)],
    },
    { heading: 'The MTU', charts: charts(efficiencyChart(plan)) },
    { heading: 'The MSS', charts: sawtoothCharts(plan.sawtooth ?? []) },
    {
      heading: 'IPsec and the alternatives',
      charts: charts(alternativesChart(plan)),
      tables: alternatives.length === 0 ? [] : [alternativeTable(plan, alternatives)],
    },
    {
      heading: 'How to set it',
      commands: advice.map(({ title, where, commands, caution }) => ({
        title: where === 'shell' ? title : `${title} (${where})`,
        lines: commands,
        caution,
      })),
    },
  ];
}

function leadLines(plan: PlanReport, chosen: PlanRow): LeadLine[] {
  const { payloadBytes } = plan;
  const clear = clearRowOf(plan, chosen);
  const headline = `Fewest bytes: ${rowLabel(chosen)} at a link MTU of ${formatCount(chosen.linkMtuBytes)}.`;
  const cost =
    `${formatBytes(payloadBytes)} become ${formatBytes(chosen.wireBytes)} on the wire in ${formatCounted(chosen.packets, 'packet')}; ` +
    `${formatShare(payloadBytes, chosen.wireBytes)} of it is payload.`;
  const overClear =
    clear === null ? [] : [`That is ${describeCost(chosen, clear)} than without IPsec on the same link.`];
  const fragments = chosen.fragmented
    ? ['Its packets are fragmented: choose a smaller MSS or a larger MTU.']
    : [];
  return [
    chosen.fragmented ? { text: headline, tone: 'caution' } : { text: headline, tone: 'good' },
    ...[cost, ...overClear, ...fragments].map((text) => ({ text })),
  ];
}

/** `16.5 MB (0.4 %) more` */
function describeCost(row: PlanRow, clear: PlanRow): string {
  const cost = costOverClear(row, clear);
  const bytes = Math.abs(cost);
  return `${formatBytes(bytes)} (${formatShare(bytes, clear.wireBytes)}) ${cost < 0 ? 'less' : 'more'}`;
}

/** What IPsec costs, in the figures of the headline. */
export function costFact(row: PlanRow, clear: PlanRow): Fact {
  const cost = costOverClear(row, clear);
  const bytes = Math.abs(cost);
  return {
    label: cost < 0 ? 'IPsec saves' : 'IPsec adds',
    value: formatBytes(bytes),
    note: `${formatShare(bytes, clear.wireBytes)} ${cost < 0 ? 'less' : 'more'} than without`,
  };
}

function factsOf(plan: PlanReport, row: PlanRow): Fact[] {
  const { payloadBytes } = plan;
  const clear = clearRowOf(plan, row);
  return [
    { label: 'Efficiency', value: formatShare(payloadBytes, row.wireBytes), note: 'payload of all bytes' },
    ...(clear === null ? [] : [costFact(row, clear)]),
    { label: 'MSS', value: formatCount(row.mssBytes), note: `path MTU ${formatCount(row.pathMtuBytes)}` },
    {
      label: 'Packets',
      value: formatCount(row.packets),
      note: `${formatBytes(row.paddingBytes)} of padding`,
    },
  ];
}

function rowTable(plan: PlanReport, rows: readonly PlanRow[]): ReportTable {
  return {
    caption: `The transfer at a link MTU of ${formatCount(comparisonMtu(plan) ?? 0)}`,
    columns: columns(
      'Protection',
      '#Path MTU',
      '#MSS',
      '#Best MSS',
      '#Packets',
      '#Wire bytes',
      '#Over clear',
      '#Padding',
      '#Efficiency',
      'Fragments',
    ),
    rows: rows.map((row) => [
      rowLabel(row),
      countCell(row.pathMtuBytes),
      countCell(row.mssBytes),
      countCell(row.bestMssBytes),
      countCell(row.packets),
      byteCell(row.wireBytes),
      overClearCell(row, clearRowOf(plan, row)),
      byteCell(row.paddingBytes),
      shareCell(row.efficiency, 1),
      row.fragmented ? 'yes' : 'no',
    ]),
  };
}

function overClearCell(cost: { readonly wireBytes: number }, clear: PlanRow | null): Cell {
  if (clear === null) return { text: '-', sort: 0 };
  const bytes = costOverClear(cost, clear);
  return { text: formatChange(bytes, clear.wireBytes), sort: bytes };
}

function alternativeTable(
  plan: PlanReport,
  alternatives: NonNullable<PlanReport['alternatives']>,
): ReportTable {
  const clear = comparisonClearRow(plan);
  return {
    caption: 'What else could protect the transfer',
    columns: columns(
      'Protection',
      '#Wire bytes',
      '#Over clear',
      '#Efficiency',
      'Protects',
      'Needs',
      'Leaves visible',
    ),
    rows: alternatives.map(({ title, wireBytes, efficiency, protects, needs, leavesVisible }) => [
      title,
      byteCell(wireBytes),
      overClearCell({ wireBytes }, clear),
      shareCell(efficiency, 1),
      protects,
      needs,
      leavesVisible,
    ]),
  };
}
