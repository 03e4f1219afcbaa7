import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSeed } from '../../../src/model/derive-seed.js';
import { ModelError } from '../../../src/model/model-error.js';
import { predict, predictSample } from '../../../src/model/predict.js';
import { sampleIntervals } from '../../../src/model/sample-intervals.js';
import { SUITE_NAMES } from '../../../src/model/suite-names.js';
import { predictOnThreads } from '../../../src/model/sweep/predict-on-threads.js';
import { applyOverrides } from '../../../src/scenario/apply-overrides.js';
import { parseNamedScenario } from '../../../src/scenario/parse-scenario.js';

function lab(overrides: Record<string, string> = {}) {
  const named = parseNamedScenario('lab-16mib', SUITE_NAMES);
  return applyOverrides(named, { calibration: 'lab-namespaces', ...overrides }, SUITE_NAMES);
}

const LOSSY = lab({ loss: '1%' });

test('the same scenario gives the same result', () => {
  for (const level of ['analytic', 'packet'] as const) {
    const options = { level, samples: 3 };
    assert.deepEqual(predict(LOSSY, options), predict(LOSSY, options));
  }
});

test('samples have seeds of their own, and the first is the scenario as it stands', () => {
  const [first, second] = [0, 1].map((index) => predictSample(LOSSY, 'packet', index));
  assert.equal(first!.scenario.seed, LOSSY.seed);
  assert.equal(second!.scenario.seed, deriveSeed(LOSSY.seed, 'sample 1'));
  assert.notEqual(first!.totalTimeMs, second!.totalTimeMs);
  const { intervals, ...run } = predict(LOSSY, { level: 'packet', samples: 5 });
  assert.deepEqual({ ...run, intervals: null }, first);
  assert.equal(intervals!.samples, 5);
});

test('what is uncertain in a scenario spreads the samples, also of the analytic model', () => {
  const certain = predict(lab(), { level: 'analytic', samples: 50 }).intervals!;
  assert.equal(certain.totalTimeMs.low, certain.totalTimeMs.high);
  const filled = { field: 'guest.filled', low: 2 ** 21, high: 2 ** 22, mode: null };
  const { intervals, totalTimeMs } = predict(
    { ...lab(), uncertain: [filled] },
    { level: 'analytic', samples: 50 },
  );
  assert.ok(intervals!.totalTimeMs.low < intervals!.totalTimeMs.high);
  assert.equal(totalTimeMs, predict(lab(), { level: 'analytic', samples: 1 }).totalTimeMs);
});

test('on threads the result is the same', async () => {
  const options = { level: 'packet', samples: 20 } as const;
  const done: number[] = [];
  const threaded = await predictOnThreads(LOSSY, options, {
    workers: 3,
    onProgress: (samples) => done.push(samples),
  });
  assert.deepEqual(threaded, predict(LOSSY, options));
  assert.equal(done.at(-1), 20);
  assert.deepEqual(
    done,
    done.toSorted((a, b) => a - b),
  );
});

test('what the model refuses is refused on threads too', async () => {
  const scenario = lab({ esp: 'des-md5' });
  const options = { level: 'packet', samples: 1 } as const;
  assert.throws(() => predict(scenario, options), ModelError);
  await assert.rejects(predictOnThreads(scenario, options, { workers: 1, onProgress: () => {} }), ModelError);
  assert.throws(() => predict(lab({ calibration: './missing.json' }), options), ModelError);
});

test('intervals hold the middle 90 %', () => {
  const samples = Array.from({ length: 101 }, (_, i) => ({
    converged: i < 91,
    totalTimeMs: 100 - i,
    downtimeMs: i < 91 ? i : null,
    wirePackets: 7,
  }));
  const { converged, totalTimeMs, downtimeMs, wirePackets } = sampleIntervals(samples);
  assert.equal(converged, 91 / 101);
  assert.deepEqual(totalTimeMs, { low: 5, median: 50, high: 95 });
  assert.deepEqual(downtimeMs, { low: 4.5, median: 45, high: 85.5 });
  assert.deepEqual(wirePackets, { low: 7, median: 7, high: 7 });
  assert.equal(sampleIntervals([{ ...samples[0]!, downtimeMs: null }]).downtimeMs, null);
});

test('seeds derived for different names differ, and are 32 bits', () => {
  const seeds = Array.from({ length: 1000 }, (_, i) => deriveSeed(1, `sample ${i}`));
  assert.equal(new Set(seeds).size, 1000);
  for (const seed of seeds) assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
  assert.notEqual(deriveSeed(1, 'a'), deriveSeed(2, 'a'));
});
