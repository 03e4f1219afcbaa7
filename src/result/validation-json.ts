import {
  type CaseComparison,
  compareCase,
  summarizeValidation,
  type ValidationSummary,
} from './compare-validation.js';
import { runJson } from './run-json.js';
import {
  type CaseFailure,
  PREDICTION_LEVELS,
  type Prediction,
  type PredictionLevel,
  type Validation,
  type ValidationCase,
} from './validation.js';

/** What is written beside the runs though it follows from them: for readers that do not want to calculate. */
export interface ValidationJson extends Validation {
  readonly cases: readonly (ValidationCase & {
    readonly comparisons: Readonly<Record<PredictionLevel, CaseComparison | null>>;
  })[];
  readonly summary: ValidationSummary;
}

/** `tare.validation/1` as docs/FORMATS.md lists it, keys in that order. */
export function validationJson(validation: Validation): ValidationJson {
  const { calibration } = validation;
  return {
    schema: validation.schema,
    matrix: validation.matrix,
    startedAt: validation.startedAt,
    repeat: validation.repeat,
    complete: validation.complete,
    calibration: {
      name: calibration.name,
      description: calibration.description,
      machine: calibration.machine,
      date: calibration.date,
      measuredHere: calibration.measuredHere,
    },
    summary: summarizeValidation(validation),
    cases: validation.cases.map((each) => ({
      name: each.name,
      title: each.title,
      scenario: each.scenario,
      comparisons: byLevel((level) => compareCase(each, level)),
      predictions: byLevel((level) => predictionJson(each.predictions[level])),
      measured: each.measured.map(runJson),
      failures: each.failures.map(failureJson),
    })),
  };
}

function byLevel<Value>(make: (level: PredictionLevel) => Value): Record<PredictionLevel, Value> {
  return Object.fromEntries(PREDICTION_LEVELS.map((level) => [level, make(level)])) as Record<
    PredictionLevel,
    Value
  >;
}

function predictionJson({ run, error }: Prediction): Prediction {
  return { run: run && runJson(run), error };
}

function failureJson({ message, run }: CaseFailure): CaseFailure {
  return { message, run: run && runJson(run) };
}
