import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import type { TableColumn, TableRow } from './table-column.js';
import { splitWords } from './wrap-text.js';

/*
 * Theory of operation. Columns take what their cells need. Where that is too much, dispensable columns go first; then those
 * that may be squeezed are, as far as they say; then all of them, but only between words: each column has a floor below which
 * a number or a word would break, and a broken number reads as two. Where even the floors are too wide, the table is none.
 */

/** A column of a table as it is laid out. */
export interface FittedColumn {
  readonly column: TableColumn;
  /** Index in the caller's columns and rows. */
  readonly index: number;
  width: number;
}

interface MeasuredColumn extends FittedColumn {
  /** Below this a number or a word would break. */
  readonly floor: number;
}

export const GAP = '  ';
/** Words longer than this may break: no number is so long. */
const LONGEST_WHOLE = 26;

/** @returns null if the columns do not fit into `width` without breaking numbers or words */
export function fitColumns(
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
  width: number,
): FittedColumn[] | null {
  let fitted = measureColumns(columns, rows);
  while (squeezedWidth(fitted) > width) {
    const victim = mostDispensable(fitted);
    if (victim === undefined) break;
    fitted = fitted.filter((column) => column !== victim);
  }
  squeeze(fitted, width, narrowest);
  squeeze(fitted, width, ({ floor }) => floor);
  return totalWidth(fitted) <= width ? fitted : null;
}

/** Columns of a terminal that the cells take if nothing limits them. */
export function naturalWidth(columns: readonly TableColumn[], rows: readonly TableRow[]): number {
  return totalWidth(measureColumns(columns, rows));
}

/** Narrowest width that breaks no number, no word, and nothing at all of a number at the right. */
export function floorOf(text: string, align: TableColumn['align'] = 'left'): number {
  if (align === 'right' && /\d/.test(stripVTControlCharacters(text))) return stringWidth(text);
  // Words with colours are broken by nobody.
  const words = splitWords(text);
  const pieces = text.includes('\u001b') ? words : words.flatMap((word) => word.split(/(?<=[-:/])/));
  return pieces.reduce((most, piece) => Math.max(most, Math.min(stringWidth(piece), LONGEST_WHOLE)), 0);
}

function measureColumns(columns: readonly TableColumn[], rows: readonly TableRow[]): MeasuredColumn[] {
  return columns.map((column, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    const width = Math.max(1, stringWidth(column.title), ...cells.map((cell) => stringWidth(cell)));
    const floor = Math.max(1, floorOf(column.title), ...cells.map((cell) => floorOf(cell, column.align)));
    return { column, index, width, floor };
  });
}

/** As far as the column itself says that it may be squeezed. */
function narrowest({ column, width, floor }: MeasuredColumn): number {
  return column.minWidth === undefined ? width : Math.min(width, Math.max(column.minWidth, floor));
}

function totalWidth(fitted: readonly FittedColumn[]): number {
  return fitted.reduce((sum, { width }) => sum + width, (fitted.length - 1) * GAP.length);
}

/** Width when every column that may be squeezed is. */
function squeezedWidth(fitted: readonly MeasuredColumn[]): number {
  return totalWidth(fitted.map((entry) => ({ ...entry, width: narrowest(entry) })));
}

function mostDispensable(fitted: readonly MeasuredColumn[]): MeasuredColumn | undefined {
  const candidates = fitted.filter(({ column }) => column.dispensable !== undefined);
  return candidates.sort((a, b) => (b.column.dispensable ?? 0) - (a.column.dispensable ?? 0))[0];
}

/** Narrows the widest column by one, again and again, until they fit or none gives. */
function squeeze(
  fitted: readonly MeasuredColumn[],
  width: number,
  minimum: (column: MeasuredColumn) => number,
): void {
  const limits = new Map(fitted.map((entry) => [entry, minimum(entry)]));
  while (totalWidth(fitted) > width) {
    const widest = fitted
      .filter((entry) => entry.width > limits.get(entry)!)
      .reduce<MeasuredColumn | undefined>(
        (a, b) => (a === undefined || b.width > a.width ? b : a),
        undefined,
      );
    if (widest === undefined) return;
    widest.width--;
  }
}
