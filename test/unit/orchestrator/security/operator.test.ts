import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { identifyOperator, type OperatorSources } from '../../../../src/orchestrator/security/operator.js';

const NAMES: Readonly<Record<number, string>> = { 0: 'root', 1000: 'alice', 1001: 'bob' };
const ROOT: OperatorSources = {
  userId: 0,
  loginId: '4294967295',
  env: {},
  nameOf: (id) => NAMES[id] ?? null,
};

function named(change: Partial<OperatorSources>): string {
  const { name, identifiedBy } = identifyOperator({ ...ROOT, ...change });
  return `${name} by ${identifiedBy}`;
}

test('the login of the session counts more than sudo, and that more than the user', () => {
  assert.equal(named({ loginId: '1000', env: { SUDO_UID: '1001' } }), 'alice by login');
  assert.equal(named({ env: { SUDO_UID: '1001', SUDO_USER: 'mallory' } }), 'bob by sudo');
  assert.equal(named({}), 'root by user');
  assert.equal(named({ userId: 1001, loginId: '' }), 'bob by user');
});

test('what anybody can write into his environment is believed of root alone', () => {
  assert.equal(named({ userId: 1001, env: { SUDO_UID: '1000' } }), 'bob by user');
});

test('ids that nobody has, and what is no id, are passed over', () => {
  assert.equal(named({ loginId: '77777' }), 'root by user');
  assert.equal(named({ env: { SUDO_UID: '-1' } }), 'root by user');
  assert.equal(named({ userId: 4242 }), 'uid 4242 by user');
});

test('here it is who `id` says, unless a login says more', () => {
  const operator = identifyOperator();
  if (operator.identifiedBy === 'user') {
    assert.equal(operator.name, execFileSync('id', ['-un'], { encoding: 'utf8' }).trim());
  } else if (operator.identifiedBy === 'login') {
    assert.equal(operator.userId, Number(readFileSync('/proc/self/loginuid', 'utf8')));
  }
});
