import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runTare, withFolder } from './run-tare.js';

test('the help says how long it takes, and what the file is for', () => {
  const { exitCode, stdout } = runTare(['calibrate', '--help']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /Takes some minutes/);
  assert.match(stdout, /tare predict office-vm --calibration \.\/ours\.json/);
});

test('suites that do not exist are refused before anything is started', () => {
  const wrong = runTare(['calibrate', '--esp', 'aes128gcm16,aes129gcm16']);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /--esp: .*aes129gcm16/);
  assert.match(runTare(['calibrate', '--ah', 'sha257']).stderr, /--ah: .*sha257/);
  assert.equal(runTare(['calibrate', '--esp', 'aes128gcm16,']).exitCode, 2);
});

test('hosts that no inventory lists are refused, the refusal is recorded, and nothing is written', () => {
  withFolder((folder) => {
    const file = join(folder, 'ours.json');
    const args = ['--source', 'local', '--destination', 'ssh://root@beta', '--device', 'eth1', '-w', file];
    const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder };
    const { exitCode, stderr } = runTare(['calibrate', ...args], { env });
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /inventory/);
    assert.ok(existsSync(join(folder, 'tare/audit.jsonl')));
    assert.ok(!existsSync(file));
  });
});

test('both ends on this machine cannot be calibrated: there is no IPsec between them', () => {
  assert.equal(runTare(['calibrate', '--local']).exitCode, 2);
});
