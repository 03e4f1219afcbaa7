import type { Calibration } from '../calibration/calibration.js';
import { loadCalibration } from '../calibration/load-calibration.js';
import type { SweepRequest } from './sweep-plan.js';

/** The calibrations that a sweep takes: its results are no longer the same when one of them is changed. */
export function calibrationsOf({ scenarios, axes }: SweepRequest): Calibration[] {
  const varied = axes.find(({ name }) => name === 'calibration');
  const names = varied?.values ?? scenarios.map(({ hosts }) => hosts.calibration);
  return [...new Set(names)].map(loadCalibration);
}
