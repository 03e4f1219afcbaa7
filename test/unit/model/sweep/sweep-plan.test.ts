import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError, parseGridAxis } from '../../../../src/model/sweep/grid-axis.js';
import { gridAxes, SweepPlan } from '../../../../src/model/sweep/sweep-plan.js';
import { ScenarioError } from '../../../../src/scenario/scenario-error.js';
import { sampleScenario } from '../../report/sample-run.js';

function planOf(grid: readonly string[], scenarios = [sampleScenario()]): SweepPlan {
  const axes = gridAxes(grid.map(parseGridAxis));
  return new SweepPlan({ scenarios, axes, level: 'analytic', samples: 1 });
}

function refused(grid: readonly string[], message: RegExp): void {
  assert.throws(
    () => planOf(grid).requireSensible(),
    (error) => error instanceof GridError && message.test(error.message),
  );
}

test('the last axis changes with every point, scenarios last', () => {
  const second = { ...sampleScenario(), name: 'second' };
  const plan = planOf(['esp=none,aes128gcm16', 'mtu=1500,9000'], [sampleScenario(), second]);
  assert.equal(plan.points, 8);
  assert.deepEqual(
    Array.from({ length: 8 }, (_, i) => {
      const { scenario, settings } = plan.point(i);
      return `${scenario} ${settings['esp']} ${settings['mtu']}`;
    }),
    ['sample', 'second'].flatMap((name) =>
      ['none', 'aes128gcm16'].flatMap((esp) => ['1500', '9000'].map((mtu) => `${name} ${esp} ${mtu}`)),
    ),
  );
});

test('a point is the scenario with the settings applied', () => {
  const plan = planOf(['mtu=9000', 'esp=none', 'rate=8MiB/s']);
  const scenario = plan.scenarioAt(0);
  assert.equal(scenario.network.mtu, 9000);
  assert.equal(scenario.ipsec.esp, null);
  assert.deepEqual(scenario.guest.workload, { ...sampleScenario().guest.workload, pagesPerSecond: 2048 });
});

test('each point has a seed of its own, which a larger grid does not change', () => {
  const small = planOf(['mtu=1500,9000', 'esp=aes128gcm16']);
  const large = planOf(['mtu=1280,1500,4000,9000', 'esp=aes128gcm16']);
  const seeds = [0, 1, 2, 3].map((i) => large.scenarioAt(i).seed);
  assert.equal(new Set(seeds).size, 4);
  assert.equal(small.scenarioAt(0).seed, seeds[1]);
  assert.equal(small.scenarioAt(1).seed, seeds[3]);
  const other = planOf(['mtu=1500,9000', 'esp=aes128gcm16'], [{ ...sampleScenario(), seed: 2 }]);
  assert.notEqual(other.scenarioAt(0).seed, small.scenarioAt(0).seed);
});

test('whatever changes results changes the hash', () => {
  const base = planOf(['mtu=1500,9000']);
  const hashes = [
    base.header(1).hash,
    base.header(2).hash,
    planOf(['mtu=1500,9001']).header(1).hash,
    planOf(['mtu=9000,1500']).header(1).hash,
    planOf(['mtu=1500,9000'], [{ ...sampleScenario(), seed: 2 }]).header(1).hash,
    new SweepPlan({ ...base.request, samples: 2 }).header(1).hash,
    new SweepPlan({ ...base.request, level: 'packet' }).header(1).hash,
  ];
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(planOf(['network.mtu=1500,9000']).header(1).hash, hashes[0]);
});

test('a name with a slip in it is refused with the nearest ones', () => {
  refused(['mtuu=1500'], /there is no "mtuu": did you mean mtu\?/);
  refused(['donwtime-limit=300ms'], /did you mean downtimeLimit/);
});

test('two axes cannot set the same field', () => {
  refused(['mtu=1500', 'network.mtu=9000'], /network\.mtu and mtu set the same/);
  refused(['cores=1,2', 'source.cores=1,2'], /source\.cores and cores set the same/);
});

test('a value that no point can have is refused before anything is calculated', () => {
  refused(['mtu=1500,big'], /^mtu=big: /);
  refused(['rate=0,100', 'mtu=100,1500'], /^mtu=100: .*576/);
  refused(['esp=none,aes128gmc16'], /^esp=aes128gmc16: .*did you mean aes128gcm16/);
});

test('values that go with some others alone make points that cannot be', () => {
  const plan = planOf(['memory=1GiB,8GiB', 'filled=512MiB,6GiB', 'working-set=256MiB']);
  plan.requireSensible();
  assert.throws(() => plan.scenarioAt(1), ScenarioError);
  assert.equal(plan.scenarioAt(3).guest.filledBytes, 6 * 2 ** 30);
});

test('a grid of millions is taken for a mistake', () => {
  refused(
    ['mtu=576..9000', 'rate=0..20000:10'],
    /16858425 points \(mtu 8425 x rate 2001\): 1000000 is the most/,
  );
});
