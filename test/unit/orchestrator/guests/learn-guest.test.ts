import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratesOfSyncs } from '../../../../src/orchestrator/guests/learn-guest.js';

const sync = (atMs: number, remainingBefore: number, remaining: number) => ({
  atMs,
  count: 1,
  normalPages: 0,
  zeroPages: 0,
  transferred: 0,
  remainingBefore,
  remaining,
});

test('pages that a synchronisation finds written were written since the one before', () => {
  const syncs = [sync(0, 0, 4096 * 1000), sync(2000, 4096 * 10, 4096 * 170), sync(2500, 0, 4096 * 40)];
  assert.deepEqual(ratesOfSyncs(syncs), [80, 80]);
});

test('rates over moments are not believed, and nothing is written backwards', () => {
  assert.deepEqual(ratesOfSyncs([sync(0, 0, 0), sync(10, 0, 4096 * 500), sync(1000, 4096, 0)]), [0, 0]);
});
