import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SUITE_NAMES } from '../../src/model/suite-names.js';
import { parseGridAxis } from '../../src/model/sweep/grid-axis.js';
import { gridAxes, SweepPlan } from '../../src/model/sweep/sweep-plan.js';
import { applyOverrides } from '../../src/scenario/apply-overrides.js';
import { parseNamedScenario } from '../../src/scenario/parse-scenario.js';
import { ScenarioError } from '../../src/scenario/scenario-error.js';
import fc from '../fast-check.js';

/** Values of each field, some of which do not go with each other. */
const AXES: Readonly<Record<string, readonly string[]>> = {
  memory: ['1GiB', '4GiB', '16GiB'],
  filled: ['256MiB', '8GiB'],
  workload: ['idle', 'uniform', 'hot-set'],
  rate: ['0', '2000', '8MiB/s'],
  workingSet: ['64MiB', '6GiB'],
  link: ['1Gbit', '10Gbit'],
  mtu: ['576', '1500', '9000'],
  family: ['ipv4', 'ipv6'],
  esp: ['none', 'aes128gcm16', 'aes128-sha256'],
  ah: ['none', 'sha256'],
  mode: ['transport', 'tunnel', 'beet'],
  encap: ['true', 'false'],
  align4: ['true', 'false'],
  channels: ['0', '4'],
  'xbzrle.delta': ['25%'],
  postcopy: ['off', '2'],
  cores: ['1', '2'],
  seed: ['1', '7'],
};

const grid = fc
  .subarray(Object.keys(AXES), { minLength: 1, maxLength: 4 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.subarray([...AXES[name]!], { minLength: 1 }).map((values) => `${name}=${values}`),
      ),
    ),
  );
const scenarios = ['office-vm', 'wan', 'idle'].map((name) => parseNamedScenario(name, SUITE_NAMES));

/** The settings of a point, or what is wrong with them. */
function attempt<Result>(make: () => Result): Result | 'cannot be' {
  try {
    return make();
  } catch (error) {
    if (error instanceof ScenarioError) return 'cannot be';
    throw error;
  }
}

test('every point of any grid is its scenario with all of its settings applied at once', () => {
  fc.assert(
    fc.property(grid, (axes) => {
      const request = { axes: gridAxes(axes.map(parseGridAxis)), level: 'analytic', samples: 1 } as const;
      const plan = new SweepPlan({ ...request, scenarios });
      for (let index = 0; index < plan.points; index++) {
        const { scenario: name, settings } = plan.point(index);
        const base = scenarios.find((scenario) => scenario.name === name)!;
        const wanted = attempt(() => applyOverrides(base, settings, SUITE_NAMES));
        const found = attempt(() => plan.scenarioAt(index));
        if (wanted === 'cannot be' || found === 'cannot be')
          assert.equal(found, wanted, JSON.stringify(settings));
        else assert.deepEqual({ ...found, seed: 0 }, { ...wanted, seed: 0 });
      }
    }),
    { numRuns: 60 },
  );
});

test('no two points of a grid have the same name or seed', () => {
  fc.assert(
    fc.property(grid, (axes) => {
      const plan = new SweepPlan({
        axes: gridAxes(axes.map(parseGridAxis)),
        level: 'analytic',
        samples: 1,
        scenarios,
      });
      const points = Array.from({ length: plan.points }, (_, index) => {
        const { scenario, settings } = plan.point(index);
        return JSON.stringify([scenario, settings]);
      });
      assert.equal(new Set(points).size, points.length);
    }),
    { numRuns: 100 },
  );
});
