/** Guests that are there before a run and go on after it: QEMUs that the test starts as a user does, spoken to through QMP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../src/orchestrator/hosts/host.js';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { labPlace, reopenPlace } from '../../src/orchestrator/open-place.js';
import { type MigrationOptions, runMigration } from '../../src/orchestrator/run-migration.js';
import { findJournals } from '../../src/orchestrator/steps/journal.js';
import { RunFailure } from '../../src/orchestrator/steps/run-failure.js';
import { cleanUp } from '../../src/orchestrator/steps/step-runner.js';
import { checkRunResult } from '../../src/result/parse-run-result.js';
import { runJson } from '../../src/result/run-json.js';
import type { RunResult } from '../../src/result/run-result.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { PAGE_BYTES } from '../../src/scenario/scenario.js';
import { repoPath } from '../repo-root.js';
import {
  assertOwnSettings,
  migrationAt,
  QMP_GUEST,
  reportsAt,
  statusAt,
  withQemus,
  withQmp,
} from './foreign-qemu.js';
import { labScenario } from './lab-scenario.js';
import { onceSending, TestLab } from './test-lab.js';

const bench = await TestLab.forTests('foreign');
const INCOMING = ['-incoming', 'defer'];
/** The guest writes faster than that: such a migration goes on until something happens to it, however late. */
const SLOW: Overrides = { esp: 'aes128gcm16', maxBandwidth: '200kB/s' };

function migrate(lab: Lab, overrides: Overrides, options: MigrationOptions = {}): Promise<RunResult> {
  const scenario = labScenario(overrides);
  const place = labPlace(lab, null, scenario.network.family);
  return runMigration(scenario, place, { guest: QMP_GUEST, journalFolder: bench.journals, ...options });
}

bench.traceless(
  'a guest with a QMP socket arrives under ESP; both QEMUs stay, with the settings they had',
  async (lab) => {
    const { source, destination } = lab;
    // Started with -S, as libvirt does: it must be told to go on.
    await withQemus(lab, [...INCOMING, '-S'], async () => {
      const run = await migrate(lab, { esp: 'aes128gcm16', memory: '64MiB', filled: '64MiB' });
      assert.ok(run.converged);
      assert.equal(await statusAt(source), 'postmigrate');
      assert.equal(await statusAt(destination), 'running');
      for (const host of [source, destination]) await assertOwnSettings(host);
      assertChecked(run, /exactly one host/, /capture is whole/, /is ESP$/, /verifies/, /QEMU and the wire/);
      assert.ok(
        run.checks?.every(({ requirement }) => !requirement.includes('memory')),
        'what only the guest can tell is not claimed',
      );
      await assertGoesOn(lab);
      const { guest, name } = run.scenario;
      assert.equal(name, 'web');
      assert.equal(guest.memoryBytes, 16 * 1024 * 1024);
      // The guest has filled 4 MiB and touched little else.
      assert.ok(Math.abs(guest.filledBytes - 4 * 1024 * 1024) < 200 * PAGE_BYTES, `${guest.filledBytes}`);
      assert.deepEqual(checkRunResult(JSON.parse(JSON.stringify(runJson(run)))), run, 'JSON loses nothing');
    });
  },
);

bench.traceless('an interruption in the middle leaves the guest where it was', async (lab) => {
  await withQemus(lab, INCOMING, async () => {
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    const run = migrate(lab, SLOW, { signal: controller.signal });
    const failed = assert.rejects(run, { name: 'RunFailure', guestAt: 'source', cause: reason });
    await onceSending(lab.source);
    controller.abort(reason);
    await failed;
    assert.equal(await statusAt(lab.source), 'running');
    await assertOwnSettings(lab.source);
  });
});

bench.traceless(
  'the link is cut when the guest has stopped: it goes on where it was, and the QEMU that waited is ended',
  async (lab) => {
    const { source, destination } = lab;
    const cutWhenAllIsSent = async () => {
      // All of the guest goes into the socket at once, and would take half a minute to arrive.
      const failure = await cutWhenStopped(lab, { link: '300kbit' }, async () => {
        assert.equal(await migrationAt(source), 'completed', 'the source handed everything to its socket');
      });
      assert.equal(failure.guestAt, 'source', failure.message);
      assert.equal(await statusAt(source), 'running');
      await assert.rejects(statusAt(destination));
    };
    await withSendBuffer(source, 8 * 1024 * 1024, () =>
      withQemus(lab, INCOMING, cutWhenAllIsSent, { filled: '1MiB', workingSet: '64KiB' }),
    );
  },
);

