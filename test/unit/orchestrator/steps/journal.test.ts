import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  findJournals,
  Journal,
  JournalError,
  readJournal,
} from '../../../../src/orchestrator/steps/journal.js';
import { processMark } from '../../../../src/orchestrator/steps/process-mark.js';
import type { Undo } from '../../../../src/orchestrator/steps/step.js';
import { repoPath } from '../../../repo-root.js';

const parent = mkdtempSync(join(tmpdir(), 'tare-journal-'));
after(() => rmSync(parent, { recursive: true }));
let folders = 0;
const newFolder = () => join(parent, `runs-${folders++}`);
const HOSTS = { source: { kind: 'local' }, destination: { kind: 'ssh', destination: 'root@far' } } as const;

const undo = (title: string): Undo => ({ role: 'source', title, program: 'true', args: [title] });
const titles = (undos: readonly Undo[]) => undos.map(({ title }) => title);

test('what was registered is to be undone last first; what was settled no more', () => {
  const folder = newFolder();
  const journal = new Journal(folder, HOSTS);
  for (const title of ['a', 'b', 'c', 'd']) journal.register(undo(title));
  assert.deepEqual(titles(journal.pending), ['d', 'c', 'b', 'a']);
  journal.settle(journal.pending[0]!);
  journal.settle(journal.pending[1]!);
  assert.deepEqual(titles(journal.pending), ['c', 'a']);
  assert.deepEqual(titles(readJournal(journal.path)!.open), ['c', 'a']);
  journal.close();
  assert.ok(existsSync(journal.path), 'something is left to be undone');
});

test('nothing left to undo leaves no file', () => {
  const journal = new Journal(newFolder(), HOSTS);
  journal.register(undo('a'));
  journal.settle(journal.pending[0]!);
  journal.close();
  assert.ok(!existsSync(journal.path));
});

test('only its owner may read it', () => {
  const folder = newFolder();
  const journal = new Journal(folder, HOSTS);
  assert.equal(statSync(journal.path).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  journal.close();
});

test('a journal says how to reach the hosts again, and what to run there, to the byte', () => {
  const journal = new Journal(newFolder(), HOSTS);
  const given: Undo = {
    role: 'destination',
    title: 'line\nfeeds, "quotes" and \u0000',
    program: 'ip',
    args: ['', '\n', 'é', '{"undone":0}'],
    input: 'xfrm state del ...\n{"header":1}\n',
  };
  journal.register(given);
  const content = readJournal(journal.path)!;
  assert.deepEqual(content.header.hosts, HOSTS);
  assert.equal(content.header.runId, journal.runId);
  assert.deepEqual(content.open, [{ ...given, number: 0 }]);
  journal.settle(journal.pending[0]!);
  journal.close();
});

test('a torn last line is passed over, and spoils none that is written behind it', () => {
  const journal = new Journal(newFolder(), HOSTS);
  journal.register(undo('a'));
  appendFileSync(journal.path, '\n{"undo":{"number":1,"title":"to');
  assert.deepEqual(titles(readJournal(journal.path)!.open), ['a']);
  journal.register(undo('b'));
  assert.deepEqual(titles(readJournal(journal.path)!.open), ['b', 'a']);
  journal.close();
});

test('a journal whose header is torn says that nothing was done', () => {
  const journal = new Journal(newFolder(), HOSTS);
  const text = readFileSync(journal.path, 'utf8');
  journal.close();
  writeFileSync(journal.path, text.slice(0, 40));
  assert.equal(readJournal(journal.path), null);
});

test('journals of runs under way are left alone; those of dead processes are found, oldest first', () => {
  const folder = newFolder();
  const own = new Journal(folder, HOSTS);
  own.register(undo('mine'));
  assert.deepEqual(findJournals(folder), []);
  for (const name of ['first', 'second']) dieWithJournal(folder, name);
  const found = findJournals(folder);
  assert.deepEqual(
    found.map(({ open }) => titles(open)),
    [['first'], ['second']],
  );
  own.close();
});

test('a process that has the number of a dead one is not taken for it', () => {
  const folder = newFolder();
  const journal = new Journal(folder, HOSTS);
  journal.register(undo('a'));
  journal.close();
  const text = readFileSync(journal.path, 'utf8');
  const mark = processMark(process.pid);
  assert.ok(text.includes(mark));
  writeFileSync(journal.path, text.replace(mark, `${mark}0`));
  assert.equal(findJournals(folder).length, 1);
});

test('no folder of journals means no journals', () => {
  assert.deepEqual(findJournals(join(parent, 'never-made')), []);
});

test('a folder that cannot be made is an error before anything is done', () => {
  const file = join(parent, 'a-file');
  writeFileSync(file, '');
  assert.throws(
    () => new Journal(join(file, 'runs'), HOSTS),
    (error: unknown) => {
      assert.ok(error instanceof JournalError);
      assert.match(error.message, /cannot be written .*; nothing was done/);
      return true;
    },
  );
});

test('a full disk is an error of the registering, not of the undo that was registered before', (t) => {
  if (!existsSync('/dev/full')) return t.skip('there is no /dev/full');
  // Stands for a disk that fills up while a run goes on.
  const script = `
    import { Journal } from ${JSON.stringify(repoPath('dist/src/orchestrator/steps/journal.js'))};
    import { openSync } from 'node:fs';
    const journal = new Journal(process.argv[1], ${JSON.stringify(HOSTS)});
    journal.file = openSync('/dev/full', 'w');
    try { journal.register({ role: 'source', title: 'a', program: 'true', args: [] }); }
    catch (error) { console.log(error.name, journal.pending.length); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, newFolder()], {
    encoding: 'utf8',
  });
  assert.equal(stdout, 'JournalError 0\n', stderr);
});

/** Another process writes a journal and is killed. */
function dieWithJournal(folder: string, title: string): void {
  const script = `
    import { Journal } from ${JSON.stringify(repoPath('dist/src/orchestrator/steps/journal.js'))};
    const journal = new Journal(process.argv[1], ${JSON.stringify(HOSTS)});
    journal.register(${JSON.stringify(undo(title))});
    process.kill(process.pid, 'SIGKILL');`;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL', stderr);
}
