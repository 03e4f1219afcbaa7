import assert from 'node:assert/strict';
import { test } from 'node:test';
import { solveNonNegative } from '../../../../src/model/calibration/least-squares.js';

test('equations that agree are solved exactly', () => {
  const { values, residuals } = solveNonNegative([
    { coefficients: [1, 2], value: 5 },
    { coefficients: [3, 1], value: 5 },
    { coefficients: [1, 1], value: 3 },
  ]);
  assert.deepEqual(
    values.map((value) => Math.round(value * 1e9) / 1e9),
    [1, 2],
  );
  assert.ok(residuals.every((residual) => Math.abs(residual) < 1e-12));
});

test('of equations that contradict each other, each gets a relative error alike', () => {
  // x = 90 and x = 110: (x/90 - 1)² + (x/110 - 1)² is least at (1/90 + 1/110) / (1/90² + 1/110²).
  const { values, residuals } = solveNonNegative([
    { coefficients: [1], value: 90 },
    { coefficients: [1], value: 110 },
  ]);
  assert.ok(Math.abs(values[0]! - 98.019_801_98) < 1e-6);
  assert.ok(Math.abs(residuals[0]! - 0.089_108_91) < 1e-6);
});

test('what would come out negative is 0, and the rest is solved without it', () => {
  // Exactly: 4 and -1. With the second 0, relative errors are least for 2 at 2 and for 3 at 4 times the first.
  const { values } = solveNonNegative([
    { coefficients: [1, 2], value: 2 },
    { coefficients: [1, 1], value: 3 },
  ]);
  assert.equal(values[1], 0);
  assert.ok(Math.abs(values[0]! - (1 / 2 + 1 / 3) / (1 / 4 + 1 / 9)) < 1e-9);
});

test('a value may be anything where its error is a share of something else', () => {
  const { values } = solveNonNegative([{ coefficients: [2], value: -3, scale: 10 }]);
  assert.deepEqual(values, [0]);
});

test('measurements of one size, and values of 0, are refused', () => {
  const equal = { coefficients: [1, 1500], value: 7 };
  assert.throws(() => solveNonNegative([equal, equal]), /give measurements at more sizes/);
  assert.throws(() => solveNonNegative([{ coefficients: [1], value: 0 }]), RangeError);
});
