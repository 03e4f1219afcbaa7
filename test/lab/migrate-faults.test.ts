/**
 * What can go wrong with a migration between the machines of a lab, made to happen: each time the report says what it was, the guest
 * runs on exactly one host while there is one, and in the end nothing is left, neither there nor here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/orchestrator/lab/lab.js';
import { labPlace } from '../../src/orchestrator/open-place.js';
import { type MigrationOptions, RUN_STEPS, runMigration } from '../../src/orchestrator/run-migration.js';
import type { RunContext, RunPlace } from '../../src/orchestrator/steps/run-context.js';
import { RunFailure } from '../../src/orchestrator/steps/run-failure.js';
import type { Step } from '../../src/orchestrator/steps/step.js';
import type { Overrides } from '../../src/scenario/apply-overrides.js';
import { labScenario } from './lab-scenario.js';
import { runningGuests, TestLab } from './test-lab.js';

const bench = await TestLab.forTests('faults');
const { folder, journals } = bench;

/** The guest writes faster than that: such a migration goes on until something happens to it, however late. */
const SLOW: Overrides = { maxBandwidth: '200kB/s' };
/** Where a dead channel is what happens. Elsewhere a machine that stands still for a moment must not pass for one. */
const IMPATIENT: MigrationOptions = { stallMs: 4000 };

/** A run with something done between steps, or while it migrates. */
async function failingRun(
  lab: Lab,
  overrides: Overrides,
  options: MigrationOptions = {},
): Promise<RunFailure> {
  const scenario = labScenario(overrides);
  const place = labPlace(lab, null, scenario.network.family);
  const error = await runMigration(scenario, place, {
    journalFolder: journals,
    ...options,
  }).then(
    () => assert.fail('did not fail'),
    (reason: unknown) => reason,
  );
  await acted;
  assert.ok(error instanceof RunFailure, String(error));
  assert.deepEqual(error.leftovers, []);
  return error;
}

function stepsWith(
  beforeStep: string,
  act: (context: RunContext) => Promise<void>,
): readonly Step<RunContext>[] {
  const fault: Step<RunContext> = { name: 'fault', title: 'a fault', perform: (context) => act(context) };
  return RUN_STEPS.flatMap((step) => (step.name === beforeStep ? [fault, step] : [step]));
}

/** What the last of `stepsOnEvent` does: over before the test is. */
let acted = Promise.resolve();

/** Acts as soon as the source's QEMU says so; the first event of that name, and status if it has one. */
function stepsOnEvent(name: string, status: string | null, act: (context: RunContext) => Promise<void>) {
  return stepsWith('migrate', async (context) => {
    const forget = context.guests!.source.qmp.onEvent(({ event, data }) => {
      if (event !== name || (status !== null && data['status'] !== status)) return;
      forget();
      acted = act(context);
      acted.catch(() => {});
    });
  });
}

bench.traceless('a key that is wrong on one side: the kernel that drops the packets says so', async (lab) => {
  const steps = stepsWith('capture', async (context) => {
    const state = context.channel!.addDestination.split('\n').find((line) => line.includes(' proto esp '))!;
    const [key = ''] = /0x[0-9a-f]{32,}/.exec(state) ?? [];
    const other = key.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    // A state's keys are for good: it must go first.
    const [name = ''] = /src \S+ dst \S+ proto esp spi \S+/.exec(state) ?? [];
    const input = `xfrm state del ${name}\n${state.replace(key, other)}\n`;
    await context.place.hosts.destination.run('ip', ['-batch', '-'], { input });
  });
  const failure = await failingRun(lab, { esp: 'aes128gcm16' }, { ...IMPATIENT, steps });
  assert.equal(failure.guestAt, 'source');
  assert.match(failure.message, /could not send anything to the destination/);
  assert.match(failure.message, /the guest runs at the source/);
  assert.match(
    failure.message,
    /kernel of the destination dropped packets: .*the keys of the two hosts differ/,
  );
});

bench.traceless('the link is cut in the middle: the guest goes on where it was', async (lab) => {
  const steps = stepsOnEvent('MIGRATION', 'active', () => lab.connectLink(false));
  const failure = await failingRun(lab, { ...SLOW, esp: 'aes128gcm16' }, { ...IMPATIENT, steps });
  await lab.connectLink(true);
  assert.equal(failure.guestAt, 'source');
  assert.match(failure.message, /the link is cut, or packets are dropped; the guest runs at the source/);
});

bench.traceless(
  'the link is cut when the guest has stopped: it goes on where it was, and nowhere else',
  async (lab) => {
    // The rest of memory and the devices' state take seconds at this rate.
    const slowLink = { link: '1Mbit', filled: '256KiB', workingSet: '64KiB' };
    const steps = stepsOnEvent('STOP', null, () => lab.connectLink(false));
    const failure = await failingRun(lab, slowLink, { ...IMPATIENT, steps });
    await lab.connectLink(true);
    assert.equal(failure.guestAt, 'source', failure.message);
  },
);

