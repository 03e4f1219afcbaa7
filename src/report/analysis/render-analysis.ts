import type { AnalysisSummary } from '../../analysis/analysis-summary.js';
import { createTextStyle } from '../text/text-style.js';
import { renderInputs, renderRemarks } from './analysis-remarks.js';
import { renderVerdict } from './analysis-verdict.js';
import { renderLayers, renderProtection } from './byte-shares.js';
import { renderFindings } from './findings.js';
import { renderFlows } from './flow-table.js';
import { renderMigrations } from './migration-table.js';
import { renderSecurityAssociations } from './sa-table.js';

export interface RenderOptions {
  /** Columns of the terminal, 40 or more: no line is wider. */
  readonly width: number;
  /** Whether to write ANSI colours. */
  readonly color: boolean;
}

/**
 * An analysis for reading in a terminal: one screen, most important first. Text from captures is escaped. Long lists are
 * cut; JSON has all.
 */
export function renderAnalysis(summary: AnalysisSummary, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const sections = [
    renderVerdict(summary, context),
    renderFindings(summary, context),
    renderMigrations(summary, context),
    renderProtection(summary, context),
    renderLayers(summary, context),
    renderSecurityAssociations(summary.securityAssociations, context),
    renderFlows(summary.flows, summary.otherFlows, context),
    renderRemarks(summary, context),
    renderInputs(summary.inputs, context),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}
