import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../../repo-root.js';
import { runTare, TARE, withFolder } from './run-tare.js';

test('--version prints that of package.json', () => {
  const { version } = JSON.parse(readFileSync(repoPath('package.json'), 'utf8')) as { version: string };
  assert.deepEqual(runTare(['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

for (const args of [
  ['--help'],
  ['analyze', '--help'],
  ['packets', '--help'],
  ['suites', '--help'],
  ['help', 'packets'],
]) {
  test(`tare ${args.join(' ')} shows examples`, () => {
    const { exitCode, stdout, stderr } = runTare(args);
    assert.equal(exitCode, 0);
    assert.match(stdout, /Examples:\n {2}\$ tare /);
    assert.equal(stderr, '');
  });
}

/** As the help of a program or command lists them, under any heading. */
function commandsIn(help: string): string[] {
  const listed = [...help.matchAll(/^ {2}([a-z]+)(?: [[<].*?)? {2,}[a-z]/gm)].map(([, name]) => name!);
  return listed.filter((name) => name !== 'help');
}

test('help of every command fits 80 columns', () => {
  const commands = commandsIn(runTare(['--help']).stdout);
  assert.equal(commands.length, 14, `${commands}`);
  const ofLab = commandsIn(runTare(['lab', '--help']).stdout).map((name) => ['lab', name]);
  for (const command of [[], ...commands.map((name) => [name]), ...ofLab]) {
    const { exitCode, stdout, stderr } = runTare([...command, '--help']);
    assert.deepEqual([exitCode, stderr], [0, ''], command.join(' '));
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, `${command.join(' ')}: ${line}`);
  }
});

test('commands without progress take --no-progress too, for scripts that give it to all', () => {
  for (const command of [['scenarios'], ['suites'], ['lab', 'status'], ['lab', 'down', '--all']]) {
    const env = { XDG_CACHE_HOME: '/nonexistent' };
    const { exitCode, stdout } = runTare([...command, '--no-progress'], { env });
    assert.equal(exitCode, 0, command.join(' '));
    assert.deepEqual(stdout, runTare(command, { env }).stdout);
  }
});

test('an error that a timer throws ends with 70 as any other defect does, not with the 1 of --fail-on', () =>
  withFolder((folder) => {
    const script = join(folder, 'fault.cjs');
    const thrower = "setTimeout(() => { throw new Error('of a timer'); }, 0)";
    writeFileSync(script, `process.on('newListener', (name) => { if (name === 'SIGTERM') ${thrower}; });`);
    const { exitCode, stderr } = runTare(['suites'], { env: { NODE_OPTIONS: `--require ${script}` } });
    assert.equal(exitCode, 70, stderr);
    assert.match(stderr, /^tare: this is a defect in tare: Error: of a timer/);
  }));

test('a mistyped command is answered with the right one', () => {
  const { exitCode, stdout, stderr } = runTare(['analize']);
  assert.equal(exitCode, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /Did you mean analyze\?/);
});

test('a mistyped option is answered with the right one', () => {
  const { exitCode, stderr } = runTare(['suites', '--jsn']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /^tare: unknown option '--jsn'\n\(Did you mean --json\?\)/);
});

test('wrong usage ends with 2', () => {
  for (const args of [
    [],
    ['analyze'],
    ['packets'],
    ['packets', 'a', 'b'],
    ['packets', 'a', '--csv', '--ndjson'],
    ['packets', 'a', '--range', '9-3'],
    ['analyze', 'a', '--workers', '0'],
    ['analyze', '-', '-'],
    ['analyze', '-', '--keys', '-'],
    ['analyze', 'a', '--write-esp-sa', 'b'],
    ['analyze', 'a', '--write-decrypted', 'b'],
    ['suites', 'surplus'],
  ]) {
    const { exitCode, stdout, stderr } = runTare(args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
  }
});

test('a value that an option does not take is answered with what it takes', () => {
  const { exitCode, stderr } = runTare(['analyze', 'a', '--workers', '0']);
  assert.equal(exitCode, 2);
  assert.match(
    stderr,
    /^tare: option '--workers <n>' argument '0' is invalid: give a number from 1 to 999\.\n/,
  );
});

test('output that finds no room is told in words', {
  skip: !existsSync('/dev/full') && 'no /dev/full here',
}, () => {
  const script = `'${process.execPath}' '${TARE}' suites > /dev/full`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [4, 'tare: cannot write to stdout: no space left on device\n']);
});

test('an unknown suite is answered with those it might be', () => {
  const { exitCode, stderr } = runTare(['packets', 'a.pcap', '--esp', 'aes128gmc16']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /^tare: --esp: .*aes128gcm16/);
});

test('a reader who has seen enough ends it quietly', () => {
  const pipeline = `'${process.execPath}' '${TARE}' packets '${repoPath('captures/migration/ms-gcm-1500.pcap')}'`;
  const script = `set -o pipefail; ${pipeline} 2>&1 | head -n 3; echo "\${PIPESTATUS[0]}"`;
  const lines = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.equal(lines[3], '0');
});

test('help of a mistyped command is no help of everything: the slip is told', () => {
  for (const flag of ['--help', '-h']) {
    const { exitCode, stdout, stderr } = runTare(['analize', flag]);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /Did you mean analyze\?/);
  }
});

test('a device given where a file of text belongs is not read to its end', () => {
  const capture = repoPath('captures/migration/ms-gcm-1500.pcap');
  for (const [args, says] of [
    [['predict', '/dev/zero'], /cannot read the scenario \/dev\/zero: it is too large/],
    [['analyze', capture, '--keys', '/dev/zero'], /cannot read keys from \/dev\/zero: it is too large/],
    [
      ['demo', '--from', capture, '--secret-file', '/dev/zero'],
      /cannot read secrets from \/dev\/zero: it is too/,
    ],
    [['validate', '--from', '/dev/zero'], /cannot read the validation \/dev\/zero: it is too large/],
    [['predict', '--calibration', '/dev/zero'], /\/dev\/zero: no calibration can be read/],
  ] as const) {
    const { exitCode, stdout, stderr } = runTare(args);
    assert.deepEqual([exitCode, stdout], [3, ''], stderr);
    assert.match(stderr, says);
  }
});
