import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { processMark } from '../../../src/orchestrator/steps/process-mark.js';
import { type RunResult, runTare } from './run-tare.js';

/** Where no lab was ever set up. */
const cache = mkdtempSync(join(tmpdir(), 'tare-lab-cli-'));
const runs = join(cache, 'tare/lab/run');
after(() => rmSync(cache, { recursive: true }));

function tare(...args: string[]): RunResult {
  return runTare(['lab', ...args], { env: { XDG_CACHE_HOME: cache } });
}

function makeLab(name: string, supervisor: object, record: object | null): void {
  mkdirSync(join(runs, name), { recursive: true });
  writeFileSync(join(runs, name, 'supervisor.json'), JSON.stringify(supervisor));
  if (record !== null) writeFileSync(join(runs, name, 'lab.json'), JSON.stringify(record));
}

test('without a lab there is nothing to show, to end or to log in to', () => {
  assert.equal(tare('status').stdout, 'No lab is running. tare lab up starts one.\n');
  assert.deepEqual(JSON.parse(tare('status', '--json').stdout), { schema: 'tare.labs/1', labs: [] });
  const down = tare('down');
  assert.deepEqual(
    [down.exitCode, down.stderr],
    [3, 'tare: there is no lab named default: tare lab up starts one\n'],
  );
  assert.equal(tare('down', '--all').stdout, 'No lab was running.\n');
  assert.equal(tare('shell', 'source').exitCode, 3);
});

test('what makes no sense is refused with the option and what would', () => {
  for (const [args, said] of [
    [['up', '--mtu', '100'], /--mtu 100: write whole bytes from 576 to 9216/],
    [['up', '--mtu', '1500.5'], /--mtu/],
    [['up', '--link', '1GB'], /--link: /],
    [['up', '--rtt', '200'], /--rtt: /],
    [['up', '--loss', '101%'], /--loss: /],
    [['up', '--memory', '64MiB'], /--memory 64MiB: a machine needs 256MiB/],
    [['shell', 'middle'], /"middle" is no machine of a lab: source or destination/],
  ] as const) {
    const { exitCode, stderr } = tare(...args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.match(stderr, said);
  }
});

test('a lab that was never set up says how', () => {
  const { exitCode, stderr } = tare('up');
  assert.equal(exitCode, 4);
  assert.match(stderr, /^tare: the lab lacks .*: run tare lab setup/);
});

test('a lab whose supervisor lives is listed; of one whose supervisor died, the folder is removed', () => {
  const here = { pid: process.pid, mark: processMark(process.pid) };
  makeLab('alive', here, null);
  makeLab('dead', { pid: process.pid, mark: `${here.mark}0` }, null);
  const { labs } = JSON.parse(tare('status', '--json').stdout) as { labs: object[] };
  assert.deepEqual(labs, [{ name: 'alive', state: 'starting', supervisorPid: process.pid }]);
  assert.deepEqual(readdirSync(runs), ['alive']);
  const shell = tare('shell', 'source', '--name', 'alive');
  assert.deepEqual([shell.exitCode, shell.stderr], [4, 'tare: the lab alive is still starting\n']);
  assert.match(tare('down').stderr, /there is no lab named default: there is alive/);
  rmSync(runs, { recursive: true });
});
