/**
 * Measured by `tare validate --matrix published --repeat 2` in a laboratory of two emulated machines with processors of a defined
 * speed (4 ns an instruction), checks and accounts of kernels left out: what a calibration learns from its own cases predicts others.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { predictAnalytic } from '../../src/model/analytic/analytic-model.js';
import { predictPacket } from '../../src/model/predict-packet.js';
import type { RunResult } from '../../src/result/run-result.js';
import { PREDICTION_LEVELS } from '../../src/result/validation.js';
import { fitCalibration, type PlaceMeasurements } from '../../src/validation/fit-calibration.js';
import { repoPath } from '../repo-root.js';

interface Measurements {
  readonly calibration: PlaceMeasurements;
  readonly cases: readonly { readonly name: string; readonly measured: readonly RunResult[] }[];
}

const { calibration, cases } = JSON.parse(
  readFileSync(repoPath('test/golden/expected/lab-measurements.json'), 'utf8'),
) as Measurements;
const fitted = fitCalibration('measured', calibration);
const compared = cases.map(({ name, measured }) => {
  const { scenario } = measured[0]!;
  const predictions = {
    packet: predictPacket(scenario, fitted),
    analytic: predictAnalytic(scenario, fitted),
  };
  return { name, predictions, measured };
});

function mean(runs: readonly RunResult[], figure: (run: RunResult) => number): number {
  return runs.reduce((sum, run) => sum + figure(run), 0) / runs.length;
}

/** Of the packet level, the least first. */
function timeErrors(some: typeof compared): { errors: number[]; shown: string } {
  const errors = some.map(({ predictions, measured }) => {
    const measuredMs = mean(measured, ({ totalTimeMs }) => totalTimeMs);
    return Math.abs(predictions.packet.totalTimeMs / measuredMs - 1);
  });
  const shown = some.map(({ name }, i) => `${name} ${(errors[i]! * 100).toFixed(1)} %`).join(', ');
  return { errors: errors.toSorted((a, b) => a - b), shown };
}

for (const level of PREDICTION_LEVELS) {
  test(`${level}: predicted packets and bytes on the wire are within 1 % of those of each run that was captured`, () => {
    for (const { name, predictions, measured } of compared) {
      const predicted = predictions[level].wire;
      for (const { wire } of measured) {
        for (const figure of ['packets', 'bytes'] as const) {
          const what = `${name}: ${predicted[figure]} ${figure}, captured ${wire[figure]}`;
          assert.ok(Math.abs(predicted[figure] / wire[figure] - 1) < 0.01, what);
        }
      }
    }
  });
}

test('predicted total times are within 6 % of the mean of what was measured in the median, and within 20 % in all cases', () => {
  const { errors, shown } = timeErrors(compared);
  const [below, above] = [errors[errors.length / 2 - 1]!, errors[errors.length / 2]!];
  assert.ok((below + above) / 2 < 0.06, shown);
  assert.ok(errors.at(-1)! < 0.2, shown);
});

test('with the largest MSS they are within 15 %', () => {
  const { errors, shown } = timeErrors(compared.filter(({ name }) => name.endsWith('-maximal')));
  assert.equal(errors.length, 12);
  assert.ok(errors.at(-1)! < 0.15, shown);
});

test('what MTU 9000 wins under ESP is predicted within a tenth of the time', () => {
  const timeOf = (name: string) => {
    const found = compared.find((each) => each.name === name)!;
    return {
      predicted: found.predictions.packet.totalTimeMs,
      measured: mean(found.measured, ({ totalTimeMs }) => totalTimeMs),
    };
  };
  const [small, large] = [timeOf('published-esp-1500-maximal'), timeOf('published-esp-9000-maximal')];
  const [predicted, measured] = [large.predicted / small.predicted, large.measured / small.measured];
  assert.ok(measured < 0.8 && Math.abs(predicted - measured) < 0.1, `${predicted} ${measured}`);
});
