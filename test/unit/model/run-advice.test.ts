import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelError } from '../../../src/model/model-error.js';
import { adviseRun } from '../../../src/model/run-advice.js';
import type { RunResult } from '../../../src/result/run-result.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { sampleEndlessRun, sampleRun, sampleScenario } from '../report/sample-run.js';

/** A model of which the test says what it answers: milliseconds, or null for what does not converge. */
function modelOf(milliseconds: (scenario: Scenario) => number | null): (scenario: Scenario) => RunResult {
  return (scenario) => {
    const totalTimeMs = milliseconds(scenario);
    if (totalTimeMs === null) return { ...sampleEndlessRun(), scenario, throughputBps: 1e6 };
    return sampleRun({ scenario, totalTimeMs, throughputBps: 1e9 });
  };
}

function advice(milliseconds: (scenario: Scenario) => number | null, scenario = sampleScenario()) {
  const model = modelOf(milliseconds);
  return adviseRun(model(scenario), model).map(({ change, run }) => [
    change,
    run.converged ? run.totalTimeMs : null,
  ]);
}

test('what is sooner is advised, soonest first; what is not sooner is not', () => {
  const found = advice(({ network, migration }) => {
    if (network.mtu === 9000) return 700;
    return migration.multifdChannels > 0 ? 990 : 1000;
  });
  assert.deepEqual(found, [['MTU 9000', 700]]);
});

test('changes that help together are named together', () => {
  const found = advice(
    ({ network, migration }) => 1000 - (network.mtu === 9000 ? 300 : 0) - migration.multifdChannels * 50,
  );
  assert.deepEqual(found, [
    ['MTU 9000 and 4 multifd channels', 500],
    ['MTU 9000', 700],
    ['4 multifd channels', 800],
  ]);
});

test('a suite is only advised if it protects alike', () => {
  const suites: (string | null)[] = [];
  advice((scenario) => {
    suites.push(scenario.ipsec.esp);
    return 1000;
  }, withEsp('aes256-sha256'));
  const tried = [...new Set(suites)];
  assert.ok(tried.includes('aes256gcm16') && tried.includes('chacha20poly1305'));
  for (const name of tried)
    assert.match(
      name!,
      /^(aes256-sha256|aes256(gcm|ccm)16|chacha20poly1305|camellia256-sha256|aes256ctr-sha256)$/,
    );
});

test('in the clear no suite is advised, and IPsec is never dropped', () => {
  assert.deepEqual(
    advice(({ ipsec }) => (ipsec.esp === null ? 1 : 1000)),
    [],
  );
  const clear = { ...sampleScenario(), ipsec: { ...sampleScenario().ipsec, esp: null } };
  assert.deepEqual(
    advice(({ ipsec }) => (ipsec.esp === null ? 1000 : 1), clear),
    [],
  );
});

test('of downtime limits the shortest that converges is advised', () => {
  const found = advice(({ migration }) => (migration.downtimeLimitMs >= 1000 ? 5000 : null));
  assert.deepEqual(found[0], ['downtime limit 1000 ms', 5000]);
  assert.ok(!found.some(([change]) => change === 'downtime limit 1500 ms'));
});

test('what does not converge is told what does not help either', () => {
  const found = advice(({ migration }) => (migration.autoConverge ? 9000 : null));
  assert.deepEqual(found[0], ['auto-converge', 9000]);
  const rest = found.slice(1).map(([change, time]) => `${change} ${time}`);
  assert.ok(rest.includes('MTU 9000 null') && rest.includes('downtime limit 10000 ms null'), `${rest}`);
});

test('what cannot be is not advised', () => {
  const scenario = sampleScenario();
  const base = modelOf(() => 1000);
  const model = (changed: Scenario) => {
    if (changed.network.mtu === 9000) throw new ModelError('no');
    return base(changed);
  };
  assert.deepEqual(adviseRun(model(scenario), model), []);
});

test("QEMU's own limit is lifted only where it is one", () => {
  const model = modelOf(({ migration }) => (migration.maxBandwidth > 2e8 ? 500 : 1000));
  const run = model(sampleScenario());
  const changes = (share: number) => {
    const timeByLimit = { ...run.timeByLimit, maxBandwidth: share };
    return adviseRun({ ...run, timeByLimit }, model).map(({ change }) => change);
  };
  assert.deepEqual(changes(0.6), ['max-bandwidth 1.25GB/s']);
  assert.deepEqual(changes(0.01), []);
});

test('segments that are kept small are let grow', () => {
  const scenario = sampleScenario();
  const small: Scenario = { ...scenario, network: { ...scenario.network, mss: 524 } };
  const found = advice(({ network }) => (network.mss === 'auto' ? 1000 - network.mtu / 20 : 2000), small);
  assert.deepEqual(
    found.map(([change]) => change),
    ['MSS auto and MTU 9000', 'MSS auto'],
  );
});

function withEsp(esp: string): Scenario {
  const scenario = sampleScenario();
  return { ...scenario, ipsec: { ...scenario.ipsec, esp } };
}
