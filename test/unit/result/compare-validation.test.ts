import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareCase, medianOf, summarizeValidation } from '../../../src/result/compare-validation.js';
import type { RunResult } from '../../../src/result/run-result.js';
import type { Validation, ValidationCase } from '../../../src/result/validation.js';
import { sampleEndlessRun, sampleRun } from '../report/sample-run.js';

function caseOf(
  title: string,
  predictedMs: number | null,
  measuredMs: readonly number[],
  changes: Partial<ValidationCase> = {},
): ValidationCase {
  const run = predictedMs === null ? null : sampleRun({ totalTimeMs: predictedMs });
  const prediction = { run, error: run === null ? 'no costs' : null };
  return {
    name: title,
    title,
    scenario: sampleRun().scenario,
    predictions: { analytic: prediction, packet: prediction },
    measured: measuredMs.map((totalTimeMs) => measured({ totalTimeMs })),
    failures: [],
    ...changes,
  };
}

function measured(changes: Partial<RunResult>): RunResult {
  return sampleRun({ source: 'measured:lab', ...changes });
}

function validationOf(...cases: ValidationCase[]): Validation {
  return {
    schema: 'tare.validation/1',
    matrix: null,
    startedAt: '2026-11-22T22:00:00Z',
    repeat: 1,
    complete: true,
    calibration: { name: 'c', description: '', machine: '', date: '', measuredHere: false },
    cases,
  };
}

test('a prediction is held against the median of what was measured, beside its spread', () => {
  const { figures } = compareCase(caseOf('a', 1100, [900, 1000, 1200]), 'packet')!;
  assert.deepEqual(figures.totalTimeMs, {
    predicted: 1100,
    measured: 1000,
    absolute: 100,
    relative: 0.1,
    spread: 0.3,
  });
  assert.equal(figures.wirePackets.relative, 0);
  assert.equal(figures.wirePackets.spread, 0);
});

test('what was measured once has no spread, and what was not predicted or not measured no comparison', () => {
  assert.equal(compareCase(caseOf('a', 1000, [1000]), 'packet')!.figures.totalTimeMs.spread, null);
  assert.equal(compareCase(caseOf('a', null, [1000]), 'packet'), null);
  assert.equal(compareCase(caseOf('a', 1000, []), 'packet'), null);
});

test('over cases the errors have a median without sign, and a worst with it and where it was', () => {
  const validation = validationOf(
    caseOf('first', 1010, [1000]),
    caseOf('second', 800, [1000]),
    caseOf('third', 1050, [990, 1000, 1010]),
    caseOf('failed', 1000, [], { failures: [{ message: 'the link is cut', run: null }] }),
  );
  const summary = summarizeValidation(validation);
  const { totalTimeMs } = summary.levels.packet;
  assert.equal(totalTimeMs.cases, 3);
  assert.ok(Math.abs(totalTimeMs.median! - 0.05) < 1e-12);
  assert.ok(Math.abs(totalTimeMs.worst! + 0.2) < 1e-12);
  assert.equal(totalTimeMs.worstCase, 'second');
  assert.deepEqual(totalTimeMs.spread, { median: 0.02, worst: 0.02 });
  assert.deepEqual([summary.runs, summary.failures], [5, 1]);
  assert.deepEqual(summary.convergence.packet, { cases: 3, agree: 3 });
});

test('what does not converge counts for whether it was told, and for no other figure', () => {
  const endless = { ...sampleEndlessRun(), source: 'measured:lab' as const };
  const told = { run: sampleEndlessRun(), error: null };
  const missed = { run: sampleRun(), error: null };
  const validation = validationOf(
    caseOf('endless', 1000, [], { measured: [endless], predictions: { analytic: missed, packet: told } }),
  );
  const { levels, convergence } = summarizeValidation(validation);
  assert.deepEqual(convergence, { analytic: { cases: 1, agree: 0 }, packet: { cases: 1, agree: 1 } });
  assert.equal(levels.packet.totalTimeMs.cases, 0);
  assert.equal(levels.packet.totalTimeMs.median, null);
});

test('a case that converged at times is no case that did', () => {
  const each = caseOf('now and then', 1000, [1000]);
  const mixed = { ...each, measured: [...each.measured, sampleEndlessRun()] };
  const comparison = compareCase(mixed, 'packet')!;
  assert.equal(comparison.converged.measured, false);
  assert.equal(comparison.isComparable, false);
});

test('the median of an even number lies between the middle two, and of nothing is none', () => {
  assert.equal(medianOf([4, 1, 3, 2]), 2.5);
  assert.equal(medianOf([10, 9, 1]), 9);
  assert.equal(medianOf([]), null);
});
