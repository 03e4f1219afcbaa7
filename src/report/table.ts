import CliTable from 'cli-table3';
import stringWidth from 'string-width';
import type { TextStyle } from './text-style.js';
import { wrapText } from './wrap-text.js';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Narrowest width to which the column may be squeezed; its cells then break at spaces. Default: not squeezed. */
  readonly minWidth?: number;
  /** Left out when the table is too wide: the highest number first. Default: always there. */
  readonly dispensable?: number;
}

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly style: TextStyle;
}

interface FittedColumn {
  readonly column: TableColumn;
  /** Index in the caller's columns and rows. */
  readonly index: number;
  width: number;
}

const INDENT = '  ';
const GAP = '  ';

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
 * A table without borders that is never wider than `options.width`. Cells are safe for a terminal already
 * (`escapeTerminal`) and may be styled.
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string[] {
  const fitted = fitColumns(columns, rows, options.width - INDENT.length);
  const table = new CliTable({
    chars: BORDERLESS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: fitted.map(({ width }) => width),
    colAligns: fitted.map(({ column }) => column.align ?? 'left'),
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  table.push(fitted.map(({ column }) => options.style.heading(column.title)));
  for (const row of rows) table.push(fitted.map(({ index, width }) => breakCell(row[index] ?? '', width)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Words longer than the column are broken, not cut: half an address is of no use. Styled cells are left as they are. */
function breakCell(text: string, width: number): string {
  return text.includes('\u001b') ? text : wrapText(text, { width }).join('\n');
}

function fitColumns(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): FittedColumn[] {
  let fitted = naturalColumns(columns, rows);
  while (squeezedWidth(fitted) > width) {
    const victim = mostDispensable(fitted);
    if (victim === undefined) break;
    fitted = fitted.filter((column) => column !== victim);
  }
  squeeze(fitted, width, (column) => column.minWidth ?? Number.POSITIVE_INFINITY);
  // A terminal too narrow even so.
  squeeze(fitted, width, () => 1);
  return fitted;
}

/** Columns of a terminal that the table takes if nothing limits it. */
export function tableWidth(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): number {
  return INDENT.length + totalWidth(naturalColumns(columns, rows));
}

function totalWidth(fitted: readonly FittedColumn[]): number {
  return fitted.reduce((sum, { width }) => sum + width, (fitted.length - 1) * GAP.length);
}

function naturalColumns(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): FittedColumn[] {
  return columns.map((column, index) => ({
    column,
    index,
    width: Math.max(1, stringWidth(column.title), ...rows.map((row) => stringWidth(row[index] ?? ''))),
  }));
}

/** Width when every column that may be squeezed is. */
function squeezedWidth(fitted: readonly FittedColumn[]): number {
  return totalWidth(
    fitted.map((entry) => ({ ...entry, width: Math.min(entry.width, entry.column.minWidth ?? entry.width) })),
  );
}

function mostDispensable(fitted: readonly FittedColumn[]): FittedColumn | undefined {
  const candidates = fitted.filter(({ column }) => column.dispensable !== undefined);
  return candidates.sort((a, b) => (b.column.dispensable ?? 0) - (a.column.dispensable ?? 0))[0];
}

/** Narrows the widest column by one, again and again, until the table fits or nothing gives. */
function squeeze(fitted: FittedColumn[], width: number, minimum: (column: TableColumn) => number): void {
  while (totalWidth(fitted) > width) {
    const widest = fitted
      .filter((entry) => entry.width > minimum(entry.column))
      .reduce<FittedColumn | undefined>((a, b) => (a === undefined || b.width > a.width ? b : a), undefined);
    if (widest === undefined) return;
    widest.width--;
  }
}
