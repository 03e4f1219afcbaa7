import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOverrides, fieldText, type Overrides } from '../../../src/scenario/apply-overrides.js';
import { parseNamedScenario, parseScenario } from '../../../src/scenario/parse-scenario.js';
import type { Scenario } from '../../../src/scenario/scenario.js';
import { fieldsNamed, shortFieldNames } from '../../../src/scenario/scenario-fields.js';
import { KNOWN_SUITES } from './known-suites.js';

const OFFICE = parseNamedScenario('office-vm', KNOWN_SUITES);

function change(overrides: Overrides, scenario: Scenario = OFFICE): Scenario {
  return applyOverrides(scenario, overrides, KNOWN_SUITES);
}

test('fields go by dotted and short names, and by the names QEMU has', () => {
  const changed = change({
    mtu: '9000',
    'ipsec.esp': 'aes256gcm16',
    'max-bandwidth': '1GB/s',
    'downtime-limit': '1s',
    channels: '4',
    loss: '1e-6',
    autoconverge: 'on',
  });
  assert.equal(changed.network.mtu, 9000);
  assert.equal(changed.ipsec.esp, 'aes256gcm16');
  assert.equal(changed.migration.maxBandwidth, 1e9);
  assert.equal(changed.migration.downtimeLimitMs, 1000);
  assert.equal(changed.migration.multifdChannels, 4);
  assert.equal(changed.migration.autoConverge, true);
  assert.equal(changed.network.loss, 1e-6);
  assert.deepEqual(
    { ...changed, network: 0, ipsec: 0, migration: 0 },
    {
      ...OFFICE,
      network: 0,
      ipsec: 0,
      migration: 0,
    },
  );
});

test('the scenario that is changed stays as it was', () => {
  const before = JSON.stringify(OFFICE);
  change({ mtu: '9000', rate: '1', workload: 'uniform' });
  assert.equal(JSON.stringify(OFFICE), before);
});

test('cores and cpuShare are those of both hosts unless one is named', () => {
  const { hosts } = change({ cores: '1', 'destination.cpuShare': '50%' });
  assert.deepEqual(
    [hosts.source, hosts.destination],
    [
      { cores: 1, cpuShare: 1 },
      { cores: 1, cpuShare: 0.5 },
    ],
  );
});

test('nothing is written none, off, null or not at all', () => {
  for (const nothing of ['none', 'off', 'null', '']) assert.equal(change({ esp: nothing }).ipsec.esp, null);
  const compressed = change({
    channels: '2',
    'compression.ratio': '50%',
    'compression.sourcePerPage': '10us',
    'compression.destinationPerPage': '2us',
    postcopy: '3',
  });
  assert.equal(compressed.migration.compression?.sourceNsPerPage, 10_000);
  const off = change({ compression: 'off', postcopy: 'none' }, compressed);
  assert.deepEqual([off.migration.compression, off.migration.postcopyAfterIterations], [null, null]);
});

test('XBZRLE is switched on by giving one of its fields', () => {
  assert.deepEqual(change({ 'xbzrle.delta': '25%' }).migration.xbzrle, {
    cacheBytes: 64 * 2 ** 20,
    deltaShare: 0.25,
  });
  assert.throws(
    () => change({ xbzrle: 'on' }),
    /^ScenarioError: xbzrle: give xbzrle\.cache and xbzrle\.delta, or off$/,
  );
});

test('a workload of another kind keeps its rate and working set, whatever the order', () => {
  const kept = { kind: 'sequential', pagesPerSecond: 5, workingSetBytes: 2 ** 28 };
  assert.deepEqual(change({ rate: '5', workload: 'sequential' }).guest.workload, kept);
  assert.deepEqual(change({ workload: 'sequential', rate: '5' }).guest.workload, kept);
  assert.deepEqual(change({ workload: 'idle' }).guest.workload, { kind: 'idle' });
  assert.throws(
    () => change({ rate: '5' }, change({ workload: 'idle' })),
    /rate: does not go with kind idle/,
  );
});

test('a guest whose memory was all filled still is when it gets more', () => {
  const full = parseScenario('guest: { memory: 1GiB, workload: { kind: uniform, rate: 1 } }', {
    suites: KNOWN_SUITES,
  });
  assert.deepEqual(change({ memory: '4GiB' }, full).guest, {
    memoryBytes: 2 ** 32,
    filledBytes: 2 ** 32,
    workload: { kind: 'uniform', pagesPerSecond: 1, workingSetBytes: 2 ** 32 },
  });
  const { guest } = change({ memory: '8GiB' });
  assert.deepEqual(guest, { ...OFFICE.guest, memoryBytes: 2 ** 33 });
});

test('wrong fields are named as they were given, all at once, with near names', () => {
  const message = (overrides: Overrides): string => {
    try {
      change(overrides);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.deepEqual(message({ mtu: '90000', mss: '9', famly: 'ipv6' }).split('\n'), [
    'famly: unknown field: did you mean family?',
    'mtu: 90000 is out of bounds: allowed is 576 to 65535',
    'mss: 9 is out of bounds: allowed is 36 to 65483; or auto',
  ]);
  assert.match(message({ bandwith: '1GB/s' }), /^bandwith: unknown field: did you mean bandwidth/);
  assert.match(message({ colour: 'red' }), /^colour: unknown field: there are name, description, memory/);
  assert.match(message({ esp: 'aes128gcm1' }), /^esp: unknown ESP suite "aes128gcm1": did you mean/);
  assert.match(
    message({ memory: '512MiB' }),
    /^guest\.filled: 1GiB is more than the guest's memory of 512MiB$/,
  );
});

test('an option that sets a field of both hosts complains once', () => {
  assert.throws(() => change({ cores: '0' }), {
    name: 'ScenarioError',
    message: 'cores: 0 is out of bounds: allowed is 1 to 1024',
  });
});

test('every short name stands for a field, and names no other', () => {
  for (const name of shortFieldNames()) assert.ok(fieldsNamed(name) !== null, name);
  assert.deepEqual(fieldsNamed('mtu'), ['network.mtu']);
  assert.deepEqual(fieldsNamed('workload'), ['guest.workload.kind']);
  assert.deepEqual(fieldsNamed('Multifd_Channels'), ['migration.multifdChannels']);
  for (const name of ['kind', 'network', 'cache', 'ratio', 'toString', '__proto__', '']) {
    assert.equal(fieldsNamed(name), null, name);
  }
});

test('the value of a field is told as it would be written', () => {
  const names = ['mtu', 'esp', 'ah', 'link', 'rate', 'loss', 'xbzrle', 'timeout', 'memory'];
  assert.deepEqual(
    names.map((name) => fieldText(OFFICE, name)),
    ['1500', 'aes128gcm16', 'null', '10Gbit', '2000pages/s', '0', 'null', '600s', '4GiB'],
  );
  assert.equal(fieldText(change({ workload: 'idle' }), 'rate'), null);
  assert.throws(() => fieldText(OFFICE, 'colour'), { name: 'ScenarioError' });
});
