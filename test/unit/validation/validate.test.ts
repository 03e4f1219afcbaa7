import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCalibration } from '../../../src/model/calibration/load-calibration.js';
import { RunFailure } from '../../../src/orchestrator/steps/run-failure.js';
import type { RunResult } from '../../../src/result/run-result.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { matrixCases } from '../../../src/validation/matrix.js';
import { type ValidationOptions, type ValidationPlan, validate } from '../../../src/validation/validate.js';
import { sampleRun } from '../report/sample-run.js';

const HOST = { cores: 1, cpuShare: 0.8 };

function planOf(changes: Partial<ValidationPlan> = {}): ValidationPlan {
  return {
    matrix: 'quick',
    cases: matrixCases('quick', 'small').slice(0, 3),
    repeat: 1,
    calibration: loadCalibration('lab-tcg'),
    measuredHere: true,
    hosts: { source: HOST, destination: HOST },
    ...changes,
  };
}

function measured(scenario: Scenario): RunResult {
  return sampleRun({ scenario, source: 'measured:lab' });
}

const NAMES = ['clear-1500', 'clear-9000', 'esp-1500'];

test('cases are measured from the first to the last and back, so that what drifts does so for all alike', async () => {
  const order: string[] = [];
  const migrate = async (scenario: Scenario): Promise<RunResult> => {
    order.push(scenario.name);
    return measured(scenario);
  };
  const validation = await validate(planOf({ repeat: 3 }), { migrate });
  assert.deepEqual(order, [...NAMES, ...NAMES.toReversed(), ...NAMES]);
  assert.deepEqual(
    validation.cases.map((each) => each.measured.length),
    [3, 3, 3],
  );
  assert.equal(validation.complete, true);
});

test('everything is predicted before the first migration, for the hosts that are there', async () => {
  const { cases, calibration } = await validate(planOf(), {
    migrate: async (scenario) => measured(scenario),
  });
  for (const { scenario, predictions } of cases) {
    assert.deepEqual(scenario.hosts, { calibration: 'lab-tcg', source: HOST, destination: HOST });
    assert.equal(predictions.analytic.run?.source, 'model:analytic');
    assert.equal(predictions.packet.run?.source, 'model:packet');
  }
  assert.deepEqual([calibration.name, calibration.measuredHere], ['lab-tcg', true]);
});

test('what cannot be predicted is measured all the same', async () => {
  const calibration = { ...loadCalibration('lab-tcg'), esp: [] };
  const { cases } = await validate(planOf({ calibration }), {
    migrate: async (scenario) => measured(scenario),
  });
  const { predictions, measured: runs } = cases[2]!;
  assert.equal(predictions.packet.run, null);
  assert.match(predictions.packet.error!, /no costs of ESP aes128-sha256/);
  assert.equal(runs.length, 1);
});

test('a run that fails is a row with its error, and what it measured, not the end', async () => {
  const migrate = async (scenario: Scenario): Promise<RunResult> => {
    if (scenario.name === 'clear-9000') {
      throw new RunFailure('not every packet is ESP', { result: measured(scenario) });
    }
    return measured(scenario);
  };
  const { cases, complete } = await validate(planOf(), { migrate });
  assert.equal(complete, true);
  assert.deepEqual(
    cases.map((each) => [each.measured.length, each.failures.length]),
    [
      [1, 0],
      [0, 1],
      [1, 0],
    ],
  );
  assert.equal(cases[1]!.failures[0]!.message, 'not every packet is ESP');
  assert.equal(cases[1]!.failures[0]!.run?.scenario.name, 'clear-9000');
});

test('what could not be undone is told with the command that tries again', async () => {
  const undo = { role: 'source', title: 'remove the states', program: 'ip', args: [] } as const;
  const migrate: ValidationOptions['migrate'] = async () => {
    throw new RunFailure('the host is gone', { leftovers: [{ undo, message: 'no answer' }] });
  };
  const { cases } = await validate(planOf(), { migrate });
  assert.match(
    cases[0]!.failures[0]!.message,
    /^the host is gone; not undone .*--clean-up.*: source: remove/,
  );
});

test('an interruption keeps what was measured by then, and is no failure', async () => {
  const controller = new AbortController();
  const told: string[] = [];
  const migrate = async (scenario: Scenario): Promise<RunResult> => {
    if (scenario.name !== 'clear-9000') return measured(scenario);
    controller.abort(new Error('interrupted'));
    throw controller.signal.reason;
  };
  const validation = await validate(planOf(), {
    migrate,
    onCase: (text) => told.push(text),
    signal: controller.signal,
  });
  assert.equal(validation.complete, false);
  assert.deepEqual(
    validation.cases.map((each) => [each.measured.length, each.failures.length]),
    [
      [1, 0],
      [0, 0],
      [0, 0],
    ],
  );
  assert.deepEqual(told, ['run 1 of 3, Clear, MTU 1500', 'run 2 of 3, Clear, MTU 9000']);
});