bench.traceless(
  'the link is cut before the source has sent all: the guest goes on there, and the other QEMU waits on',
  async (lab) => {
    const { source, destination } = lab;
    const cutWhileSending = async () => {
      // The guest may stand still as long as it takes: it stops at once, with most of its memory still to be sent.
      const failure = await cutWhenStopped(lab, { link: '1Mbit', downtime: '600s' }, async () => {
        assert.match(
          await migrationAt(source),
          /^(failed|cancelled)$/,
          'the source could not send everything',
        );
        // QEMU ends itself when it hears that the source has given up: not before the cable is in again.
        assert.equal(await statusAt(destination), 'inmigrate');
        await assertOwnSettings(destination);
      });
      assert.equal(failure.guestAt, 'source', failure.message);
      assert.equal(await statusAt(source), 'running');
      await assertOwnSettings(source);
    };
    await withSendBuffer(source, 16 * 1024, () => withQemus(lab, INCOMING, cutWhileSending));
  },
);

bench.traceless(
  'the orchestrator is killed in the middle: cleaning up ends the migration before its protection',
  async (lab) => {
    await withQemus(lab, INCOMING, async () => {
      const script = repoPath('dist/test/lab/killed-foreign-run.js');
      const args = [script, bench.name, bench.journals, JSON.stringify(labScenario(SLOW))];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      const exited = once(child, 'exit');
      await onceSending(lab.source);
      child.kill('SIGKILL');
      await exited;
      for (const name of readdirSync(bench.temporary))
        rmSync(join(bench.temporary, name), { recursive: true, force: true });
      const [journal] = findJournals(bench.journals);
      const place = await reopenPlace(journal!.header.hosts);
      assert.deepEqual(await cleanUp(journal!, place!.hosts), []);
      await place!.close();
      assert.equal(await statusAt(lab.source), 'running');
      assert.equal(await migrationAt(lab.source), 'cancelled');
      await assertOwnSettings(lab.source);
    });
  },
);

bench.traceless('what cannot work is refused before anything is changed', async (lab) => {
  const refused = (message: RegExp) =>
    assert.rejects(migrate(lab, {}), { name: 'EnvironmentError', message });
  await refused(/no connection to the QMP socket .* of (source|destination).*start QEMU there/s);
  await withQemus(lab, ['-S'], async () => {
    await refused(/QEMU at destination does not wait for a guest .*-incoming defer/);
    await withQmp(lab.source, (qmp) => qmp.execute('stop'));
    await refused(/the guest at source does not run .*paused/);
  });
});

/** A run whose cable is pulled out as soon as the source's QEMU says that the guest has stopped, until `whileCut` is done. */
async function cutWhenStopped(
  lab: Lab,
  overrides: Overrides,
  whileCut: () => Promise<void>,
): Promise<RunFailure> {
  let cut = Promise.resolve();
  try {
    const failure = await withQmp(lab.source, async (qmp) => {
      const forget = qmp.onEvent(({ event }) => {
        if (event !== 'STOP') return;
        forget();
        cut = lab.connectLink(false);
        cut.catch(() => {});
      });
      return migrate(lab, overrides, { stallMs: 4000 }).then(
        () => assert.fail('did not fail'),
        (error: unknown) => error,
      );
    });
    await cut;
    assert.ok(failure instanceof RunFailure, String(failure));
    await whileCut();
    return failure;
  } finally {
    await cut.catch(() => {});
    await lab.connectLink(true);
  }
}

/** How much a host's new TCP sockets hold that is not acknowledged: from the start, and at most. */
async function withSendBuffer(host: Host, bytes: number, use: () => Promise<void>): Promise<void> {
  const path = '/proc/sys/net/ipv4/tcp_wmem';
  const write = (sizes: string) => host.run('sh', ['-c', 'echo "$1" > "$2"', 'sh', sizes, path]);
  const { stdout: usual } = await host.run('cat', [path]);
  await write(`4096 ${bytes} ${bytes}`);
  try {
    await use();
  } finally {
    await write(usual.trim());
  }
}

/** As `withQemus` started it, the guest counts on, and finds each page as it left it. */
async function assertGoesOn({ source, destination }: Lab): Promise<void> {
  const last = (await reportsAt(source, 1)).at(-1)!;
  const reports = await reportsAt(destination, 3);
  assert.ok(reports[0]!.seconds > last.seconds && reports[0]!.seconds <= last.seconds + 3);
  assert.ok(reports.every(({ errors }) => errors === 0));
}

function assertChecked(run: RunResult, ...requirements: RegExp[]): void {
  const checks = run.checks ?? [];
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  for (const requirement of requirements) {
    assert.ok(
      checks.some((check) => requirement.test(check.requirement)),
      `nothing was said about ${requirement}`,
    );
  }
}
