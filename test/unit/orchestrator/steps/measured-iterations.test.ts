import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMigrationStatus } from '../../../../src/orchestrator/qemu/migration-status.js';
import type { MigrationAccount, SyncRecord } from '../../../../src/orchestrator/qemu/migration-watch.js';
import {
  iterationsFromQemu,
  iterationsOnWire,
} from '../../../../src/orchestrator/steps/measured-iterations.js';
import type { IterationResult } from '../../../../src/result/run-result.js';

const PAGE = 4096;

/** As QEMU 7.2 answered at the end of a migration that ended within its first pass. */
const COMPLETED = {
  status: 'completed',
  'total-time': 2772,
  downtime: 116,
  ram: {
    transferred: 8_957_316,
    remaining: 0,
    total: 17_973_248,
    duplicate: 2065,
    normal: 2178,
    'dirty-sync-count': 3,
    'page-size': PAGE,
    'downtime-bytes': 2_873_000,
  },
};

function accountOf(answer: object, syncs: readonly SyncRecord[], endedMs: number): MigrationAccount {
  const final = parseMigrationStatus(answer);
  const outcome = final.status === 'completed' ? 'completed' : 'timed-out';
  return { outcome, final, syncs, polls: 60, startedMs: 0, endedMs, setup: null, stop: null };
}

function sync(
  atMs: number,
  count: number,
  normalPages: number,
  changes: Partial<SyncRecord> = {},
): SyncRecord {
  const transferred = normalPages * (PAGE + 8);
  return {
    atMs,
    count,
    normalPages,
    zeroPages: 0,
    transferred,
    remainingBefore: 0,
    remaining: 0,
    ...changes,
  };
}

function sums(iterations: readonly IterationResult[]): number[] {
  const sum = (of: (iteration: IterationResult) => number) =>
    iterations.reduce((total, iteration) => total + of(iteration), 0);
  return [sum(({ pages }) => pages), sum(({ zeroPages }) => zeroPages), sum(({ bytes }) => bytes)];
}

test('what QEMU sent while the guest stood still has a row of its own, even within the first pass', () => {
  const late = sync(2770, 3, 2178, { zeroPages: 2065, transferred: 8_957_316 });
  const account = accountOf(COMPLETED, [sync(30, 1, 0), late], 2800);
  const iterations = iterationsFromQemu(account);
  assert.equal(iterations.length, 2);
  const [first, stopped] = iterations;
  assert.deepEqual([first!.startMs, first!.durationMs, stopped!.durationMs], [0, 2656, 116]);
  assert.equal(stopped!.bytes, 2_873_000);
  assert.equal(stopped!.pages, 700);
  assert.equal(first!.remainingPages, stopped!.pages);
  assert.deepEqual(sums(iterations), [2178, 2065, 8_957_316]);
});

test('passes between synchronisations that were seen keep their rows', () => {
  const syncs = [sync(30, 1, 0), sync(1500, 2, 1200, { remainingBefore: PAGE }), sync(2400, 3, 1400)];
  const iterations = iterationsFromQemu(accountOf(COMPLETED, syncs, 2772));
  assert.deepEqual(
    iterations.map(({ startMs }) => startMs),
    [0, 1500, 2400, 2656],
  );
  assert.equal(iterations[0]!.remainingPages, 1);
  assert.deepEqual(sums(iterations), [2178, 2065, 8_957_316]);
});

test('a version of QEMU that does not tell what it sent at the end has rows from what was seen alone', () => {
  const { 'downtime-bytes': _, ...ram } = COMPLETED.ram;
  const iterations = iterationsFromQemu(accountOf({ ...COMPLETED, ram }, [sync(30, 1, 0)], 2772));
  assert.equal(iterations.length, 1);
  assert.deepEqual(sums(iterations), [2178, 2065, 8_957_316]);
});

const MS = 1_000_000n;

function onWire(index: number, startMs: number, durationMs: number, pages: number, resent: number) {
  return {
    index,
    stage: 'precopy' as const,
    startNs: String(BigInt(startMs) * MS),
    durationNs: durationMs * 1e6,
    normalPages: pages,
    zeroPages: 0,
    xbzrlePages: 0,
    compressedPages: 0,
    resentPages: resent,
    resentFromPrevious: resent,
    bytes: pages * (PAGE + 8),
    sections: 1,
    nameBytes: 7,
    multifdPackets: 0,
    repeatedPages: 0,
  };
}

test('what a pass left is what the next one sends beside what was written to, whatever QEMU was last seen to say', () => {
  // 806 of 2178 pages had been sent when the guest was stopped; 10 of them were written to.
  const wire = { startNs: '0', iterations: [onWire(0, 41, 436, 806, 0), onWire(1, 478, 272, 1382, 10)] };
  const stale = accountOf(
    COMPLETED,
    [sync(30, 1, 0), sync(470, 2, 800, { remainingBefore: 1500 * PAGE })],
    2772,
  );
  const [first, last] = iterationsOnWire(wire, stale, 2772);
  assert.equal(first!.remainingPages, 1372);
  assert.equal(last!.remainingPages, 0);
  const unseen = accountOf(COMPLETED, [sync(30, 1, 0)], 2772);
  assert.equal(iterationsOnWire(wire, unseen, 2772)[0]!.remainingPages, 1372);
});

test('a pass that the time limit broke off lasts until then, and leaves what QEMU says', () => {
  const answer = { status: 'active', ram: { ...COMPLETED.ram, remaining: 300 * PAGE } };
  const wire = { startNs: '0', iterations: [onWire(0, 0, 7900, 1800, 0), onWire(1, 7900, 5, 25, 25)] };
  const iterations = iterationsOnWire(wire, accountOf(answer, [], 8050), 8050);
  assert.deepEqual(
    iterations.map(({ durationMs, remainingPages }) => [durationMs, remainingPages]),
    [
      [7900, 0],
      [150, 300],
    ],
  );
});
