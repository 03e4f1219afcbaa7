import { renderLine, runJson } from '../../result/run-json.js';
import type { SweepRow } from '../../result/sweep-row.js';
import { ScenarioError } from '../../scenario/scenario-error.js';
import { ModelError } from '../model-error.js';
import { predict } from '../predict.js';
import { rowOfLine, type SweepLine } from './sweep-file.js';
import type { SweepPlan } from './sweep-plan.js';

/** Some points of a sweep, in the grid's order. */
export interface SweepBatch {
  /** As they are written: JSON, a line each. */
  readonly lines: string;
  readonly rows: readonly SweepRow[];
  readonly milliseconds: number;
}

/**
 * Calculates points.
 * @param from index of the first
 * @param to index behind the last
 */
export function calculateBatch(plan: SweepPlan, from: number, to: number): SweepBatch {
  const startMs = performance.now();
  const rows: SweepRow[] = [];
  let lines = '';
  for (let index = from; index < to; index++) {
    const line = calculatePoint(plan, index);
    rows.push(rowOfLine(line));
    lines += `${renderLine({ ...line, run: line.run && runJson(line.run) })}\n`;
  }
  return { lines, rows, milliseconds: performance.now() - startMs };
}

/** What there cannot be is a result like any other. */
function calculatePoint(plan: SweepPlan, index: number): SweepLine {
  const { scenario, settings } = plan.point(index);
  const { level, samples } = plan.request;
  try {
    return {
      index,
      scenario,
      settings,
      run: predict(plan.scenarioAt(index), { level, samples }),
      error: null,
    };
  } catch (error) {
    if (!isImpossible(error)) throw error;
    return { index, scenario, settings, run: null, error: error.message };
  }
}

/** An MTU without room for the packets, settings that exclude each other. */
export function isImpossible(error: unknown): error is Error {
  return error instanceof ModelError || error instanceof ScenarioError;
}
