import type { Scenario } from '../scenario/scenario.js';
import type { RunResult } from './run-result.js';

/** How a run was predicted: by formulas, or every packet simulated. */
export const PREDICTION_LEVELS = ['analytic', 'packet'] as const;
export type PredictionLevel = (typeof PREDICTION_LEVELS)[number];

/** Migrations predicted, carried out, and compared: `tare.validation/1` (docs/FORMATS.md) without what follows from it. */
export interface Validation {
  readonly schema: 'tare.validation/1';
  /** Name of the matrix; null: scenarios that were given. */
  readonly matrix: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How often each case was to be measured. */
  readonly repeat: number;
  /** False: interrupted, and some measurements are missing. */
  readonly complete: boolean;
  /** What the predictions took for the costs of processors. */
  readonly calibration: CalibrationSource;
  readonly cases: readonly ValidationCase[];
}

export interface CalibrationSource {
  readonly name: string;
  readonly description: string;
  readonly machine: string;
  readonly date: string;
  /** Fitted on these hosts just before, not taken from a file or from those shipped. */
  readonly measuredHere: boolean;
}

export interface ValidationCase {
  readonly name: string;
  /** To be read in tables: `AH+ESP, MTU 9000`. */
  readonly title: string;
  readonly scenario: Scenario;
  readonly predictions: Readonly<Record<PredictionLevel, Prediction>>;
  /** Runs that went well, in the order in which they were made. */
  readonly measured: readonly RunResult[];
  readonly failures: readonly CaseFailure[];
}

/** One of both is null. */
export interface Prediction {
  readonly run: RunResult | null;
  /** Why there is none. */
  readonly error: string | null;
}

/** A run that did not give what can be compared. */
export interface CaseFailure {
  readonly message: string;
  /** What it measured, where the migration itself went through and something else is wrong. */
  readonly run: RunResult | null;
}
