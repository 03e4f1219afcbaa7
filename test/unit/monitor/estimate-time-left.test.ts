import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationProgress } from '../../../src/migration/migration-progress.js';
import type { MigrationIteration, MigrationRecord } from '../../../src/migration/migration-record.js';
import { estimateTimeLeft } from '../../../src/monitor/estimate-time-left.js';

/** An ideal migration: each pass sends `factor` times the bytes of the one before, at one rate, evenly over memory. */
interface Ideal {
  readonly firstSeconds: number;
  readonly factor: number;
}

const RATE = 1e9;

/** What is seen of it `atSeconds` after it began. */
function seenAt({ firstSeconds, factor }: Ideal, atSeconds: number): MigrationProgress {
  const iterations: MigrationIteration[] = [];
  let start = 0;
  let share = 0;
  for (let seconds = firstSeconds; start <= atSeconds; seconds *= factor) {
    const elapsed = Math.min(seconds, atSeconds - start);
    share = elapsed / seconds;
    iterations.push(iterationOf(iterations.length, start, elapsed));
    if (elapsed < seconds) break;
    start += seconds;
  }
  return {
    id: 1,
    record: { iterations, endNs: BigInt(Math.round(atSeconds * 1e9)) } as unknown as MigrationRecord,
    isEnded: false,
    stage: 'precopy',
    memoryBytes: 2 ** 30,
    scannedShare: share,
  };
}

function iterationOf(index: number, startSeconds: number, seconds: number): MigrationIteration {
  return {
    index,
    stage: 'precopy',
    startNs: BigInt(Math.round(startSeconds * 1e9)),
    durationNs: seconds * 1e9,
    bytes: seconds * RATE,
  } as MigrationIteration;
}

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}

/** Passes until one is short enough for the guest to be stopped: 300 ms, QEMU's default. */
function lengthOf({ firstSeconds, factor }: Ideal): number {
  let total = 0;
  for (let seconds = firstSeconds; ; seconds *= factor) {
    total += seconds;
    if (seconds <= 0.3) return total;
  }
}

test('in the first pass nothing is known but the pass', () => {
  const left = estimateTimeLeft(seenAt({ firstSeconds: 10, factor: 0.5 }, 4));
  near(left.passSecondsLeft, 6);
  assert.deepEqual([left.secondsLeft, left.converges], [null, null]);
});

test('of an ideal migration that shrinks the end is foretold exactly from the second pass on', () => {
  for (const ideal of [
    { firstSeconds: 10, factor: 0.5 },
    { firstSeconds: 100, factor: 0.9 },
    { firstSeconds: 3, factor: 0.01 },
  ]) {
    const length = lengthOf(ideal);
    for (const part of [0.3, 0.6, 0.9]) {
      const now = ideal.firstSeconds * (1 + ideal.factor * part);
      const { secondsLeft, passSecondsLeft, converges } = estimateTimeLeft(seenAt(ideal, now));
      near(passSecondsLeft, ideal.firstSeconds * ideal.factor * (1 - part));
      // A pass that is short enough itself is still followed by what it leaves.
      const expected = Math.max(length - now, passSecondsLeft ?? 0);
      assert.ok(secondsLeft !== null && secondsLeft >= expected - 1e-6 && secondsLeft < expected + 0.3);
      assert.equal(converges, true);
    }
  }
});

test('passes that do not shrink are said not to converge, however fast they are', () => {
  for (const factor of [0.97, 1, 1.2]) {
    const { secondsLeft, converges } = estimateTimeLeft(seenAt({ firstSeconds: 2, factor }, 2 + factor));
    assert.deepEqual([secondsLeft, converges], [null, false]);
  }
});

test('at the beginning of a pass the passes before it tell', () => {
  const ideal = { firstSeconds: 10, factor: 0.5 };
  near(estimateTimeLeft(seenAt(ideal, 10 + 5 + 2.5 * 0.1)).secondsLeft, lengthOf(ideal) - 15.25);
  assert.equal(estimateTimeLeft(seenAt(ideal, 10 + 5 * 0.1)).secondsLeft, null);
});

test('nothing is foretold where nothing says: at the very beginning, without an order, at the end', () => {
  const nothing = { passSecondsLeft: null, secondsLeft: null, converges: null };
  const progress = seenAt({ firstSeconds: 10, factor: 0.5 }, 12);
  assert.deepEqual(estimateTimeLeft(seenAt({ firstSeconds: 10, factor: 0.5 }, 0.05)), nothing);
  assert.deepEqual(estimateTimeLeft({ ...progress, scannedShare: null }), nothing);
  assert.deepEqual(estimateTimeLeft({ ...progress, isEnded: true }), nothing);
});
