import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOverrides } from '../../../src/scenario/apply-overrides.js';
import { parseScenario } from '../../../src/scenario/parse-scenario.js';
import { renderScenario } from '../../../src/scenario/render-scenario.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { drawScenario } from '../../../src/scenario/uncertain-fields.js';
import { KNOWN_SUITES } from './known-suites.js';

function parse(uncertain: string, more = ''): Scenario {
  const guest = '{ memory: 4GiB, filled: 1GiB, workload: { kind: uniform, rate: 2000, workingSet: 512MiB } }';
  return parseScenario(`guest: ${guest}\n${more}\nuncertain: ${uncertain}`, { suites: KNOWN_SUITES });
}

function refusal(uncertain: string): string {
  try {
    parse(uncertain);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

test('bounds are two amounts, three with the likeliest in the middle, or a percentage around the value', () => {
  const { uncertain } = parse(
    '{ rate: 1500..2500pages/s, rtt: 100us .. 0.2ms .. 1ms, link: ±10%, loss: 0..0.1%, max-bandwidth: +-50% }',
  );
  assert.deepEqual(uncertain, [
    { field: 'guest.workload.rate', low: 1500, high: 2500, mode: null },
    { field: 'network.link', low: 9e9, high: 1.1e10, mode: null },
    { field: 'network.rtt', low: 100, high: 1000, mode: 200 },
    { field: 'network.loss', low: 0, high: 0.001, mode: null },
    { field: 'migration.maxBandwidth', low: 67_108_864, high: 201_326_592, mode: null },
  ]);
});

test('the fields themselves keep their values for a single run', () => {
  const certain = parse('{}');
  assert.equal('uncertain' in certain, false);
  const { uncertain, ...rest } = parse('{ rate: 1..5 }');
  assert.deepEqual(rest, certain);
});

test('a name for both hosts is drawn for each', () => {
  const { uncertain } = parse('{ cpuShare: 50%..100% }');
  assert.deepEqual(
    uncertain?.map(({ field }) => field),
    ['hosts.source.cpuShare', 'hosts.destination.cpuShare'],
  );
});

test('what cannot be uncertain, or not so, is refused with its place', () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    '{ mtu: 1500..9000 }':
      /^line 3, column 14: uncertain\.mtu: cannot be uncertain; what can be is filled, rate/,
    '{ colour: 1..2 }': /uncertain\.colour: unknown field/,
    '{ hotShare: 1%..2% }': /uncertain\.hotShare: is nothing that this scenario has$/,
    '{ rate: 2500..1500 }': /uncertain\.rate: runs backwards/,
    '{ rate: 1..9..5 }': /runs backwards/,
    '{ rate: 1500 }': /write a range such as/,
    '{ rate: 1500pages/s }': /write two bounds such as/,
    '{ rate: 1..2..3..4 }': /write two bounds such as/,
    '{ rtt: 1..2 }': /uncertain\.rtt: 1 has no unit/,
    '{ loss: 0..5 }': /more than the whole/,
    '{ workingSet: 1MiB..2GiB }': /2GiB is more than the guest's filled memory of 1GiB/,
    '{ rate: 5 .. x }': /no amount/,
    '5': /uncertain: /,
  };
  for (const [text, message] of Object.entries(wrong)) assert.match(refusal(text), message, text);
});

test('one field under many spellings is refused', () => {
  const spellings = Array.from({ length: 200 }, (_, i) => `r${'_'.repeat(i)}ate: 1500..2500`);
  assert.match(refusal(`{ ${spellings.join(', ')} }`), /uncertain: names 200 fields; there are 17 /);
});

test('draws follow the distribution', () => {
  const even = parse('{ rate: 1000..3000 }');
  const triangle = parse('{ rate: 1000..1500..3000 }');
  const rateOf = ({ guest }: Scenario): number =>
    'pagesPerSecond' in guest.workload ? guest.workload.pagesPerSecond : Number.NaN;
  const at = (scenario: Scenario, share: number): number => rateOf(drawScenario(scenario, () => share));
  assert.deepEqual(
    [0, 0.25, 0.5].map((share) => at(even, share)),
    [1000, 1500, 2000],
  );
  // A triangle of width 2000 with its top a quarter in: a quarter of its area lies before the top.
  assert.deepEqual(
    [0, 0.25].map((share) => at(triangle, share)),
    [1000, 1500],
  );
  const shares = Array.from({ length: 1000 }, (_, i) => (i + 0.5) / 1000);
  const mean = shares.reduce((sum, share) => sum + at(triangle, share), 0) / shares.length;
  // (low + mode + high) / 3
  assert.ok(Math.abs(mean - 5500 / 3) < 1, `${mean}`);
});

test('sizes are drawn in whole pages, and a working set stays within what is filled', () => {
  const scenario = parse('{ filled: 100MiB..1GiB, maxBandwidth: 1MB/s..2MB/s }');
  for (const share of [0, 0.123, 0.5, 0.999]) {
    const { guest, migration } = drawScenario(scenario, () => share);
    const { workload } = guest;
    assert.ok(workload.kind === 'uniform' && workload.workingSetBytes <= guest.filledBytes);
    assert.equal(guest.filledBytes % 4096, 0);
    assert.ok(Number.isInteger(migration.maxBandwidth));
  }
});

test('a field that is set is not uncertain any more', () => {
  const scenario = parse('{ rate: 1..5, rtt: 1us..9us }');
  assert.deepEqual(
    applyOverrides(scenario, { rate: '3' }, KNOWN_SUITES).uncertain?.map(({ field }) => field),
    ['network.rtt'],
  );
  assert.deepEqual(
    applyOverrides(scenario, { workload: 'idle', mtu: '9000' }, KNOWN_SUITES).uncertain?.map(
      ({ field }) => field,
    ),
    ['network.rtt'],
  );
  assert.equal('uncertain' in applyOverrides(scenario, { rate: '3', rtt: '0' }, KNOWN_SUITES), false);
});

test('uncertain fields are written with the unit of each bound', () => {
  const text = renderScenario(parse('{ rate: 1500..2500, link: 9Gbit..10Gbit, loss: 0..1% }'));
  assert.match(
    text,
    /^uncertain:\n {2}guest\.workload\.rate: 1500pages\/s\.\.2500pages\/s\n {2}network\.link: 9Gbit\.\.10Gbit\n {2}network\.loss: 0\.\.1%\n$/m,
  );
});
