import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { identifyOperator } from '../../../src/orchestrator/security/operator.js';
import { type RunResult, runTare } from './run-tare.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-migrate-cli-'));
after(() => rmSync(folder, { recursive: true }));
const log = join(folder, 'state/tare/audit.jsonl');
const inventory = join(folder, 'config/tare/inventory.yaml');
// The command is run without what sudo may have told of whoever runs the tests.
delete process.env['SUDO_UID'];
const OPERATOR = identifyOperator().name;

beforeEach(() => {
  for (const each of ['state', 'config']) rmSync(join(folder, each), { recursive: true, force: true });
});

function tare(...args: string[]): RunResult {
  const env = { XDG_STATE_HOME: join(folder, 'state'), XDG_CONFIG_HOME: join(folder, 'config') };
  return runTare(['migrate', ...args], { env: { ...env, XDG_CACHE_HOME: folder } });
}

/** @param more lines */
function writeInventory(more = 'guests: { test-guest: { test: true } }', operator = OPERATOR): void {
  mkdirSync(join(folder, 'config/tare'), { recursive: true });
  const text = [
    'schema: tare.inventory/1',
    `operators: [${operator}]`,
    'hosts:',
    '  alpha: { at: ssh://root@alpha.invalid, device: eth1 }',
    '  beta: { at: ssh://root@beta.invalid, device: eth1 }',
    more,
  ];
  writeFileSync(inventory, `${text.join('\n')}\n`, { mode: 0o600 });
}

function auditLines(): Record<string, unknown>[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const HOSTS = ['--source', 'alpha', '--destination', 'beta'];

test('hosts of one’s own without an inventory are refused; what to write is shown, and works', () => {
  const places = ['--source', 'ssh://root@alpha.invalid', '--destination', 'ssh://root@beta.invalid'];
  const { exitCode, stderr } = tare(...places, '--device', 'eth1');
  assert.equal(exitCode, 4);
  assert.match(stderr, /refused: between hosts of your own only what an inventory lists is migrated/);
  assert.deepEqual(
    auditLines().map(({ entry, reason }) => [entry, String(reason).split(':')[0]]),
    [['refused', 'between hosts of your own only what an inventory lists is migrated, and there is none']],
  );
  const shown = stderr.split('\n').filter((line) => line.startsWith('    '));
  mkdirSync(join(folder, 'config/tare'), { recursive: true });
  writeFileSync(inventory, shown.map((line) => line.slice(4)).join('\n'));
  assert.match(tare(...HOSTS).stderr, /^tare: alpha: ssh does not reach it/);
});

test('--no-inventory goes on, and the log says that there was none', () => {
  const places = ['--source', 'ssh://root@alpha.invalid', '--destination', 'local', '--device', 'eth1'];
  const { exitCode, stderr } = tare('--no-inventory', ...places);
  assert.equal(exitCode, 4);
  assert.match(stderr, /root@alpha\.invalid: ssh does not reach it/);
  const [started, ended] = auditLines();
  assert.deepEqual([started!['entry'], started!['inventory']], ['started', null]);
  assert.deepEqual([ended!['outcome'], ended!['run']], ['failed', started!['run']]);
  assert.match(
    tare('--no-inventory', ...HOSTS, '--device', 'eth1').stderr,
    /names are those of an inventory/,
  );
});

test('an attempt that is listed is recorded with who, what, from where, to where, and how protected', () => {
  writeInventory();
  const { exitCode, stderr } = tare('lab-16mib', '--esp', 'aes128-sha256', '--ah', 'sha256', ...HOSTS);
  assert.equal(exitCode, 4);
  assert.match(stderr, /^tare: alpha: ssh does not reach it/);
  const [started, ended] = auditLines();
  const { operator, guest, from, to, protection } = started!;
  assert.equal((operator as { name: string }).name, OPERATOR);
  assert.deepEqual(
    [guest, from, to],
    [
      'test-guest',
      { name: 'alpha', at: 'ssh://root@alpha.invalid' },
      { name: 'beta', at: 'ssh://root@beta.invalid' },
    ],
  );
  assert.equal(protection, 'esp aes128-sha256 ah sha256, transport');
  assert.equal((started!['inventory'] as { path: string }).path, inventory);
  assert.match(String(ended!['reason']), /does not reach it/);
});

test('operators, hosts and guests that are not listed are refused with 4, and recorded', () => {
  writeInventory('', 'nobody-else');
  const { exitCode, stderr } = tare('--source', 'alpha', '--destination', 'gamma');
  assert.equal(exitCode, 4);
  assert.ok(
    stderr.includes(`operator ${OPERATOR} is not listed: add ${OPERATOR} to operators in ${inventory}`),
  );
  assert.match(stderr, /host gamma is not listed \(but alpha, beta\)/);
  assert.match(stderr, /Tare's test guest is not listed: add test-guest: \{ test: true \} to guests/);
  assert.equal(auditLines()[0]!['entry'], 'refused');
});

test('an inventory that is broken ends with 3, one that is not to be with 2', () => {
  writeInventory('guests: 7');
  const broken = tare(...HOSTS);
  assert.equal(broken.exitCode, 3);
  assert.ok(broken.stderr.includes(`${inventory}:6:9: guests: write`), broken.stderr);
  assert.equal(tare('--inventory', join(folder, 'missing.yaml'), ...HOSTS).exitCode, 3);
  const forLab = tare('--inventory', inventory, '--lab', 'x');
  assert.deepEqual([forLab.exitCode, /laboratory is made for its run/.test(forLab.stderr)], [2, true]);
});

test('what cannot be recorded is not done', () => {
  mkdirSync(join(folder, 'state/tare/audit.jsonl'), { recursive: true });
  writeInventory();
  const { exitCode, stderr } = tare(...HOSTS);
  assert.equal(exitCode, 4);
  assert.match(stderr, /audit log .* cannot be written, and nothing goes unrecorded/);
});

test('a log that somebody has changed does not pass', () => {
  writeInventory();
  tare(...HOSTS);
  const whole = tare('--verify-audit');
  assert.equal(whole.exitCode, 0);
  assert.match(whole.stdout, /audit\.jsonl: 2 lines; 1 failed\.\nSHA-256 of the last line: [0-9a-f]{64}\n$/);
  writeFileSync(log, readFileSync(log, 'utf8').replace('alpha.invalid', 'omega.invalid'));
  const changed = tare('--verify-audit', log);
  assert.equal(changed.exitCode, 3);
  assert.match(changed.stderr, /is not as it was written: line 2 does not follow the line before/);
  assert.equal(tare('--verify-audit', join(folder, 'none')).exitCode, 3);
});

test('where attempts are recorded the inventory may say', () => {
  const own = join(folder, 'state/own.jsonl');
  writeInventory(`guests: { test-guest: { test: true } }\nauditLog: ${own}`);
  tare(...HOSTS);
  assert.equal(readFileSync(own, 'utf8').split('\n').length, 3);
  assert.match(tare('--verify-audit').stdout, /own\.jsonl: 2 lines/);
});
