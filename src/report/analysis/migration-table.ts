import type { AnalysisSummary, MigrationSummary } from '../../analysis/analysis-summary.js';
import { formatBps, formatBytes, formatCount, formatSeconds } from '../text/format-quantity.js';
import { type ReportContext, renderRest } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { wrapText } from '../text/wrap-text.js';
import { type MigrationStage, stagesOf } from './migration-stages.js';
import { judgeMigration } from './migration-verdict.js';

const MAX_MIGRATIONS = 3;
/** Pre-copy iterations in a line of their own. */
const MAX_PASSES = 7;

const COLUMNS: readonly TableColumn[] = [
  { title: 'stage' },
  { title: 'pages', align: 'right' },
  { title: 'zero', align: 'right', dispensable: 2 },
  { title: 'sent again', align: 'right', dispensable: 1 },
  { title: 'bytes', align: 'right' },
  { title: 'time', align: 'right' },
  { title: 'rate', align: 'right' },
  { title: 'from', align: 'right', dispensable: 3 },
];

/** Each migration: who can read it, then its stages. */
export function renderMigrations(summary: AnalysisSummary, context: ReportContext): string[] {
  const { migrations } = summary;
  const shown = migrations.slice(0, MAX_MIGRATIONS);
  const blocks = shown.map((migration) => renderMigration(migration, summary, context));
  return [
    ...blocks.flatMap((lines, i) => (i === 0 ? lines : ['', ...lines])),
    ...renderRest(migrations.length, shown.length, context),
  ];
}

function renderMigration(
  migration: MigrationSummary,
  summary: AnalysisSummary,
  context: ReportContext,
): string[] {
  const { width, style } = context;
  const { tone, headline, exposure, remarks } = judgeMigration(migration, summary);
  const rows = stagesOf(migration, MAX_PASSES).map(stageRow);
  return [
    ...wrapText(headline, { width }).map((line) => style.heading(style[tone](line))),
    ...wrapText(exposure, { width }),
    ...remarks.flatMap((remark) => wrapText(remark, { width })),
    '',
    ...(rows.length === 0 ? [] : renderTable(COLUMNS, rows, context)),
  ];
}

function stageRow(stage: MigrationStage): string[] {
  const { name, pages, bytes, seconds, startSeconds } = stage;
  return [
    name,
    pages === null ? '' : formatCount(pages.normal),
    pages === null ? '' : formatCount(pages.zero),
    pages === null ? '' : formatCount(pages.resent),
    formatBytes(bytes),
    formatSeconds(seconds),
    seconds > 0 ? formatBps((bytes * 8) / seconds) : '-',
    formatSeconds(Math.max(0, startSeconds)),
  ];
}
