import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SUITE_NAMES } from '../../../../src/model/suite-names.js';
import {
  type DomainTarget,
  domainMigrateOptions,
} from '../../../../src/orchestrator/guests/domain-arguments.js';
import { virshArguments } from '../../../../src/orchestrator/guests/virsh.js';
import { parseScenario } from '../../../../src/scenario/parse-scenario.js';
import type { MigrationParameters } from '../../../../src/scenario/scenario.js';
import { requireTool, runTool } from '../../../tool.js';

const TARGET: DomainTarget = {
  uri: 'qemu+ssh://root@far.example/system',
  address: '10.9.0.2',
  port: 49152,
  isPersistent: true,
  undefineSource: false,
};

function migration(fields: Readonly<Record<string, unknown>> = {}): MigrationParameters {
  const text = JSON.stringify({ guest: { memory: '1GiB' }, migration: fields });
  return parseScenario(text, { suites: SUITE_NAMES }).migration;
}

test('memory goes to the protected address, which alone is listened on', () => {
  const { options, switches } = domainMigrateOptions(migration(), TARGET);
  assert.equal(options['migrateuri'], 'tcp://10.9.0.2:49152');
  assert.equal(options['listen-address'], '10.9.0.2');
  assert.equal(options['bandwidth'], '128');
  assert.deepEqual(switches, ['live', 'persistent']);
  const ipv6 = domainMigrateOptions(migration(), { ...TARGET, address: 'fd09::2' });
  assert.equal(ipv6.options['migrateuri'], 'tcp://[fd09::2]:49152');
});

test('a domain that libvirt does not keep stays so, and is forgotten at the source only if asked', () => {
  const { switches } = domainMigrateOptions(migration(), {
    ...TARGET,
    isPersistent: false,
    undefineSource: true,
  });
  assert.deepEqual(switches, ['live', 'undefinesource']);
});

test('bandwidths are rounded up to whole MiB/s, for 0 would mean as much as there is', () => {
  const { options } = domainMigrateOptions(migration({ maxBandwidth: '1kB/s' }), TARGET);
  assert.equal(options['bandwidth'], '1');
});

test('what libvirt cannot be asked for is refused', () => {
  const compression = { ratio: '40%', sourcePerPage: '9us', destinationPerPage: '3us' };
  assert.throws(() => domainMigrateOptions(migration({ multifdChannels: 2, compression }), TARGET), {
    name: 'EnvironmentError',
    message: /compression of multifd/,
  });
});

test('virsh knows all options and switches, and takes no name for an option', (t) => {
  if (!requireTool(t, 'virsh')) return;
  const help = runTool('virsh', ['help', 'migrate']).stdout;
  const everything = domainMigrateOptions(
    migration({ multifdChannels: 4, autoConverge: true, postcopyAfterIterations: 2 }),
    { ...TARGET, undefineSource: true },
  );
  const xbzrle = domainMigrateOptions(migration({ xbzrle: { cache: '64MiB', delta: '25%' } }), TARGET);
  for (const { options, switches } of [everything, xbzrle]) {
    for (const name of [...Object.keys(options), ...switches])
      assert.match(help, new RegExp(`\\[?--${name}\\b`));
  }
  // Option and value in one word: virsh's own parser says which domain it was asked for.
  const args = virshArguments('echo', { str: '--domain' }).filter((word) => !/^(-q|-c|qemu:)/.test(word));
  assert.equal(runTool('virsh', args).stdout.trim(), '--domain');
});
