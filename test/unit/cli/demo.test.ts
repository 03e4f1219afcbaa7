import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Exposure } from '../../../src/exposure/exposure.js';
import { repoPath } from '../../repo-root.js';
import { runTare, withFolder } from './run-tare.js';

const CLEAR = repoPath('captures/memory/single.pcap.gz');
const ESP = repoPath('captures/migration/ms-gcm-1500.pcap');
const KEYS = repoPath('captures/migration/ms-gcm-1500.xfrm');
const PLANTED = 'tulip-anchor-93-velvet';
const ACCESS_KEY = 'AKIA2TAREPLANTEDKEY7';

function withSecrets<Result>(body: (folder: string, secrets: string) => Result): Result {
  return withFolder((folder) => {
    const path = join(folder, 'secrets.txt');
    writeFileSync(path, `${PLANTED}\n${ACCESS_KEY}\n`, { mode: 0o600 });
    return body(folder, path);
  });
}

test('what was recovered is masked in text, JSON and page, and shown on request', () => {
  withSecrets((folder, secrets) => {
    const html = join(folder, 'page.html');
    const args = ['demo', '--from', CLEAR, '--secret-file', secrets, '--html', html];
    for (const format of [[], ['--json']]) {
      const masked = runTare([...args, ...format]);
      assert.equal(masked.exitCode, 0, masked.stderr);
      assert.match(masked.stderr, /--show-secrets shows it/);
      for (const text of [masked.stdout, masked.stderr, readFileSync(html, 'utf8')]) {
        assert.ok(!text.includes('tulip') && !text.includes(ACCESS_KEY.slice(4)));
      }
      assert.equal(statSync(html).mode & 0o044, 0o044 & ~process.umask());
      const shown = runTare([...args, ...format, '--show-secrets']);
      assert.equal(statSync(html).mode & 0o777, 0o600, 'secrets are for the owner alone');
      for (const text of [shown.stdout, readFileSync(html, 'utf8')]) {
        assert.ok(text.includes(PLANTED) && text.includes(ACCESS_KEY));
      }
    }
  });
});

test('two captures are compared, and keys open only what they are for', () => {
  const run = runTare(['demo', '--from', CLEAR, ESP, '--keys', KEYS, '--json']);
  assert.equal(run.exitCode, 0, run.stderr);
  const { schema, captures } = JSON.parse(run.stdout) as Exposure;
  assert.equal(schema, 'tare.exposure/1');
  assert.deepEqual(
    captures.map(({ name, eavesdropper, keyHolder }) => [
      name,
      eavesdropper.memories.length,
      keyHolder?.memories.length,
    ]),
    [
      [CLEAR, 1, undefined],
      [ESP, 0, 1],
    ],
  );
});

test('the memory image is whole, for its owner alone, and nothing else is left', () => {
  withFolder((folder) => {
    const image = join(folder, 'guest.img');
    const run = runTare(['demo', '--from', CLEAR, '--write-memory', image], { env: { TMPDIR: folder } });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stderr, /guest\.img: pc\.ram, 8388608 bytes, 8388608 of them known/);
    const { size, mode, blocks } = statSync(image);
    assert.deepEqual([size, mode & 0o777], [8 << 20, 0o600]);
    assert.ok(blocks * 512 < 4 << 20, 'zero pages take no room');
    assert.deepEqual(readdirSync(folder), ['guest.img']);
  });
});

test('of what stays closed no memory image is written', () => {
  withFolder((folder) => {
    const run = runTare(['demo', '--from', ESP, '--write-memory', join(folder, 'guest.img')]);
    assert.equal(run.exitCode, 0);
    assert.doesNotMatch(run.stderr, /masked/, 'nothing was recovered');
    assert.match(run.stderr, /guest\.img: not written, because no memory could be rebuilt/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('a capture that breaks off is shown as far as it goes, and ends with 3', () => {
  withFolder((folder) => {
    const path = join(folder, 'cut.pcap');
    writeFileSync(path, readFileSync(ESP).subarray(0, 100_001));
    const run = runTare(['demo', '--from', path]);
    assert.equal(run.exitCode, 3);
    assert.match(run.stderr, /cut\.pcap/);
    assert.match(run.stdout, /An eavesdropper gets nothing/);
  });
});

test('wrong usage and unusable inputs are told, without giving a secret away', () => {
  withSecrets((folder, secrets) => {
    const short = join(folder, 'short.txt');
    writeFileSync(short, 'abc\n');
    const cases: [string[], number, RegExp][] = [
      [['--keys', KEYS], 2, /--keys is for captures: give --from/],
      [['--secret-file', secrets], 2, /--secret-file is for captures/],
      [['--from', CLEAR, '--lab', 'x'], 2, /--lab or --from/],
      [['--from', CLEAR, CLEAR, CLEAR, CLEAR], 2, /up to 3 captures/],
      [['--from', '-', '--keys', KEYS], 2, /read twice/],
      [['--from', CLEAR, '--html', CLEAR], 2, /is an input too/],
      [['--from', join(folder, 'missing.pcap')], 3, /no such file/],
      [['--from', CLEAR, '--secret-file', join(folder, 'missing')], 3, /cannot read secrets/],
      [['--from', CLEAR, '--secret-file', short], 3, /short\.txt:1: a secret has 6 to 256 bytes/],
      [['--from', CLEAR, '--write-memory', '/nonexistent/guest.img'], 4, /cannot write/],
    ];
    for (const [args, exitCode, message] of cases) {
      const run = runTare(['demo', ...args]);
      assert.equal(run.exitCode, exitCode, `${args.join(' ')}: ${run.stderr}`);
      assert.match(run.stderr, message);
      assert.ok(!/abc|tulip/.test(run.stderr.replaceAll(folder, '')));
    }
  });
});
