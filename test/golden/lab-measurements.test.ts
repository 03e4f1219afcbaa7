/**
 * Measured by `tare validate --repeat 2` in a laboratory of two emulated machines with processors of a defined speed (4 ns an
 * instruction), checks and accounts of kernels left out: what a calibration learns from its own cases predicts others.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { predictPacket } from '../../src/model/predict-packet.js';
import type { RunResult } from '../../src/result/run-result.js';
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
const compared = cases.map(({ name, measured }) => ({
  name,
  predicted: predictPacket(measured[0]!.scenario, fitted),
  measured,
}));

test('predicted packets and bytes on the wire are within 1 % of those that were captured', () => {
  for (const { name, predicted, measured } of compared) {
    for (const { wire } of measured) {
      const what = `${name}: ${predicted.wire.packets} packets, captured ${wire.packets}`;
      assert.ok(Math.abs(predicted.wire.packets / wire.packets - 1) < 0.01, what);
      assert.ok(Math.abs(predicted.wire.bytes / wire.bytes - 1) < 0.01, name);
    }
  }
});

test('predicted total times are within 6 % of the mean of what was measured in the median, and within 15 % in all cases', () => {
  const errors = compared.map(({ predicted, measured }) => {
    const mean = measured.reduce((sum, { totalTimeMs }) => sum + totalTimeMs, 0) / measured.length;
    return Math.abs(predicted.totalTimeMs / mean - 1);
  });
  const sorted = errors.toSorted((a, b) => a - b);
  const shown = compared.map(({ name }, i) => `${name} ${(errors[i]! * 100).toFixed(1)} %`).join(', ');
  assert.ok(sorted[Math.floor(sorted.length / 2)]! < 0.06, shown);
  assert.ok(sorted.at(-1)! < 0.15, shown);
});

test('what MTU 9000 wins under ESP is predicted within a tenth of the time', () => {
  const timeOf = (name: string) => {
    const found = compared.find((each) => each.name === name)!;
    return { predicted: found.predicted.totalTimeMs, measured: found.measured[0]!.totalTimeMs };
  };
  const [small, large] = [timeOf('esp-1500'), timeOf('esp-9000')];
  const [predicted, measured] = [large.predicted / small.predicted, large.measured / small.measured];
  assert.ok(measured < 0.8 && Math.abs(predicted - measured) < 0.1, `${predicted} ${measured}`);
});
