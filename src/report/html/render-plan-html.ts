import { best, type PlanRow } from '../../plan/rows.js';
import {
  alternativesChart,
  efficiencyChart,
  fullPacketChart,
  sawtoothCharts,
  securityBytes,
  transferChart,
} from '../chart/plan-charts.js';
import { comparedRows, comparisonMtu, type PlanReport, rowLabel } from '../chart/plan-report.js';
import { formatBytes, formatCount, formatCounted, formatShare } from '../format-quantity.js';
import { byteCell, columns, countCell, shareCell } from './analysis-tables.js';
import { renderHtml } from './render-html.js';
import type { Fact, LeadLine, ReportPage, ReportSection, ReportTable } from './report-page.js';

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
      tables: rows.length === 0 ? [] : [rowTable(rows, comparisonMtu(plan) ?? 0)],
    },
    { heading: 'The MTU', charts: charts(efficiencyChart(plan.rows)) },
    { heading: 'The MSS', charts: sawtoothCharts(plan.sawtooth ?? []) },
    {
      heading: 'IPsec and the alternatives',
      charts: charts(alternativesChart(plan)),
      tables: alternatives.length === 0 ? [] : [alternativeTable(alternatives)],
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

function leadLines({ payloadBytes, rows }: PlanReport, chosen: PlanRow): LeadLine[] {
  const plain = best(
    rows.filter(
      (row) => !isProtected(row) && row.linkMtuBytes === chosen.linkMtuBytes && row.family === chosen.family,
    ),
  );
  const headline = `Fewest bytes: ${rowLabel(chosen)} at a link MTU of ${formatCount(chosen.linkMtuBytes)}.`;
  const cost =
    `${formatBytes(payloadBytes)} become ${formatBytes(chosen.wireBytes)} on the wire in ${formatCounted(chosen.packets, 'packet')}; ` +
    `${formatShare(payloadBytes, chosen.wireBytes)} of it is payload.`;
  const versusPlain =
    plain === null || !isProtected(chosen)
      ? []
      : [
          `That is ${formatBytes(chosen.wireBytes - plain.wireBytes)} (${formatShare(chosen.wireBytes - plain.wireBytes, plain.wireBytes)}) more than without IPsec on the same link.`,
        ];
  const fragments = chosen.fragmented
    ? ['Its packets are fragmented: choose a smaller MSS or a larger MTU.']
    : [];
  return [
    chosen.fragmented ? { text: headline, tone: 'caution' } : { text: headline, tone: 'good' },
    ...[cost, ...versusPlain, ...fragments].map((text) => ({ text })),
  ];
}

function factsOf({ payloadBytes }: PlanReport, row: PlanRow): Fact[] {
  return [
    { label: 'Efficiency', value: formatShare(payloadBytes, row.wireBytes), note: 'payload of all bytes' },
    {
      label: 'IPsec adds',
      value: formatBytes(securityBytes(row)),
      note: `${formatShare(securityBytes(row), row.wireBytes)} of the wire`,
    },
    { label: 'MSS', value: formatCount(row.mssBytes), note: `path MTU ${formatCount(row.pathMtuBytes)}` },
    {
      label: 'Packets',
      value: formatCount(row.packets),
      note: `${formatBytes(row.paddingBytes)} of padding`,
    },
  ];
}

function rowTable(rows: readonly PlanRow[], mtu: number): ReportTable {
  return {
    caption: `The transfer at a link MTU of ${formatCount(mtu)}`,
    columns: columns(
      'Protection',
      '#Path MTU',
      '#MSS',
      '#Best MSS',
      '#Packets',
      '#Wire bytes',
      '#IPsec',
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
      byteCell(securityBytes(row)),
      byteCell(row.paddingBytes),
      shareCell(row.efficiency, 1),
      row.fragmented ? 'yes' : 'no',
    ]),
  };
}

function alternativeTable(alternatives: NonNullable<PlanReport['alternatives']>): ReportTable {
  return {
    caption: 'What else could protect the transfer',
    columns: columns(
      'Protection',
      '#Wire bytes',
      '#Added',
      '#Efficiency',
      'Protects',
      'Needs',
      'Leaves visible',
    ),
    rows: alternatives.map(
      ({ title, wireBytes, securityBytes: added, efficiency, protects, needs, leavesVisible }) => [
        title,
        byteCell(wireBytes),
        byteCell(added),
        shareCell(efficiency, 1),
        protects,
        needs,
        leavesVisible,
      ],
    ),
  };
}

function isProtected({ esp, ah }: PlanRow): boolean {
  return esp !== null || ah !== null;
}
