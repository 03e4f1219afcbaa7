import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirtyBitmap } from '../../src/model/qemu/dirty-bitmap.js';
import { Random } from '../../src/model/random.js';
import { dirtyGroups, expectedDirtyPages } from '../../src/model/workload/dirty-group.js';
import { DirtyProcess } from '../../src/model/workload/dirty-process.js';
import type { Workload } from '../../src/scenario/scenario.js';
import fc from '../fast-check.js';

const FILLED = { first: 40, end: 1040 };
const PAGES = 1100;
const bytes = fc.integer({ min: 1, max: 1000 }).map((pages) => pages * 4096);
const pagesPerSecond = fc.double({ min: 0, max: 20_000, noNaN: true });

const workload: fc.Arbitrary<Workload> = fc.oneof(
  fc.record({ kind: fc.constant('uniform' as const), pagesPerSecond, workingSetBytes: bytes }),
  fc.record({ kind: fc.constant('sequential' as const), pagesPerSecond, workingSetBytes: bytes }),
  fc.record({
    kind: fc.constant('hot-set' as const),
    pagesPerSecond,
    workingSetBytes: bytes,
    hotShare: fc.double({ min: 0.001, max: 1, noNaN: true }),
    hotWrites: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('trace' as const),
    groups: fc.array(
      fc.record({
        pages: fc.integer({ min: 1, max: 200 }),
        writesPerSecond: fc.double({ min: 0, max: 100, noNaN: true }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  }),
);

test('pages marked over many seeds are on average as many as the expectation says', () => {
  const samples = 200;
  fc.assert(
    fc.property(
      workload,
      fc.double({ min: 0.001, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (workload, seconds, throttle) => {
        const groups = dirtyGroups(workload, FILLED);
        const expected = expectedDirtyPages(groups, seconds * (1 - throttle));
        let sum = 0;
        for (let seed = 0; seed < samples; seed++) {
          const bitmap = new DirtyBitmap(PAGES);
          new DirtyProcess(groups, new Random(seed)).mark(bitmap, 0, seconds * 1e9, throttle);
          sum += bitmap.dirtyPages;
        }
        // Each page is dirty with some probability, independently: the variance is no more than the mean. Six deviations.
        const deviation = Math.sqrt(Math.min(expected, PAGES) / samples) + 1 / samples;
        assert.ok(
          Math.abs(sum / samples - expected) <= 6 * deviation + 1e-6,
          `${sum / samples} of ${expected}`,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('only pages of the filled part are marked, and those that were marked stay so', () => {
  fc.assert(
    fc.property(
      workload,
      fc.nat(1000),
      fc.double({ min: 0, max: 2, noNaN: true }),
      (workload, seed, seconds) => {
        const bitmap = new DirtyBitmap(PAGES);
        bitmap.mark(3);
        new DirtyProcess(dirtyGroups(workload, FILLED), new Random(seed)).mark(
          bitmap,
          5,
          5 + seconds * 1e9,
          0,
        );
        assert.equal(bitmap.has(3), true);
        assert.equal(bitmap.next(4) >= FILLED.first, true);
        assert.equal(bitmap.next(FILLED.end), PAGES);
      },
    ),
  );
});

test('the same seed marks the same pages', () => {
  fc.assert(
    fc.property(workload, fc.nat(1000), (workload, seed) => {
      const groups = dirtyGroups(workload, FILLED);
      const marked = [0, 1].map(() => {
        const bitmap = new DirtyBitmap(PAGES);
        const process = new DirtyProcess(groups, new Random(seed));
        for (let step = 0; step < 3; step++) process.mark(bitmap, step * 1e8, (step + 1) * 1e8, 0);
        return Array.from({ length: PAGES }, (_, page) => bitmap.has(page));
      });
      assert.deepEqual(marked[0], marked[1]);
    }),
  );
});

test('a sequential writer marks in pieces what it marks in one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 1, max: 5000, noNaN: true }),
      fc.nat(100),
      fc.array(fc.double({ min: 0.001, max: 0.1, noNaN: true }), { minLength: 1, maxLength: 10 }),
      (pages, pagesPerSecond, seed, seconds) => {
        const workingSetBytes = pages * 4096;
        const groups = dirtyGroups({ kind: 'sequential', pagesPerSecond, workingSetBytes }, FILLED);
        const [whole, pieces] = [new DirtyBitmap(PAGES), new DirtyBitmap(PAGES)];
        const total = seconds.reduce((sum, each) => sum + Math.round(each * 1e9), 0);
        new DirtyProcess(groups, new Random(seed)).mark(whole, 0, total, 0);
        const process = new DirtyProcess(groups, new Random(seed));
        let at = 0;
        for (const each of seconds) {
          process.mark(pieces, at, at + Math.round(each * 1e9), 0);
          at += Math.round(each * 1e9);
        }
        // Rounding may put a page into the one or the other interval, at the end into none.
        assert.ok(Math.abs(whole.dirtyPages - pieces.dirtyPages) <= 1);
      },
    ),
  );
});
