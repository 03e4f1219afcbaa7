import type { RenderOptions } from '../analysis/render-analysis.js';
import type { RunReport } from '../chart/run-report.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { renderFigures, renderIterations, renderTimeByLimit, renderVariants } from './render-run-tables.js';
import { describeSource, renderRunVerdict } from './render-run-verdict.js';

/** A run for reading in a terminal, most important first. */
export function renderRun(report: RunReport, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const sections = [
    renderRunVerdict(report, context),
    renderFigures(report, context),
    renderTimeByLimit(report, context),
    renderIterations(report, context),
    renderVariants(report, context),
    renderFootnote(report, context),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Where the numbers come from. */
function renderFootnote({ run }: RunReport, { width, style }: ReportContext): string[] {
  return wrapText(describeSource(run), { width }).map(style.faint);
}
