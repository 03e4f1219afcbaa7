import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal, readJournal } from '../../../../src/orchestrator/steps/journal.js';
import type { Step, UndoList } from '../../../../src/orchestrator/steps/step.js';
import { cleanUp, runSteps, StepError } from '../../../../src/orchestrator/steps/step-runner.js';
import { recordingHosts } from './recording-host.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-steps-'));
after(() => rmSync(folder, { recursive: true }));
const NEVER = new AbortController().signal;
const LOCAL = { source: { kind: 'local' }, destination: { kind: 'local' } } as const;

/** A step that notes what it does and registers one undo on each host. */
function step(name: string, log: string[], act: () => void = () => {}): Step<null> {
  return {
    name,
    title: `step ${name}`,
    async perform(_context: null, undo: UndoList) {
      for (const role of ['source', 'destination'] as const) {
        undo.register({ role, title: `undo ${name}`, program: `undo-${name}`, args: ['-x'], input: name });
      }
      log.push(name);
      act();
    },
  };
}

test('steps are carried out in order and undone in reverse, each on its host, with its input', async () => {
  const { hosts, runs } = recordingHosts();
  const log: string[] = [];
  const journal = new Journal(folder, LOCAL);
  const leftovers = await runSteps([step('a', log), step('b', log)], null, hosts, journal, NEVER);
  assert.deepEqual(leftovers, []);
  assert.deepEqual(log, ['a', 'b']);
  assert.deepEqual(
    runs.map(({ host, program, args, input }) => [host, program, ...args, input]),
    [
      ['destination', 'undo-b', '-x', 'b'],
      ['source', 'undo-b', '-x', 'b'],
      ['destination', 'undo-a', '-x', 'a'],
      ['source', 'undo-a', '-x', 'a'],
    ],
  );
  assert.ok(!existsSync(journal.path));
});

test('a step that fails is undone too, with all before it; none behind it begins', async () => {
  const { hosts, runs } = recordingHosts();
  const log: string[] = [];
  const journal = new Journal(folder, LOCAL);
  const cause = new Error('no such device');
  const failing = step('b', log, () => {
    throw cause;
  });
  await assert.rejects(runSteps([step('a', log), failing, step('c', log)], null, hosts, journal, NEVER), {
    name: 'StepError',
    message: 'b: no such device',
    step: 'b',
    cause,
    leftovers: [],
  });
  assert.deepEqual(log, ['a', 'b']);
  assert.deepEqual(programs(runs), ['undo-b', 'undo-b', 'undo-a', 'undo-a']);
  assert.ok(!existsSync(journal.path));
});

test('an interruption before a step undoes what was done', async () => {
  const { hosts, runs } = recordingHosts();
  const log: string[] = [];
  const journal = new Journal(folder, LOCAL);
  const controller = new AbortController();
  const interrupting = step('a', log, () => controller.abort(new Error('Ctrl-C')));
  await assert.rejects(
    runSteps([interrupting, step('b', log)], null, hosts, journal, controller.signal),
    (error: unknown) => error instanceof StepError && error.step === 'b' && /Ctrl-C/.test(error.message),
  );
  assert.deepEqual(log, ['a']);
  assert.deepEqual(programs(runs), ['undo-a', 'undo-a']);
});

test('an undo that cannot be carried out is told and stays in the journal; the others are tried', async () => {
  const { hosts, runs } = recordingHosts((program) => program === 'undo-b');
  const journal = new Journal(folder, LOCAL);
  const leftovers = await runSteps(
    [step('a', []), step('b', []), step('c', [])],
    null,
    hosts,
    journal,
    NEVER,
  );
  assert.deepEqual(
    leftovers.map(({ undo, message }) => [undo.title, message]),
    [
      ['undo b', 'destination: the connection broke'],
      ['undo b', 'source: the connection broke'],
    ],
  );
  assert.equal(programs(runs).length, 6);
  const content = readJournal(journal.path)!;
  assert.deepEqual(
    content.open.map(({ title, role }) => `${title} ${role}`),
    ['undo b destination', 'undo b source'],
  );

  const again = recordingHosts();
  assert.deepEqual(await cleanUp(content, again.hosts), []);
  assert.deepEqual(programs(again.runs), ['undo-b', 'undo-b']);
  assert.ok(!existsSync(content.path));
});

test('cleaning up keeps the journal while something cannot be undone', async () => {
  const journal = new Journal(folder, LOCAL);
  await assert.rejects(
    step('a', [], () => {
      throw new Error('killed here');
    }).perform(null, journal, NEVER),
  );
  const content = readJournal(journal.path)!;
  const broken = recordingHosts(() => true);
  assert.equal((await cleanUp(content, broken.hosts)).length, 2);
  assert.ok(existsSync(content.path));
  const whole = recordingHosts();
  assert.deepEqual(await cleanUp(content, whole.hosts), []);
  assert.ok(!existsSync(content.path));
});

test('who watches is told of each step and each undo', async () => {
  const told: string[] = [];
  const { hosts } = recordingHosts();
  await runSteps([step('a', []), step('b', [])], null, hosts, new Journal(folder, LOCAL), NEVER, {
    onStep: ({ title }, index, count) => told.push(`${title} ${index + 1}/${count}`),
    onUndo: ({ title, role }) => told.push(`${title} ${role}`),
  });
  assert.deepEqual(told, [
    'step a 1/2',
    'step b 2/2',
    'undo b destination',
    'undo b source',
    'undo a destination',
    'undo a source',
  ]);
});

test('no step begins whose undo could not be written', async () => {
  const { hosts } = recordingHosts();
  const journal = new Journal(folder, LOCAL);
  const full = { register: () => journal.register({ ...HUGE }) };
  assert.throws(() => full.register());
  const log: string[] = [];
  const acting: Step<null> = {
    name: 'a',
    title: 'a',
    async perform(_context, undo) {
      undo.register({ ...HUGE });
      log.push('acted');
    },
  };
  await assert.rejects(runSteps([acting], null, hosts, journal, NEVER), StepError);
  assert.deepEqual(log, []);
});

/** What no journal can hold. */
const HUGE = {
  role: 'source',
  title: 'x',
  program: 'x',
  args: [],
  get input(): string {
    throw new Error('cannot be written');
  },
} as const;

function programs(runs: readonly { program: string }[]): string[] {
  return runs.map(({ program }) => program);
}
