import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal, readJournal } from '../../src/orchestrator/steps/journal.js';
import type { Undo } from '../../src/orchestrator/steps/step.js';
import { cleanUp } from '../../src/orchestrator/steps/step-runner.js';
import fc from '../fast-check.js';
import { recordingHosts } from '../unit/orchestrator/steps/recording-host.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-journal-property-'));
after(() => rmSync(folder, { recursive: true }));
const LOCAL = { source: { kind: 'local' }, destination: { kind: 'local' } } as const;

const TEXT = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '"', '\\', '{', '}', '\u0000'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});
const UNDO: fc.Arbitrary<Undo> = fc.record({
  role: fc.constantFrom('source' as const, 'destination' as const),
  title: TEXT,
  program: TEXT,
  args: fc.array(TEXT, { maxLength: 3 }),
  input: TEXT,
});
/** Registering is an undo; settling says which of those pending. */
const ACTIONS = fc.array(fc.oneof({ weight: 2, arbitrary: UNDO }, { weight: 1, arbitrary: fc.nat() }), {
  maxLength: 12,
});

test('whatever part of a journal is on disk, exactly what was registered by then and not undone is undone, last first', async () => {
  await fc.assert(
    fc.asyncProperty(ACTIONS, fc.double({ min: 0, max: 1, noNaN: true }), async (actions, share) => {
      const { path, text, states } = write(actions);
      const cut = Math.round(share * text.length);
      writeFileSync(path, text.subarray(0, cut));
      // The last state whose bytes are all there, but for the line feed at its end.
      const expected = states.filter(({ bytes }) => bytes - 1 <= cut).at(-1)?.pending ?? null;
      const content = readJournal(path);
      assert.equal(content === null, expected === null);
      if (content === null || expected === null) return;
      const { hosts, runs } = recordingHosts();
      assert.deepEqual(await cleanUp(content, hosts), []);
      assert.deepEqual(
        runs.map(({ host, program, args, input }) => ({ role: host, program, args, input })),
        expected.map(({ role, program, args, input }) => ({ role, program, args, input })),
      );
      assert.ok(!existsSync(path));
    }),
    { numRuns: 300 },
  );
});

/** @returns the file, and after each line how long it was and what was pending */
function write(actions: readonly (Undo | number)[]): {
  path: string;
  text: Buffer;
  states: { bytes: number; pending: Undo[] }[];
} {
  const journal = new Journal(folder, LOCAL);
  const states = [{ bytes: readFileSync(journal.path).length, pending: [] as Undo[] }];
  let pending: Undo[] = [];
  for (const action of actions) {
    if (typeof action !== 'number') {
      journal.register(action);
      pending = [action, ...pending];
    } else if (pending.length > 0) {
      const index = action % pending.length;
      journal.settle(journal.pending[index]!);
      pending = pending.toSpliced(index, 1);
    }
    states.push({ bytes: readFileSync(journal.path).length, pending });
  }
  const { path } = journal;
  const text = readFileSync(path);
  journal.close();
  return { path, text, states };
}
