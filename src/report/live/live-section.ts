import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';

/** A part of the live view that can be shorter or longer. */
export interface LiveSection {
  /** Lines it would like. */
  readonly lines: number;
  /** As many of its lines as say something, at most `lines`; none if there is no room for any. */
  render(lines: number): string[];
}

/** A table of which as many rows are shown as there is room for; the heading of its first column says how many there are. */
export function tableSection(
  title: string,
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  total: number,
  context: ReportContext,
): LiveSection {
  const draw = (count: number): string[] => {
    const heading = count < total ? `${title} (${count} of ${total})` : title;
    const titled = [{ ...columns[0]!, title: heading }, ...columns.slice(1)];
    return renderTable(titled, rows.slice(0, count), context);
  };
  return {
    lines: rows.length === 0 ? 0 : draw(rows.length).length,
    render(lines) {
      for (let count = Math.min(rows.length, lines - 1); count > 0; count--) {
        const drawn = draw(count);
        // Long addresses take two lines.
        if (drawn.length <= lines) return drawn;
      }
      return [];
    },
  };
}

/** A heading and a row. */
const LEAST_LINES = 2;

/**
 * Shares `lines` out, an empty line before each section. The first section gets what it wants; of the others who wants little
 * gets it, the rest get alike. Where there is not room for a row of each, the last ones are left out.
 */
export function fitSections(sections: readonly LiveSection[], lines: number): string[][] {
  const [first, ...others] = sections.filter((section) => section.lines > 0);
  if (first === undefined) return [];
  const drawn = first.render(Math.min(first.lines, lines - 1));
  const rest = lines - drawn.length - 1;
  const room = Math.max(0, Math.floor(rest / (LEAST_LINES + 1)));
  return [drawn, ...shareOut(others.slice(0, room), rest)].filter((section) => section.length > 0);
}

function shareOut(sections: readonly LiveSection[], lines: number): string[][] {
  const allotted = new Map<LiveSection, number>();
  let left = lines - sections.length;
  const byNeed = sections.toSorted((a, b) => a.lines - b.lines);
  for (const [i, section] of byNeed.entries()) {
    const share = Math.min(section.lines, Math.floor(left / (byNeed.length - i)));
    allotted.set(section, share);
    left -= share;
  }
  return sections.map((section) => section.render(allotted.get(section) ?? 0));
}
