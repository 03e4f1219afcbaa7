import { clearRowFor, type PlanResult } from '../../plan/plan-result.js';
import type { PlanRow } from '../../plan/rows.js';
import { joinSuiteNames, protectionName } from '../run/protection-name.js';
import { formatChange } from '../text/format-change.js';
import { formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { wrapText } from '../text/wrap-text.js';
import { groupAlikeSuites } from './alike-suites.js';
import { costOverClear } from './ipsec-cost.js';

const MAX_ROWS = 12;
const MAX_COMPARED = 24;

/** Those behind the name of the protection, which never breaks within a suite's name while anything else can give way. */
const COLUMNS: readonly TableColumn[] = [
  { title: 'MTU', align: 'right' },
  { title: 'path MTU', align: 'right', dispensable: 3 },
  { title: 'MSS', align: 'right' },
  { title: 'packets', align: 'right', dispensable: 0 },
  { title: 'on the wire', align: 'right' },
  { title: 'payload', align: 'right', dispensable: 1 },
  { title: 'over clear', align: 'right' },
  { title: 'padding', align: 'right', dispensable: 2 },
  { title: '' },
];

/** The protection asked for at each MTU and MSS; without IPsec too if that is one line. */
export function renderPlanRows(result: PlanResult, context: ReportContext): string[] {
  const { rows, chosen, chosenClear, best } = result;
  const own = rows.filter(({ esp, ah }) => esp === chosen.esp && ah === chosen.ah);
  const shown = own.length === 1 ? [chosenClear, chosen] : sampleRows(own, [chosen, best]);
  const isSweep = own.length > 1;
  const columns = isSweep ? COLUMNS : [nameColumn('protection', shown.map(protectionName)), ...COLUMNS];
  const cells = shown.map((row) => [
    ...(isSweep ? [] : [protectionName(row)]),
    `${row.linkMtuBytes}`,
    `${row.pathMtuBytes}`,
    `${row.mssBytes}`,
    formatCount(row.packets),
    formatBytes(row.wireBytes),
    formatShare(result.settings.payloadBytes, row.wireBytes),
    describeOverClear(row, result),
    formatBytes(row.paddingBytes),
    isSweep && row === chosen ? 'best' : describeFragments(row),
  ]);
  return [
    ...renderTable(columns, cells, context),
    ...(isSweep ? renderSampleNote(own.length, shown.length, context) : []),
  ];
}

/** Breaks at spaces alone. */
function nameColumn(title: string, names: readonly string[]): TableColumn {
  const words = names.flatMap((name) => name.split(' '));
  return { title, minWidth: words.reduce((longest, word) => Math.max(longest, word.length), title.length) };
}

/** The line below a sample; nothing if all is shown. */
export function renderSampleNote(total: number, shown: number, { width, style }: ReportContext): string[] {
  if (total === shown) return [];
  const text = `${formatCount(total)} rows, a sample; --json and --csv have all`;
  return wrapText(text, { width, first: '  ' }).map(style.faint);
}

/** First, last, those that matter, and others evenly between them. */
export function sampleRows<Row>(rows: readonly Row[], wanted: readonly Row[]): Row[] {
  if (rows.length <= MAX_ROWS) return [...rows];
  const places = MAX_ROWS - wanted.length;
  const indices = new Set(
    Array.from({ length: places }, (_, i) => Math.round((i * (rows.length - 1)) / (places - 1))),
  );
  for (const row of wanted) indices.add(rows.indexOf(row));
  indices.delete(-1);
  return [...indices].sort((a, b) => a - b).map((index) => rows[index]!);
}

/** Every protection at the MTU of the one asked for, fewest bytes first; those of the same sizes in one line. */
export function renderPlanComparison(result: PlanResult, context: ReportContext): string[] {
  const { settings, fullPackets } = result;
  if (settings.protections.length === 1) return [];
  const groups = groupAlikeSuites(result).map((group) => ({
    ...group,
    row: fullPackets[group.index + 1]!.row,
  }));
  const shown = groups.sort((a, b) => a.row.wireBytes - b.row.wireBytes).slice(0, MAX_COMPARED);
  const names = shown.map(({ row, names: all }) => comparedName(row, all));
  const columns: TableColumn[] = [
    nameColumn(`compared at MTU ${result.chosen.linkMtuBytes}`, names),
    { title: 'MSS', align: 'right' },
    { title: 'packets', align: 'right', dispensable: 1 },
    { title: 'on the wire', align: 'right' },
    { title: 'payload', align: 'right', dispensable: 2 },
    { title: 'over clear', align: 'right' },
    { title: 'padding', align: 'right', dispensable: 3 },
    { title: '', minWidth: 9 },
  ];
  const cells = shown.map(({ row, weakness }, i) => [
    names[i]!,
    `${row.mssBytes}`,
    formatCount(row.packets),
    formatBytes(row.wireBytes),
    formatShare(settings.payloadBytes, row.wireBytes),
    describeOverClear(row, result),
    formatBytes(row.paddingBytes),
    [describeFragments(row), weakness].filter((part) => part !== '').join(', '),
  ]);
  return renderTable(columns, cells, context);
}

function comparedName(row: PlanRow, names: readonly string[]): string {
  const suites = joinSuiteNames(names.map((name) => name.replace(/^AH /, '')));
  if (row.esp === null) return `AH ${suites}`;
  return row.ah === null ? suites : `${suites} in AH ${row.ah}`;
}

function describeFragments({ fragmented }: PlanRow): string {
  return fragmented ? 'FRAGMENTS' : '';
}

function describeOverClear(row: PlanRow, { clear }: PlanResult): string {
  if (row.esp === null && row.ah === null) return '-';
  const plain = clearRowFor(clear, row);
  return formatChange(costOverClear(row, plain), plain.wireBytes);
}
