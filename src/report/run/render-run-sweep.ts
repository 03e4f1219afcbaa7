import type { SweepFigures, SweepRow } from '../../result/sweep-row.js';
import type { RenderOptions } from '../analysis/render-analysis.js';
import { pointLabel, type SweepReport } from '../chart/sweep-report.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBytes, formatCount, formatCounted } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { formatMs, LIMIT_NAMES } from './describe-scenario.js';

/** A screen; the files have all. */
const MAX_ROWS = 40;

/** A sweep for reading in a terminal: what converges, the best and the worst, then point by point. */
export function renderSweep(report: SweepReport, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const sections = [renderSweepVerdict(report, context), renderPoints(report, context)];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** One paragraph a line if the context is wide enough. */
export function renderSweepVerdict(report: SweepReport, { width, style }: ReportContext): string[] {
  const { rows } = report;
  const endless = rows.filter(({ figures }) => figures?.converged === false);
  const impossible = rows.filter(({ figures }) => figures === null);
  const converging = rows.filter(({ figures }) => figures?.converged === true);
  const counts = [
    `${formatCount(converging.length)} converge`,
    ...(endless.length > 0 ? [`${formatCount(endless.length)} do not`] : []),
    ...(impossible.length > 0 ? [`${formatCount(impossible.length)} cannot be`] : []),
  ].join(', ');
  const mark =
    converging.length === rows.length ? style.good : converging.length === 0 ? style.bad : style.caution;
  const [best, worst] = extremes(converging);
  return [
    ...wrapText(`${formatCounted(rows.length, 'point')}: ${counts}.`, { width }).map((line) =>
      style.heading(mark(line)),
    ),
    ...(best === undefined ? [] : wrapText(`Soonest: ${describePoint(best, report)}.`, { width })),
    ...(worst === undefined || worst === best
      ? []
      : wrapText(`Latest that converges: ${describePoint(worst, report)}.`, { width })),
    ...impossible.slice(0, 1).flatMap((row) => wrapText(describeImpossible(row, report), { width })),
  ];
}

function extremes(rows: readonly SweepRow[]): [best?: SweepRow, worst?: SweepRow] {
  const time = ({ figures }: SweepRow) => figures!.totalTimeMs;
  const sorted = rows.toSorted((a, b) => time(a) - time(b));
  const [best, worst] = [sorted[0], sorted.at(-1)];
  return best === undefined || worst === undefined ? [] : [best, worst];
}

function describePoint(row: SweepRow, report: SweepReport): string {
  const { totalTimeMs, downtimeMs } = row.figures!;
  const downtime = downtimeMs === null ? '' : ` with ${formatMs(downtimeMs)} downtime`;
  return `${escapeTerminal(pointLabel(row, report) || row.scenario)}, ${formatMs(totalTimeMs)}${downtime}`;
}

function describeImpossible(row: SweepRow, report: SweepReport): string {
  const label = escapeTerminal(pointLabel(row, report) || row.scenario);
  return `Cannot be, for instance: ${label}: ${escapeTerminal(row.error ?? '')}`;
}

function renderPoints(report: SweepReport, context: ReportContext): string[] {
  const { rows, scenarios, axes } = report;
  const varied = axes.filter(({ values }) => values.length > 1 || axes.length === 1);
  const columns: TableColumn[] = [
    ...(scenarios.length > 1 ? [{ title: 'scenario', minWidth: 34 }] : []),
    ...varied.map(({ name, values }) => ({
      title: name,
      ...(values.every((value) => /^\d/.test(value)) ? { align: 'right' as const } : {}),
    })),
    { title: 'total time', align: 'right' },
    { title: 'downtime', align: 'right' },
    { title: 'iterations', align: 'right', dispensable: 2 },
    { title: 'packets', align: 'right', dispensable: 1 },
    { title: 'on the wire', align: 'right', dispensable: 3 },
    { title: 'held back by', dispensable: 4 },
  ];
  const shown = rows
    .slice(0, MAX_ROWS)
    .map((row) => [
      ...(scenarios.length > 1 ? [escapeTerminal(row.scenario)] : []),
      ...varied.map(({ name }) => escapeTerminal(row.settings[name] ?? '')),
      ...pointCells(row.figures, context),
    ]);
  const rest = rows.length - shown.length;
  return [...renderTable(columns, shown, context), ...(rest > 0 ? renderRest(rest, context) : [])];
}

function renderRest(count: number, { width, style }: ReportContext): string[] {
  return wrapText(`… and ${formatCount(count)} more (--out and --csv have all)`, { width, first: '  ' }).map(
    style.faint,
  );
}

function pointCells(figures: SweepFigures | null, { style }: ReportContext): string[] {
  if (figures === null) return [style.faint('cannot be')];
  const { converged, totalTimeMs, downtimeMs, iterations, wirePackets, wireBytes, limitedBy } = figures;
  return [
    converged ? formatMs(totalTimeMs) : style.bad('does not converge'),
    downtimeMs === null ? '-' : formatMs(downtimeMs),
    formatCount(iterations),
    formatCount(Math.round(wirePackets)),
    formatBytes(wireBytes),
    LIMIT_NAMES[limitedBy],
  ];
}
