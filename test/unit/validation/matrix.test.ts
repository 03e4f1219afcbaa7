import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictAnalytic } from '../../../src/model/analytic/analytic-model.js';
import { loadCalibration } from '../../../src/model/calibration/load-calibration.js';
import { predictPacket } from '../../../src/model/predict-packet.js';
import { guestSectorOf } from '../../../src/orchestrator/qemu/guest-sector.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { calibrationCases } from '../../../src/validation/calibration-cases.js';
import { MATRIX_NAMES, matrixCases, suitesToCalibrate } from '../../../src/validation/matrix.js';

const CALIBRATION = loadCalibration('lab-tcg');
const SUITES = CALIBRATION.esp.map(({ suite }) => suite);

const ALL = MATRIX_NAMES.flatMap((name) =>
  (['small', 'large'] as const).map((size) => ({ name, size, cases: matrixCases(name, size, SUITES) })),
);

test('quick is clear, ESP and AH+ESP at MTU 1500 and 9000', () => {
  const seen = matrixCases('quick', 'small').map(({ title, scenario: { ipsec, network } }) => [
    title,
    ipsec.esp,
    ipsec.ah,
    network.mtu,
  ]);
  assert.deepEqual(seen, [
    ['Clear, MTU 1500', null, null, 1500],
    ['Clear, MTU 9000', null, null, 9000],
    ['ESP, MTU 1500', 'aes128-sha256', null, 1500],
    ['ESP, MTU 9000', 'aes128-sha256', null, 9000],
    ['AH+ESP, MTU 1500', 'aes128-sha256', 'sha256', 1500],
    ['AH+ESP, MTU 9000', 'aes128-sha256', 'sha256', 9000],
  ]);
});

test('published asks with and without IPsec in transport mode, MTU by MTU, with default and maximal MSS', () => {
  const cases = matrixCases('published', 'small');
  const points = cases.map(({ scenario: { ipsec, network } }) =>
    [ipsec.esp, ipsec.ah, network.mtu, network.mss].join(' '),
  );
  assert.equal(new Set(points).size, 3 * 4 * 2);
  assert.ok(cases.every(({ scenario }) => scenario.ipsec.mode === 'transport'));
});

test('full begins with quick, and goes through suites, modes, families, channels, losses, delays and writing', () => {
  const quick = matrixCases('quick', 'small').map(({ scenario }) => scenario);
  const full = matrixCases('full', 'small', SUITES).map(({ scenario }) => scenario);
  assert.deepEqual(full.slice(0, quick.length), quick);
  const has = (what: (scenario: Scenario) => boolean) => assert.ok(full.some(what), String(what));
  for (const suite of SUITES) has(({ ipsec }) => ipsec.esp === suite);
  has(({ ipsec }) => ipsec.mode === 'tunnel');
  has(({ ipsec }) => ipsec.encap);
  has(({ network }) => network.family === 'ipv6');
  has(({ network }) => network.loss > 0);
  has(({ network }) => network.rttUs > 1000);
  has(({ migration }) => migration.multifdChannels > 1);
});

for (const { name, size, cases } of ALL) {
  test(`the names of ${name} for ${size} guests are unique, and its guests are such as the test guest can play`, () => {
    assert.equal(new Set(cases.map(({ scenario }) => scenario.name)).size, cases.length);
    for (const { scenario } of cases) guestSectorOf(scenario);
  });

  test(`no guest of ${name} for ${size} guests is idle: those are what calibrations are made with`, () => {
    assert.ok(cases.every(({ scenario }) => scenario.guest.workload.kind !== 'idle'));
  });

  test(`only what is meant not to converge in ${name} for ${size} guests is predicted not to`, () => {
    const host = { cores: size === 'small' ? 1 : 4, cpuShare: 1 };
    const calibration = size === 'small' ? CALIBRATION : loadCalibration('reference');
    for (const { scenario } of cases) {
      const hosts = { calibration: calibration.name, source: host, destination: host };
      if (size === 'large' && scenario.ipsec.esp?.startsWith('null')) continue;
      const { converged } = predictAnalytic({ ...scenario, hosts }, calibration);
      assert.equal(converged, scenario.name !== 'endless', scenario.name);
    }
  });
}

test('simulated, too, the small guest that writes faster than it may be sent does not converge', () => {
  const endless = matrixCases('full', 'small').find(({ scenario }) => scenario.name === 'endless')!.scenario;
  const host = { cores: 1, cpuShare: 1 };
  const hosts = { calibration: CALIBRATION.name, source: host, destination: host };
  assert.equal(predictPacket({ ...endless, hosts }, CALIBRATION).converged, false);
});

test('costs are needed of each suite once', () => {
  assert.deepEqual(suitesToCalibrate(matrixCases('published', 'small')), {
    esp: ['aes128-sha256'],
    ah: ['sha256'],
  });
  const { esp } = suitesToCalibrate(matrixCases('full', 'small', SUITES));
  assert.deepEqual(esp.toSorted(), SUITES.toSorted());
});

test('calibrations migrate with packets of two sizes in the clear, and of three under each suite and under two', () => {
  const { migrations } = calibrationCases({ esp: ['aes128gcm16'], ah: ['sha256'] }, 'small');
  const sizes = new Map<string, Set<string>>();
  for (const { ipsec, network } of migrations) {
    const protection = `${ipsec.esp} ${ipsec.ah}`;
    const known = sizes.get(protection) ?? new Set();
    sizes.set(protection, known.add(`${network.mtu} ${network.mss}`));
  }
  const [two, three] = [
    ['1500 auto', '9000 auto'],
    ['1500 600', '1500 auto', '9000 auto'],
  ];
  assert.deepEqual(Object.fromEntries([...sizes].map(([key, found]) => [key, [...found].toSorted()])), {
    'null null': two,
    'aes128gcm16 null': three,
    'null sha256': three,
    'aes128gcm16 sha256': three,
  });
});

for (const { name, size, cases } of ALL) {
  test(`no case of ${name} for ${size} guests is one that calibrations are made with`, () => {
    const suites = suitesToCalibrate(cases);
    const { transfers, migrations, guests } = calibrationCases(suites, size);
    const asked = [...transfers.map(({ scenario }) => scenario), ...migrations, ...guests];
    const contentOf = ({ guest, network, ipsec, migration }: Scenario) =>
      JSON.stringify({ guest, network, ipsec, migration });
    const known = new Set(asked.map(contentOf));
    assert.ok(known.size > 0);
    for (const { scenario } of cases) assert.ok(!known.has(contentOf(scenario)), scenario.name);
    // Beyond being equal: what is migrated to calibrate writes nothing, and what is migrated to validate does.
    assert.ok(migrations.every(({ guest }) => guest.workload.kind === 'idle'));
  });
}
