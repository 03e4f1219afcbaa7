import stringWidth from 'string-width';
import { floorOf, GAP } from './fit-columns.js';
import type { TableColumn, TableOptions, TableRow } from './table-column.js';
import { wrapText } from './wrap-text.js';

const INDENT = '  ';
const CELL_INDENT = '    ';

/**
 * A table too wide for the terminal, row below row: the first cell, and the others below it with the titles of their columns. Cells of
 * dispensable columns and empty ones are left out.
 */
export function stackRows(
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
  { width, style }: TableOptions,
): string[] {
  const [head, ...others] = columns.map((column, index) => ({ column, index }));
  const shown = others.filter(({ column }) => column.dispensable === undefined);
  const half = Math.floor(width / 2) - CELL_INDENT.length;
  const titles = shown.map(({ column }) => stringWidth(column.title)).filter((title) => title <= half);
  const titleWidth = Math.max(0, ...titles);
  const headTitle = head?.column.title ?? '';
  return [
    ...(headTitle === '' ? [] : wrapText(headTitle, { width, first: INDENT }).map(style.heading)),
    ...rows.flatMap((row) => [
      ...wrapText(row[0] ?? '', { width, first: INDENT }),
      ...shown.flatMap(({ column, index }) =>
        (row[index] ?? '') === '' ? [] : stackCell(column.title, row[index]!, titleWidth, width),
      ),
    ]),
  ];
}

/** Beside its title, or below it where there is not room for both. */
function stackCell(title: string, cell: string, titleWidth: number, width: number): string[] {
  if (title === '') return wrapText(cell, { width, first: CELL_INDENT });
  const missing = titleWidth - stringWidth(title);
  const first = `${CELL_INDENT}${title}${' '.repeat(Math.max(0, missing))}${GAP}`;
  const isBeside = missing >= 0 && stringWidth(first) + floorOf(cell, 'right') <= width;
  if (isBeside) return wrapText(cell, { width, first });
  return [
    ...wrapText(title, { width, first: CELL_INDENT }),
    ...wrapText(cell, { width, first: `${CELL_INDENT}${INDENT}` }),
  ];
}
