import {
  COMPARED_FIGURES,
  type ComparedFigure,
  compareRuns,
  type Difference,
  differenceOf,
} from './compare-runs.js';
import {
  PREDICTION_LEVELS,
  type PredictionLevel,
  type Validation,
  type ValidationCase,
} from './validation.js';

/** A figure of a case: what was predicted beside the median of what was measured. */
export interface FigureError extends Difference {
  /** Largest less smallest of what was measured, as a share of the median; null of one run. */
  readonly spread: number | null;
}

export interface CaseComparison {
  readonly converged: { readonly predicted: boolean; readonly measured: boolean };
  /** As `RunComparison`: not so if one of the runs was ended by its time limit. */
  readonly isComparable: boolean;
  readonly figures: Readonly<Record<ComparedFigure, FigureError>>;
}

/** A figure over all cases that compare. Shares of what was measured. */
export interface FigureSummary {
  /** How many cases have this figure. */
  readonly cases: number;
  /** Of the errors' magnitudes. */
  readonly median: number | null;
  /** The error of the largest magnitude, with its sign. */
  readonly worst: number | null;
  /** Title of the case that it is from. */
  readonly worstCase: string | null;
  /** Of the spread between repeated runs; null if nothing was repeated. */
  readonly spread: { readonly median: number; readonly worst: number } | null;
}

export type LevelSummary = Readonly<Record<ComparedFigure, FigureSummary>>;

export interface ValidationSummary {
  readonly levels: Readonly<Record<PredictionLevel, LevelSummary>>;
  /** Cases that were measured and predicted, and in how many of them both say the same of converging. */
  readonly convergence: Readonly<Record<PredictionLevel, { readonly cases: number; readonly agree: number }>>;
  /** Measured. */
  readonly runs: number;
  readonly failures: number;
}

/** @returns null if the case was not predicted at this level, or not measured */
export function compareCase(
  { predictions, measured }: ValidationCase,
  level: PredictionLevel,
): CaseComparison | null {
  const { run } = predictions[level];
  if (run === null || measured.length === 0) return null;
  const comparisons = measured.map((each) => compareRuns(run, each));
  const figures = COMPARED_FIGURES.map((figure) => {
    const { predicted } = comparisons[0]!.figures[figure];
    const values = comparisons.map((each) => each.figures[figure].measured).filter((value) => value !== null);
    return [figure, { ...differenceOf(predicted, medianOf(values)), spread: spreadOf(values) }] as const;
  });
  return {
    converged: { predicted: run.converged, measured: measured.every(({ converged }) => converged) },
    isComparable: comparisons.every(({ isComparable }) => isComparable),
    figures: Object.fromEntries(figures) as CaseComparison['figures'],
  };
}

/** How far predictions were off, over all cases. */
export function summarizeValidation({ cases }: Validation): ValidationSummary {
  const levels = PREDICTION_LEVELS.map((level) => {
    const compared = cases.flatMap((each) => {
      const comparison = compareCase(each, level);
      return comparison === null ? [] : [{ title: each.title, comparison }];
    });
    return { level, compared };
  });
  return {
    levels: byLevel(levels.map(({ level, compared }) => [level, summarizeLevel(compared)])),
    convergence: byLevel(
      levels.map(({ level, compared }) => [
        level,
        {
          cases: compared.length,
          agree: compared.filter(
            ({ comparison: { converged } }) => converged.predicted === converged.measured,
          ).length,
        },
      ]),
    ),
    runs: cases.reduce((sum, { measured }) => sum + measured.length, 0),
    failures: cases.reduce((sum, { failures }) => sum + failures.length, 0),
  };
}

interface ComparedCase {
  readonly title: string;
  readonly comparison: CaseComparison;
}

function byLevel<Value>(
  entries: readonly (readonly [PredictionLevel, Value])[],
): Record<PredictionLevel, Value> {
  return Object.fromEntries(entries) as Record<PredictionLevel, Value>;
}

function summarizeLevel(compared: readonly ComparedCase[]): LevelSummary {
  const comparable = compared.filter(({ comparison }) => comparison.isComparable);
  const figures = COMPARED_FIGURES.map((figure) => [figure, summarizeFigure(figure, comparable)] as const);
  return Object.fromEntries(figures) as unknown as LevelSummary;
}

function summarizeFigure(figure: ComparedFigure, compared: readonly ComparedCase[]): FigureSummary {
  const errors = compared.flatMap(({ title, comparison }) => {
    const { relative } = comparison.figures[figure];
    return relative === null ? [] : [{ title, relative }];
  });
  const spreads = compared
    .map(({ comparison }) => comparison.figures[figure].spread)
    .filter((spread) => spread !== null);
  const [worst] = errors.toSorted((a, b) => Math.abs(b.relative) - Math.abs(a.relative));
  const middle = medianOf(spreads);
  return {
    cases: errors.length,
    median: medianOf(errors.map(({ relative }) => Math.abs(relative))),
    worst: worst?.relative ?? null,
    worstCase: worst?.title ?? null,
    spread: middle === null ? null : { median: middle, worst: spreads.reduce((a, b) => Math.max(a, b), 0) },
  };
}

/** @returns null if there is none */
export function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function spreadOf(values: readonly number[]): number | null {
  const middle = medianOf(values);
  if (values.length < 2 || middle === null || middle === 0) return null;
  const least = values.reduce((a, b) => Math.min(a, b));
  return (values.reduce((a, b) => Math.max(a, b)) - least) / Math.abs(middle);
}
