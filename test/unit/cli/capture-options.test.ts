import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CaptureOptions, captureSettings } from '../../../src/cli/capture-options.js';
import { CliError, ExitCode } from '../../../src/cli/exit-code.js';
import { runTool } from '../../tool.js';
import { runTare, withFolder } from './run-tare.js';

const DEFAULTS: CaptureOptions = { snaplen: '262144', promiscuous: true, buffer: '32MiB' };
const settingsOf = (options: Partial<CaptureOptions>) => captureSettings({ ...DEFAULTS, ...options }, 'eth1');

test('amounts are taken with their units', () => {
  const settings = settingsOf({ write: 'a', ring: 'files=5,size=100MB', duration: '10min', buffer: '1GiB' });
  assert.deepEqual(settings.ring, { fileBytes: 100_000_000, files: 5 });
  assert.equal(settings.durationMs, 600_000);
  assert.equal(settings.bufferBytes, 2 ** 30);
  assert.deepEqual(settingsOf({ write: 'a', ring: 'size=2GiB' }).ring, { fileBytes: 2 ** 31, files: null });
  assert.equal(settingsOf({}).maxFrames, 0);
});

const REFUSED: readonly { options: Partial<CaptureOptions>; says: RegExp }[] = [
  { options: { ring: 'size=1MB' }, says: /--ring says how -w writes/ },
  { options: { write: 'a', ring: 'files=5' }, says: /--ring: write size=100MB,files=5/ },
  { options: { write: 'a', ring: 'size=1MB,size=2MB' }, says: /--ring: write/ },
  { options: { write: 'a', ring: 'size=1MB,hours=3' }, says: /--ring: write/ },
  { options: { write: 'a', ring: 'size=100' }, says: /--ring size 100: give at least 1000000 bytes/ },
  { options: { write: 'a', ring: 'size=1MB,files=0' }, says: /--ring files 0: give a whole number from 1/ },
  { options: { duration: '10' }, says: /--duration: '?"?10'?"? has no unit/ },
  { options: { duration: '9999h' }, says: /--duration 9999h: give a time/ },
  { options: { count: '0' }, says: /--count 0: give a whole number from 1/ },
  { options: { count: '1e3' }, says: /--count 1e3/ },
  { options: { snaplen: '10' }, says: /--snaplen 10: give a whole number from 64 to 262144/ },
  { options: { buffer: '3GiB' }, says: /--buffer 3GiB: give at most/ },
  { options: { buffer: '8Gbit' }, says: /--buffer: .*bits/ },
  { options: { write: '-' }, says: /-w -: standard output is for the report, .*tcpdump -i eth1 -U -w -/ },
  { options: { write: '-', ring: 'size=1MB' }, says: /-w -: standard output is for the report/ },
  { options: { write: '/dev/zero' }, says: /-w \/dev\/zero: it is no regular file/ },
  { options: { metrics: 'everywhere' }, says: /--metrics everywhere: give PORT or ADDRESS:PORT/ },
];

for (const { options, says } of REFUSED) {
  test(`${JSON.stringify(options)} is refused with what would do`, () => {
    const isUsage = (error: unknown) =>
      error instanceof CliError && error.exitCode === ExitCode.usage && says.test(error.message);
    assert.throws(() => settingsOf(options), isUsage);
  });
}

test('a pipe to write to is refused at once, where opening it would wait for a reader', () =>
  withFolder((folder) => {
    const pipe = join(folder, 'pipe');
    runTool('mkfifo', [pipe]);
    const run = runTare(['capture', '-i', 'lo', '-w', pipe]);
    assert.equal(run.exitCode, ExitCode.usage);
    assert.match(run.stderr, /pipe: it is no regular file, and packets are written to files only/);
  }));

test('keys are not overwritten with packets', () =>
  withFolder((folder) => {
    const keys = join(folder, 'sa.xfrm');
    writeFileSync(keys, '');
    const run = runTare(['capture', '-i', 'lo', '--keys', keys, '-w', keys]);
    assert.equal(run.exitCode, ExitCode.usage);
    assert.match(run.stderr, /-w .*sa\.xfrm: is an input too/);
  }));

test('packets may be written to nowhere', () => {
  assert.equal(settingsOf({ write: '/dev/null' }).file, '/dev/null');
});

test('all interfaces at once are never asked to take what is not theirs', () => {
  assert.equal(captureSettings(DEFAULTS, 'any').promiscuous, false);
  assert.equal(captureSettings(DEFAULTS, 'eth1').promiscuous, true);
});

test('tare capture --help names every option with its short form', () => {
  const { exitCode, stdout } = runTare(['capture', '--help']);
  assert.equal(exitCode, 0);
  for (const option of [
    '-i, --interface',
    '-f, --filter',
    '-w, --write',
    '-c, --count',
    '-s, --snaplen',
    '--ring',
  ]) {
    assert.ok(stdout.includes(option), option);
  }
});
