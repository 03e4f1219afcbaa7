import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repoPath } from '../../repo-root.js';
import { runTare } from './run-tare.js';

const REPLAY = repoPath('captures/suspicious/replay.pcap');
const CONTROL = repoPath('captures/suspicious/control-ikev2.pcap');

function analyze(path: string, ...options: string[]): ReturnType<typeof runTare> {
  return runTare(['analyze', path, '--workers', '1', ...options]);
}

test('--fail-on ends with 1 behind the whole report, and says on stderr why', () => {
  const { exitCode, stdout, stderr } = analyze(REPLAY, '--fail-on', 'medium', '--json');
  assert.equal(exitCode, 1);
  assert.equal(JSON.parse(stdout).findings[0].id, 'replayed-packets');
  assert.match(stderr, /--fail-on medium: .* high, replayed-packets/);
});

test('without --fail-on, or with nothing that severe, a finding is no failure', () => {
  assert.equal(analyze(REPLAY).exitCode, 0);
  assert.equal(analyze(CONTROL, '--fail-on', 'info').exitCode, 0);
});

test('a severity that is none is wrong usage', () => {
  const { exitCode, stderr } = analyze(CONTROL, '--fail-on', 'critical');
  assert.equal(exitCode, 2);
  assert.match(stderr, /Allowed choices are info, low, medium, high/);
});
