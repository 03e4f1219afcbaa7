import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileErrorText } from '../../../src/cli/file-error.js';
import { repoPath } from '../../repo-root.js';
import { runTare, withFolder } from './run-tare.js';

const CAPTURE = repoPath('captures/ipsec/t4-gcm16.pcap');
/** Node's own words: `ENOENT: no such file or directory, open '...'`. */
const RAW = /\bE[A-Z]{3,}\b|, (open|read|stat|mkdir|rename)\b/;

/** Each with a file that is missing, and with a folder. */
const READERS: readonly (readonly [args: (path: string) => string[], exitCode: number])[] = [
  [(path) => ['predict', path], 3],
  [(path) => ['sweep', path, '--grid', 'mtu=1500'], 3],
  [(path) => ['predict', 'idle', '--calibration', path], 3],
  [(path) => ['predict', 'idle', '--calibration', path, '--level', 'packet'], 3],
  [(path) => ['sweep', 'idle', '--grid', `calibration=${path}`], 3],
  [(path) => ['analyze', path], 3],
  [(path) => ['packets', path], 3],
  [(path) => ['plan', '--from', path, '--mtu', '1500'], 3],
  [(path) => ['analyze', CAPTURE, '--keys', path], 3],
  [(path) => ['validate', '--from', path], 3],
  [(path) => ['migrate', '--verify-audit', path], 3],
  [(path) => ['migrate', '--source', 'alpha', '--destination', 'beta', '--inventory', path], 3],
];

test('a file that is missing, or is a folder, is named and told in words', () => {
  withFolder((folder) => {
    const missing = join(folder, 'missing.json');
    const taken = join(folder, 'folder.json');
    mkdirSync(taken);
    for (const [args, expected] of READERS) {
      for (const path of [missing, taken]) {
        const { exitCode, stderr } = runTare(args(path));
        assert.equal(exitCode, expected, `${args(path).join(' ')}: ${stderr}`);
        assert.ok(stderr.includes(path), stderr);
        assert.doesNotMatch(stderr.replaceAll(path, ''), RAW);
      }
    }
  });
});

test('an output that cannot be written is told under its own name', () => {
  withFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const outputs = [join(folder, 'no', 'report.html'), folder, join(file, 'report.html')];
    for (const path of outputs) {
      const { exitCode, stderr } = runTare(['plan', '--html', path]);
      assert.equal(exitCode, 4, stderr);
      const [, reason = ''] = stderr.split(`cannot write ${path}: `);
      assert.match(reason, /^(no such file or directory|it is a directory|not a directory)\n$/);
    }
  });
});

test('what is no error of the system is told as it is', () => {
  assert.equal(fileErrorText(new Error('it is too large')), 'it is too large');
  assert.equal(fileErrorText('odd'), 'odd');
});
