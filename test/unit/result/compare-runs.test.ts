import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns, differenceOf } from '../../../src/result/compare-runs.js';
import type { RunResult } from '../../../src/result/run-result.js';
import fc from '../../fast-check.js';
import { ARBITRARY_RUN } from './arbitrary-run.js';

const MEASURED: RunResult = {
  ...fc.sample(ARBITRARY_RUN, { seed: 2, numRuns: 1 })[0]!,
  converged: true,
  totalTimeMs: 1000,
  downtimeMs: 40,
  standstillMs: null,
  iterations: [],
};

test('errors are those of the prediction, against what was measured', () => {
  const predicted = { ...MEASURED, totalTimeMs: 950, downtimeMs: 50 };
  const { figures, isComparable } = compareRuns(predicted, MEASURED);
  assert.deepEqual(figures.totalTimeMs, { predicted: 950, measured: 1000, absolute: -50, relative: -0.05 });
  assert.deepEqual(figures.downtimeMs, { predicted: 50, measured: 40, absolute: 10, relative: 0.25 });
  assert.equal(isComparable, true);
});

test('what either does not know is not compared', () => {
  const { figures } = compareRuns({ ...MEASURED, standstillMs: 7, downtimeMs: null }, MEASURED);
  assert.deepEqual(figures.standstillMs, { predicted: 7, measured: null, absolute: null, relative: null });
  assert.deepEqual(figures.downtimeMs, { predicted: null, measured: 40, absolute: null, relative: null });
});

test('nothing predicted where nothing was measured is right, anything else has no share', () => {
  assert.equal(differenceOf(0, 0).relative, 0);
  assert.equal(differenceOf(5, 0).relative, null);
  assert.equal(differenceOf(5, 0).absolute, 5);
});

test('a run that its time limit ended cannot be compared with one that came to its end', () => {
  const { isComparable, converged } = compareRuns({ ...MEASURED, converged: false }, MEASURED);
  assert.equal(isComparable, false);
  assert.deepEqual(converged, { predicted: false, measured: true });
});
