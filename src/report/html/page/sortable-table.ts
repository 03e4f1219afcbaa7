/// <reference lib="dom" />
import type { Cell, ReportColumn, ReportTable } from '../report-page.js';
import { createElement } from './create-element.js';

type Direction = 'ascending' | 'descending';

/** Browsers compare thousands of rows fast only with a collator made once. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

/** Longer tables scroll by themselves, so that what follows stays within reach. */
const LONG_ROWS = 30;

/** Tables of more columns fit paper only if words may break in them. */
const WIDE_COLUMNS = 10;

/** Longer cells get a width to be read in. */
const PROSE_CHARACTERS = 60;

/** A table whose columns sort when their heading is pressed: numbers from the largest, text from the first letter. */
export function sortableTable(table: ReportTable): HTMLElement {
  const { caption, columns, rows, note } = table;
  const body = createElement('tbody');
  const fill = (order: ReportTable['rows']) =>
    body.replaceChildren(...order.map((cells) => bodyRow(cells, columns)));
  const headings = columns.map((column) => heading(column));
  for (const [index, { cell, button }] of headings.entries()) {
    button.addEventListener('click', () => {
      const direction = nextDirection(cell, rows, index);
      for (const other of headings) other.cell.removeAttribute('aria-sort');
      cell.setAttribute('aria-sort', direction);
      fill(sortedRows(rows, index, direction));
    });
  }
  fill(rows);
  const head = createElement(
    'tr',
    '',
    headings.map(({ cell }) => cell),
  );
  const element = createElement('table', columns.length > WIDE_COLUMNS ? 'wide' : '', [
    createElement('caption', '', caption),
    createElement('thead', '', [head]),
    body,
  ]);
  const frame = createElement('div', rows.length > LONG_ROWS ? 'table-frame long' : 'table-frame', [element]);
  // Wide tables scroll inside their frame; with the keyboard too.
  frame.tabIndex = 0;
  frame.setAttribute('role', 'region');
  frame.setAttribute('aria-label', caption);
  const parts = note === undefined ? [frame] : [frame, createElement('p', 'note', note)];
  return createElement('div', 'table', parts);
}

function heading({ title, align }: ReportColumn) {
  const button = createElement('button', '', title);
  button.type = 'button';
  const cell = createElement('th', align === 'right' ? 'number' : '', [button]);
  cell.scope = 'col';
  return { cell, button };
}

function bodyRow(cells: readonly Cell[], columns: readonly ReportColumn[]): HTMLTableRowElement {
  return createElement(
    'tr',
    '',
    cells.map((cell, i) => {
      const text = typeof cell === 'string' ? cell : cell.text;
      const prose = text.length > PROSE_CHARACTERS ? 'prose' : '';
      return createElement('td', columns[i]?.align === 'right' ? 'number' : prose, text);
    }),
  );
}

function nextDirection(cell: HTMLElement, rows: ReportTable['rows'], index: number): Direction {
  const now = cell.getAttribute('aria-sort');
  if (now !== null) return now === 'ascending' ? 'descending' : 'ascending';
  return rows.some((row) => typeof row[index] === 'object') ? 'descending' : 'ascending';
}

function sortedRows(rows: ReportTable['rows'], index: number, direction: Direction): ReportTable['rows'] {
  const sign = direction === 'ascending' ? 1 : -1;
  return [...rows].sort((a, b) => sign * compareCells(a[index] ?? '', b[index] ?? ''));
}

/** Cells without a number come before all numbers. */
function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'object' && typeof b === 'object') return a.sort - b.sort;
  if (typeof a === 'object') return 1;
  if (typeof b === 'object') return -1;
  return COLLATOR.compare(a, b);
}
