import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelError } from '../../../../src/model/model-error.js';
import { dirtyGroups, dirtyPart, expectedDirtyPages } from '../../../../src/model/workload/dirty-group.js';

const FILLED = { first: 256, end: 1256 };
const KIB_400 = 100 * 4096;

test('random writes leave W (1 - exp(-r t / W)) different pages dirty', () => {
  const groups = dirtyGroups({ kind: 'uniform', pagesPerSecond: 100, workingSetBytes: KIB_400 }, FILLED);
  assert.ok(Math.abs(expectedDirtyPages(groups, 1) - 100 * (1 - Math.exp(-1))) < 1e-9);
});

test('sequential writes leave r t dirty, and all of the working set after a round', () => {
  const groups = dirtyGroups({ kind: 'sequential', pagesPerSecond: 50, workingSetBytes: KIB_400 }, FILLED);
  assert.equal(expectedDirtyPages(groups, 1), 50);
  assert.equal(expectedDirtyPages(groups, 3), 100);
});

test('a hot set is two groups next to each other, from the beginning of the filled part', () => {
  const groups = dirtyGroups(
    { kind: 'hot-set', pagesPerSecond: 100, workingSetBytes: KIB_400, hotShare: 0.1, hotWrites: 0.9 },
    FILLED,
  );
  assert.deepEqual(
    groups.map(({ first, end, writesPerSecond }) => [first, end, Math.round(writesPerSecond * 1e6) / 1e6]),
    [
      [256, 266, 9],
      [266, 356, 0.111111],
    ],
  );
});

test('a hot set that is all of the working set takes all writes', () => {
  const hot = {
    kind: 'hot-set',
    pagesPerSecond: 100,
    workingSetBytes: KIB_400,
    hotShare: 1,
    hotWrites: 0.9,
  } as const;
  const groups = dirtyGroups(hot, FILLED);
  assert.deepEqual(groups, [{ kind: 'random', first: 256, end: 356, writesPerSecond: 1 }]);
});

test('groups of a trace that are never written take their pages and are left out', () => {
  const groups = dirtyGroups(
    {
      kind: 'trace',
      groups: [
        { pages: 10, writesPerSecond: 1 },
        { pages: 20, writesPerSecond: 0 },
        { pages: 5, writesPerSecond: 3 },
      ],
    },
    FILLED,
  );
  assert.deepEqual(
    groups.map(({ first, end }) => [first, end]),
    [
      [256, 266],
      [286, 291],
    ],
  );
});

test('a trace may go beyond what was filled: that much is filled then', () => {
  const guest = {
    memoryBytes: 2 ** 24,
    filledBytes: 4096,
    workload: { kind: 'trace', groups: [{ pages: 100, writesPerSecond: 1 }] },
  } as const;
  assert.equal(dirtyPart(guest).filledBytes, KIB_400);
});

test('a working set that is empty or does not fit is refused', () => {
  const write = (workingSetBytes: number) => () =>
    dirtyGroups({ kind: 'uniform', pagesPerSecond: 1, workingSetBytes }, FILLED);
  assert.throws(write(0), ModelError);
  assert.throws(write(1001 * 4096), /1001 pages does not fit the guest's filled part of 1000/);
});
