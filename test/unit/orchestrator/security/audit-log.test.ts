import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AuditEvent, appendAudit } from '../../../../src/orchestrator/security/audit-log.js';
import { verifyAudit } from '../../../../src/orchestrator/security/verify-audit.js';
import { repoPath } from '../../../repo-root.js';

const folder = mkdtempSync(join(tmpdir(), 'tare-audit-'));
after(() => rmSync(folder, { recursive: true }));
let logs = 0;

function newLog(): string {
  return join(folder, String(logs++), 'audit.jsonl');
}

function started(run: string): AuditEvent {
  return {
    entry: 'started',
    run,
    operator: { name: 'alice', userId: 1000, identifiedBy: 'login' },
    machine: 'desk',
    guest: 'web',
    from: { name: 'alpha', at: 'ssh://root@alpha' },
    to: { name: 'beta', at: 'ssh://root@beta' },
    protection: 'esp aes128gcm16, transport',
    inventory: null,
  };
}

function ended(run: string): AuditEvent {
  return { entry: 'ended', run, outcome: 'migrated', reason: null, checks: [] };
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

/** The chain as docs/HOSTS.md checks it, without Tare. Prints the numbers of lines that do not follow. */
const CHECK = `
previous=$(printf '0%.0s' $(seq 64)); number=0
while IFS= read -r line; do
  number=$((number + 1))
  case $line in *'"previous":"'$previous'"'*) ;; *) echo $number ;; esac
  previous=$(printf '%s' "$line" | sha256sum | cut -c 1-64)
done <"$1"
`;

function brokenLines(path: string): string {
  return execFileSync('sh', ['-c', CHECK, 'sh', path], { encoding: 'utf8' }).split('\n').join(' ').trim();
}

test('each line holds the hash of the one before, as sha256sum has it, and is for its owner alone', async () => {
  const path = newLog();
  for (const run of ['a', 'b', 'c']) {
    appendAudit(path, started(run));
    appendAudit(path, ended(run));
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(linesOf(path).length, 6);
  assert.equal(brokenLines(path), '');
  const verdict = await verifyAudit(path);
  assert.deepEqual([verdict.lines, verdict.breaks, verdict.torn, verdict.unended], [6, [], [], []]);
  assert.deepEqual(verdict.outcomes, { migrated: 3 });
  const last = execFileSync('sh', ['-c', 'tail -n 1 "$1" | tr -d "\\n" | sha256sum', 'sh', path]);
  assert.equal(verdict.lastHash, String(last).slice(0, 64));
});

test('a line that was changed, taken out, put in or moved shows', async () => {
  const path = newLog();
  for (const run of ['a', 'b', 'c', 'd']) appendAudit(path, started(run));
  const lines = linesOf(path);
  const [a = '', b = '', c = '', d = ''] = lines;
  for (const [tampered, expected] of [
    [[a, b.replace('alice', 'mallory'), c, d], [3]],
    [[a, c, d], [2]],
    [[b, c, d], [1]],
    [[a, b, b, c, d], [3]],
    [
      [a, c, b, d],
      [2, 3, 4],
    ],
    [[a, 'garbage', c, d], [3]],
  ] as const) {
    writeFileSync(path, `${tampered.join('\n')}\n`);
    assert.deepEqual((await verifyAudit(path)).breaks, expected);
    assert.notEqual(brokenLines(path), '');
  }
});

test('a run that began and has no end is told, until it is cleaned up after', async () => {
  const path = newLog();
  appendAudit(path, started('killed'));
  appendAudit(path, started('well'));
  appendAudit(path, ended('well'));
  assert.deepEqual((await verifyAudit(path)).unended, ['killed']);
  const operator = { name: 'bob', userId: 1001, identifiedBy: 'user' } as const;
  appendAudit(path, { entry: 'cleaned-up', run: 'killed', operator, left: [] });
  const verdict = await verifyAudit(path);
  assert.deepEqual([verdict.unended, verdict.outcomes], [[], { migrated: 1, killed: 1 }]);
});

test('a torn line stays as it is, and the next one vouches for it', async () => {
  const path = newLog();
  appendAudit(path, started('a'));
  appendFileSync(path, '{"schema":"tare.au');
  appendAudit(path, started('b'));
  const verdict = await verifyAudit(path);
  assert.deepEqual([verdict.lines, verdict.torn, verdict.breaks], [3, [2], []]);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('tare.au\n', 'tare.xx\n'));
  assert.deepEqual((await verifyAudit(path)).breaks, [3]);
});

test('lines longer than what is read at once are chained as well', async () => {
  const path = newLog();
  const reason = 'x'.repeat(200_000);
  for (const run of ['a', 'b', 'c'])
    appendAudit(path, { entry: 'ended', run, outcome: 'failed', reason, checks: [] });
  assert.deepEqual((await verifyAudit(path)).breaks, []);
});

test('processes that write at the same time do not break the chain', async () => {
  const path = newLog();
  const script = `
    const { appendAudit } = await import(${JSON.stringify(repoPath('dist/src/orchestrator/security/audit-log.js'))});
    const operator = { name: 'a', userId: 1, identifiedBy: 'user' };
    for (let i = 0; i < 10; i++) appendAudit(${JSON.stringify(path)}, { entry: 'cleaned-up', run: String(i), operator, left: [] });`;
  const writers = [1, 2, 3, 4].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
  );
  await Promise.all(writers.map((writer) => once(writer, 'exit')));
  const verdict = await verifyAudit(path);
  assert.deepEqual([verdict.lines, verdict.breaks], [40, []]);
});

test('a log that cannot be written is an error that says so', () => {
  const path = newLog();
  appendAudit(path, started('a'));
  assert.throws(() => appendAudit(join(path, 'below'), started('b')), {
    name: 'AuditError',
    message: /cannot be written, and nothing goes unrecorded/,
  });
  assert.throws(() => appendAudit('/dev/full', started('b')), { name: 'AuditError' });
});
