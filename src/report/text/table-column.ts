import type { TextStyle } from './text-style.js';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Narrowest width to which the column may be squeezed; its cells then break between words. Default: not squeezed. */
  readonly minWidth?: number;
  /** Left out when the table is too wide: the highest number first. Default: always there. */
  readonly dispensable?: number;
}

/** Cells of a row, one for each column; the last ones may be missing. */
export type TableRow = readonly string[];

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly style: TextStyle;
}