bench.traceless("the destination's QEMU is killed: the guest goes on where it was", async (lab) => {
  const steps = stepsOnEvent('MIGRATION', 'active', async ({ guests }) => {
    await lab.destination.run('kill', ['-s', 'KILL', String(guests!.destination.processId)]);
  });
  const failure = await failingRun(lab, SLOW, { steps });
  assert.equal(failure.guestAt, 'source');
  assert.match(failure.message, /QEMU at the source says that the migration failed/);
});

bench.traceless("the source's QEMU is killed: the report says that the guest is lost", async (lab) => {
  const steps = stepsOnEvent('MIGRATION', 'active', async ({ guests }) => {
    await lab.source.run('kill', ['-s', 'KILL', String(guests!.source.processId)]);
  });
  const failure = await failingRun(lab, SLOW, { steps });
  assert.equal(failure.guestAt, 'neither');
  assert.match(failure.message, /QEMU closed its QMP socket; the guest runs on neither host/);
});

bench.traceless('a guest too large for a host is refused before anything is done', async (lab) => {
  const place = labPlace(lab, null, 'ipv4');
  await assert.rejects(runMigration(labScenario({ memory: '8GiB' }), place, { journalFolder: journals }), {
    name: 'EnvironmentError',
    message: /source has \d+ MiB of memory left, the guest needs 8256 MiB: take a smaller guest/,
  });
});

bench.traceless(
  'an MTU that a device cannot carry, and a suite that Linux has not, are refused',
  async (lab) => {
    const place = labPlace(lab, null, 'ipv4');
    const run = (overrides: Overrides) =>
      runMigration(labScenario(overrides), place, { journalFolder: journals });
    await assert.rejects(run({ mtu: '16000' }), {
      name: 'EnvironmentError',
      message: /an MTU of at most 9216/,
    });
    await assert.rejects(run({ ah: 'aes128gmac' }), {
      name: 'EnvironmentError',
      message: /Linux has no aes128gmac/,
    });
  },
);

bench.traceless(
  'no room for the capture of the link: the run ends, and says which disk is full',
  async (lab) => {
    await withTinyDisk(async (captureTo) => {
      const failure = await failingRun(lab, SLOW, { captureTo });
      assert.equal(failure.guestAt, 'source');
      assert.match(failure.message, /capture .* cannot be written: no space left/);
    });
  },
);

bench.traceless('no room for what hosts capture: the same', async (lab) => {
  await withTinyDisk(async (captureTo) => {
    const scenario = labScenario(SLOW);
    const options = { journalFolder: journals, captureTo, fullCapture: true };
    await assert.rejects(runMigration(scenario, withoutLab(lab), options), (error: unknown) => {
      assert.ok(error instanceof RunFailure, String(error));
      assert.equal(error.guestAt, 'source');
      assert.match(error.message, /capture .* cannot be written: .*ENOSPC/);
      return true;
    });
  });
});

bench.traceless('an interruption in the middle undoes everything', async (lab) => {
  const controller = new AbortController();
  const reason = new Error('Ctrl-C');
  const steps = stepsOnEvent('MIGRATION', 'active', async () => controller.abort(reason));
  const scenario = labScenario({ ...SLOW, esp: 'aes128gcm16' });
  const options = { journalFolder: journals, steps, signal: controller.signal };
  await assert.rejects(runMigration(scenario, labPlace(lab, null, 'ipv4'), options), reason);
  await acted;
});

// The last one: afterwards there is no destination any more.
bench.test('a host that loses its power is told, with what could not be undone there', async (lab) => {
  const scenario = labScenario({ ...SLOW, esp: 'aes128gcm16' });
  const steps = stepsOnEvent('MIGRATION', 'active', () => lab.killMachine('destination'));
  const options = { ...IMPATIENT, journalFolder: journals, steps };
  await assert.rejects(runMigration(scenario, labPlace(lab, null, 'ipv4'), options), (error: unknown) => {
    assert.ok(error instanceof RunFailure, String(error));
    assert.equal(error.guestAt, 'source');
    assert.ok(error.leftovers.length > 0);
    assert.ok(error.leftovers.every(({ undo }) => undo.role === 'destination'));
    return true;
  });
  await acted;
  assert.equal(await runningGuests(lab.source), 0, 'what can be undone is');
  assert.equal((await lab.source.run('ip', ['xfrm', 'state'])).stdout, '');
  assert.equal(readdirSync(journals).length, 1, 'the rest stands in the journal');
});

/** As two hosts are that nobody can listen to from outside. */
function withoutLab(lab: Lab): RunPlace {
  const { lab: _, ...place } = labPlace(lab, null, 'ipv4');
  return place;
}

/** A disk of half a MiB for as long as `use` takes. Who may not mount one goes without this test. */
async function withTinyDisk(use: (path: string) => Promise<void>): Promise<void> {
  const path = join(folder, 'disk');
  mkdirSync(path);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tare-test', path]);
  try {
    if (status === 0) await use(path);
  } finally {
    // Whoever still has a file open there does not keep the folder.
    if (status === 0) spawnSync('umount', ['-l', path]);
    if (existsSync(path)) rmSync(path, { recursive: true });
  }
}
