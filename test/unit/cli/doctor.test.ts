import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, PURPOSES, usableFor } from '../../../src/orchestrator/lab/examine-machine.js';
import { findTool } from '../../tool.js';
import { runTare } from './run-tare.js';

interface Report {
  readonly schema: string;
  readonly usableFor: string[];
  readonly findings: Finding[];
}

const finding = (state: Finding['state'], neededFor: Finding['neededFor']): Finding => ({
  name: 'it',
  state,
  found: '',
  neededFor,
  remedy: '',
});

test('what is missing stands in the way of what needs it, and of nothing else', () => {
  assert.deepEqual(usableFor([]), [...PURPOSES]);
  assert.deepEqual(usableFor([finding('missing', ['lab', 'ssh']), finding('ok', ['local'])]), [
    'analyze',
    'capture',
    'local',
  ]);
  assert.deepEqual(usableFor([finding('optional', ['lab'])]), [...PURPOSES]);
});

test('tare doctor tells what is installed, and how to get what is not', () => {
  const { exitCode, stdout } = runTare(['doctor', '--json']);
  const report = JSON.parse(stdout) as Report;
  assert.equal(exitCode, 0);
  assert.equal(report.schema, 'tare.doctor/1');
  assert.ok(report.usableFor.includes('analyze'));
  const byName = new Map(report.findings.map((each) => [each.name, each]));
  assert.equal(byName.get('Node')?.found, process.versions.node);
  for (const tool of ['tcpdump', 'ssh', 'qemu-system-x86_64', 'ip']) {
    assert.equal(byName.get(tool)?.state === 'ok', findTool(tool) !== undefined, tool);
  }
  for (const { name, state, remedy } of report.findings) assert.equal(remedy === '', state === 'ok', name);
});

test('tare doctor says in a line for each purpose whether all is there', () => {
  const { stdout } = runTare(['doctor']);
  const lines = stdout.split('\n').slice(0, PURPOSES.length);
  for (const line of lines) assert.match(line, /^(ready|not ready) {2,}\S/);
  assert.match(lines[0] ?? '', /^ready +analyze, plan, predict$/);
});

test('tare doctor says what live capture lacks', () => {
  const { stdout } = runTare(['doctor', '--json'], { env: { TARE_LIBPCAP: '/nowhere/libpcap.so.1' } });
  const report = JSON.parse(stdout) as Report;
  assert.ok(!report.usableFor.includes('capture'));
  const byName = new Map(report.findings.map((each) => [each.name, each]));
  assert.match(byName.get('addon and libpcap')?.remedy ?? '', /apt-get install (libpcap0\.8|g\+\+)/);
});
