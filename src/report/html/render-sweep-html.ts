import type { ChartDefinition } from '../chart/chart-definition.js';
import { convergenceMaps, curveCharts, frontierChart, timeChart } from '../chart/sweep-charts.js';
import { pointLabel, type SweepReport } from '../chart/sweep-report.js';
import { formatMs, LIMIT_NAMES } from '../run/describe-scenario.js';
import { renderSweepVerdict } from '../run/render-run-sweep.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBytes, formatCount } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { columns } from './analysis-tables.js';
import { renderHtml } from './render-html.js';
import type { Cell, ReportPage, ReportSection, ReportTable } from './report-page.js';

/** More rows make a page slow; the CSV has all. */
const MAX_ROWS = 2000;
const WIDE: ReportContext = { width: 100_000, style: createTextStyle(false) };

/** A sweep as one HTML file. */
export function renderSweepHtml(report: SweepReport): string {
  return renderHtml(sweepPage(report));
}

/** The same as data. */
export function sweepPage(report: SweepReport): ReportPage {
  const { rows, level, samples } = report;
  const isWhole = rows.every(({ figures }) => figures?.converged === true);
  const charts = (...candidates: (ChartDefinition | null)[]) => candidates.filter((chart) => chart !== null);
  const sections: ReportSection[] = [
    { heading: 'Time and downtime', charts: curveCharts(report) },
    { heading: 'Where it converges', charts: charts(frontierChart(report), ...convergenceMaps(report)) },
    { heading: 'Where the time goes', charts: charts(timeChart(report)) },
    { heading: 'Point by point', tables: [pointTable(report)] },
  ];
  const how = level === 'analytic' ? 'Calculated (analytic model)' : 'Simulated packet by packet';
  return {
    title: `Tare: sweep of ${report.scenarios.map(escapeTerminal).join(', ')}`,
    lead: renderSweepVerdict(report, WIDE).map((text, i) =>
      i === 0 ? { text, tone: isWhole ? 'good' : 'caution' } : { text },
    ),
    sections: sections.filter(({ charts: drawn = [], tables = [] }) => drawn.length + tables.length > 0),
    footer: `${how}${samples > 1 ? `, ${samples} samples a point` : ''}. 1 kB is 1000 bytes.`,
  };
}

function pointTable(report: SweepReport): ReportTable {
  const { rows } = report;
  const time = (milliseconds: number | null): Cell =>
    milliseconds === null ? '-' : { text: formatMs(milliseconds), sort: milliseconds };
  return {
    caption: 'All points',
    columns: columns(
      'Point',
      '#Total time',
      '#Downtime',
      '#Iterations',
      '#Packets',
      '#Wire bytes',
      'Held back by',
    ),
    rows: rows.slice(0, MAX_ROWS).map((row) => {
      const { figures } = row;
      const label = escapeTerminal(pointLabel(row, report) || row.scenario);
      if (figures === null) return [label, 'cannot be', '', '', '', '', escapeTerminal(row.error ?? '')];
      return [
        label,
        figures.converged ? time(figures.totalTimeMs) : { text: 'does not converge', sort: Number.MAX_VALUE },
        time(figures.downtimeMs),
        { text: formatCount(figures.iterations), sort: figures.iterations },
        { text: formatCount(Math.round(figures.wirePackets)), sort: figures.wirePackets },
        { text: formatBytes(figures.wireBytes), sort: figures.wireBytes },
        LIMIT_NAMES[figures.limitedBy],
      ];
    }),
    ...(rows.length > MAX_ROWS
      ? { note: `The first ${formatCount(MAX_ROWS)} of ${formatCount(rows.length)}.` }
      : {}),
  };
}
