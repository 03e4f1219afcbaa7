import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SUITE_NAMES } from '../../../../src/model/suite-names.js';
import { qmpUndo } from '../../../../src/orchestrator/guests/qmp-undo.js';
import { LocalHost } from '../../../../src/orchestrator/hosts/local-host.js';
import { applyMigrationSettings } from '../../../../src/orchestrator/qemu/migration-settings.js';
import { QmpClient } from '../../../../src/orchestrator/qemu/qmp-client.js';
import {
  readMigrationSettings,
  restoreMigrationSettings,
} from '../../../../src/orchestrator/qemu/saved-settings.js';
import { parseScenario } from '../../../../src/scenario/parse-scenario.js';
import { requireTool } from '../../../tool.js';
import { QEMU, QemuProcess } from '../qemu/qemu-process.js';

const { migration } = parseScenario(
  JSON.stringify({
    guest: { memory: '1GiB' },
    migration: { maxBandwidth: '7MB/s', downtimeLimit: '17ms', multifdChannels: 5 },
  }),
  { suites: SUITE_NAMES },
);

/** Everything that migrations are set to. */
async function allSettings(qmp: QmpClient): Promise<unknown> {
  return [await qmp.execute('query-migrate-capabilities'), await qmp.execute('query-migrate-parameters')];
}

test('what a run sets is put back: by the run, and by what its journal says when it is gone', async (t) => {
  if (!requireTool(t, QEMU) || !requireTool(t, 'perl')) return;
  const qemu = await QemuProcess.start();
  const host = new LocalHost();
  try {
    let qmp = await QmpClient.connect(qemu.socket);
    await qmp.execute('migrate-set-parameters', { 'downtime-limit': 4321 });
    const before = await allSettings(qmp);
    const settings = await readMigrationSettings(qmp, migration);
    await applyMigrationSettings([qmp], migration);
    assert.notDeepEqual(await allSettings(qmp), before);
    await restoreMigrationSettings(qmp, settings);
    assert.deepEqual(await allSettings(qmp), before);
    await applyMigrationSettings([qmp], migration);
    qmp.close();
    const target = { address: '192.0.2.1', port: 49_152 };
    const { program, args, input = '' } = qmpUndo('source', qemu.socket, settings, target);
    await host.run(program, args, { input });
    qmp = await QmpClient.connect(qemu.socket);
    assert.deepEqual(await allSettings(qmp), before);
    qmp.close();
  } finally {
    await qemu.stop();
    await host.close();
  }
});

test('a QEMU that is gone needs nothing put back', async (t) => {
  if (!requireTool(t, 'perl')) return;
  const host = new LocalHost();
  const { program, args, input = '' } = qmpUndo('destination', '/nonexistent/qmp', [], null);
  assert.equal((await host.run(program, args, { input })).code, 0);
  await host.close();
});
