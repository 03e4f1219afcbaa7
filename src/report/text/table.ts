import CliTable from 'cli-table3';
import { type FittedColumn, fitColumns, GAP, naturalWidth } from './fit-columns.js';
import { stackRows } from './stack-rows.js';
import type { TableColumn, TableOptions, TableRow } from './table-column.js';
import { wrapText } from './wrap-text.js';

export type { TableColumn } from './table-column.js';

const INDENT = '  ';

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: INDENT,
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
} as const;

/**
 * A table without borders that is never wider than `options.width`, and in which no number breaks: where there is not room for its
 * columns beside each other, the cells of a row stand below each other. Cells are safe for a terminal already
 * (`escapeTerminal`) and may be styled.
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
  options: TableOptions,
): string[] {
  const fitted = fitColumns(columns, rows, options.width - INDENT.length);
  return fitted === null ? stackRows(columns, rows, options) : drawTable(fitted, rows, options);
}

/** Columns of a terminal that the table takes if nothing limits it. */
export function tableWidth(columns: readonly TableColumn[], rows: readonly TableRow[]): number {
  return INDENT.length + naturalWidth(columns, rows);
}

function drawTable(
  fitted: readonly FittedColumn[],
  rows: readonly TableRow[],
  { style }: TableOptions,
): string[] {
  const table = new CliTable({
    chars: BORDERLESS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: fitted.map(({ width }) => width),
    colAligns: fitted.map(({ column }) => column.align ?? 'left'),
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  table.push(fitted.map(({ column, width }) => breakCell(column.title, width).map(style.heading).join('\n')));
  for (const row of rows) {
    table.push(fitted.map(({ index, width }) => breakCell(row[index] ?? '', width).join('\n')));
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Words longer than the column are broken, not cut: half an address is of no use. Styled cells are left as they are. */
function breakCell(text: string, width: number): string[] {
  return text.includes('\u001b') ? [text] : wrapText(text, { width });
}
