import type { TextStyle } from './text-style.js';

/** What every section of a terminal report is laid out with. */
export interface ReportContext {
  /** Columns of the terminal: no line is wider. */
  readonly width: number;
  readonly style: TextStyle;
}

/** The line below a list that was cut; nothing if it is whole. */
export function renderRest(total: number, shown: number, context: ReportContext): string[] {
  return total > shown ? [context.style.faint(`  … and ${total - shown} more (--json has all)`)] : [];
}
