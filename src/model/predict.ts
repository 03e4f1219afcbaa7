import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import { drawScenario } from '../scenario/uncertain-fields.js';
import { predictAnalytic } from './analytic/analytic-model.js';
import { type Calibration, CalibrationError } from './calibration/calibration.js';
import { loadCalibration } from './calibration/load-calibration.js';
import { deriveSeed } from './derive-seed.js';
import { ModelError } from './model-error.js';
import { predictPacket } from './predict-packet.js';
import { Random } from './random.js';
import { sampleFigures, sampleIntervals } from './sample-intervals.js';

/** `analytic`: from equations, in an instant. `packet`: every segment and acknowledgement simulated. */
export type Level = 'analytic' | 'packet';

export interface PredictOptions {
  readonly level: Level;
  /** Runs with seeds and, where the scenario is uncertain, values of their own; 1: one run, without intervals. */
  readonly samples: number;
}

/**
 * What a migration would do. With several samples the result is that of the first, and `intervals` are those of all.
 * Same scenario, same result.
 * @throws ModelError for what cannot be calculated, and calibrations that are missing or broken
 */
export function predict(scenario: Scenario, { level, samples }: PredictOptions): RunResult {
  const run = predictSample(scenario, level, 0);
  if (samples <= 1) return run;
  const figures = [sampleFigures(run)];
  for (let index = 1; index < samples; index++) {
    figures.push(sampleFigures(predictSample(scenario, level, index)));
  }
  return { ...run, intervals: sampleIntervals(figures) };
}

/** One of several runs. Sample 0 is the scenario as it stands; others have a seed and uncertain values of their own. */
export function predictSample(scenario: Scenario, level: Level, index: number): RunResult {
  const calibration = calibrationNamed(scenario.hosts.calibration);
  if (index === 0) return predictOnce(scenario, calibration, level);
  const seed = deriveSeed(scenario.seed, `sample ${index}`);
  const random = new Random(deriveSeed(seed, 'uncertain fields'));
  return predictOnce(
    drawScenario({ ...scenario, seed }, () => random.next()),
    calibration,
    level,
  );
}

function predictOnce(scenario: Scenario, calibration: Calibration, level: Level): RunResult {
  return level === 'packet' ? predictPacket(scenario, calibration) : predictAnalytic(scenario, calibration);
}

const calibrations = new Map<string, Calibration>();

/** Read once: a sweep takes the same one thousands of times. */
function calibrationNamed(name: string): Calibration {
  const known = calibrations.get(name);
  if (known !== undefined) return known;
  const calibration = readCalibration(name);
  calibrations.set(name, calibration);
  return calibration;
}

function readCalibration(name: string): Calibration {
  try {
    return loadCalibration(name);
  } catch (error) {
    if (error instanceof CalibrationError) throw new ModelError(error.message, { cause: error });
    throw error;
  }
}
