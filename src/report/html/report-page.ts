import type { ChartDefinition } from '../chart/chart-definition.js';

/**
 * An HTML report as plain data. All text is text: nothing in it is read as HTML. Text from captures should have gone through
 * `escapeTerminal`, so that invisible and bidirectional characters show.
 */
export interface ReportPage {
  readonly title: string;
  /** The verdict: the first paragraph is set large. */
  readonly lead: readonly LeadLine[];
  /** A handful of figures under the verdict. */
  readonly facts?: readonly Fact[];
  readonly sections: readonly ReportSection[];
  /** Small print at the end. */
  readonly footer?: string;
}

export type Tone = 'good' | 'caution' | 'bad';

export interface LeadLine {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly tone?: Tone;
}

/** Shown in this order: text, pictures, charts, tables, commands. Sections without any of them are left out. */
export interface ReportSection {
  readonly heading: string;
  /** It begins a part of a long report: set larger, and where there are parts the navigation lists them alone. */
  readonly beginsPart?: boolean;
  readonly text?: readonly string[];
  readonly pictures?: PictureRow;
  readonly charts?: readonly ChartDefinition[];
  readonly tables?: readonly ReportTable[];
  readonly commands?: readonly CommandBlock[];
}

export interface ReportTable {
  readonly caption: string;
  readonly columns: readonly ReportColumn[];
  /** As many cells each as there are columns. */
  readonly rows: readonly (readonly Cell[])[];
  readonly note?: string;
}

export interface ReportColumn {
  readonly title: string;
  /** Numbers stand right. Default `left`. */
  readonly align?: 'left' | 'right';
}

/** Text alone is sorted as text, numbers in it by value; with `sort` by that number. */
export type Cell = string | { readonly text: string; readonly sort: number };

/** Pictures of few pixels, shown large, beside each other. */
export interface PictureRow {
  readonly pictures: readonly {
    readonly title: string;
    readonly note?: string;
    /** Base64. Left out: there is nothing to show. */
    readonly png?: string;
    /** For who does not see it. */
    readonly alt: string;
  }[];
  /** Colours as `#rrggbb`. */
  readonly legend: readonly { readonly label: string; readonly color: string }[];
}

/** Something to paste into a shell or a file. */
export interface CommandBlock {
  readonly title: string;
  readonly lines: readonly string[];
  readonly caution?: string;
}
