import type { AnalysisSummary } from '../../analysis/analysis-summary.js';
import { analysisCharts } from '../chart/analysis-charts.js';
import type { ChartDefinition } from '../chart/chart-definition.js';
import { planCharts } from '../chart/plan-charts.js';
import type { PlanReport } from '../chart/plan-report.js';
import { type PngOptions, renderPng } from './render-png.js';

export interface PngFile {
  /** `throughput.png`: the chart's id. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** The charts of an analysis as pictures, most telling first. Errors as `renderPng`. */
export function renderAnalysisPngs(summary: AnalysisSummary, options: PngOptions = {}): Promise<PngFile[]> {
  return renderPngs(analysisCharts(summary), options);
}

/** The charts of a plan as pictures. Errors as `renderPng`. */
export function renderPlanPngs(plan: PlanReport, options: PngOptions = {}): Promise<PngFile[]> {
  return renderPngs(planCharts(plan), options);
}

/** One after the other: each holds a canvas of several megabytes. */
export async function renderPngs(
  definitions: readonly ChartDefinition[],
  options: PngOptions = {},
): Promise<PngFile[]> {
  const files: PngFile[] = [];
  for (const definition of definitions) {
    files.push({ name: `${definition.id}.png`, bytes: await renderPng(definition, options) });
  }
  return files;
}
