import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateWriteRates } from '../../../../src/model/learn/write-rates.js';
import fc from '../../../fast-check.js';

const SECOND = 1e9;

test('over intervals of equal length the rate is the maximum-likelihood one, -ln(1 - k / n) / d', () => {
  const intervals = Array.from({ length: 4 }, () => ({ durationNs: 2 * SECOND }));
  const [group] = estimateWriteRates({ intervals, groups: [{ resends: 3, pages: 10 }] });
  assert.equal(group!.pages, 10);
  assert.ok(Math.abs(group!.writesPerSecond - Math.log(4) / 2) < 1e-9);
});

test('pages that were never sent again are left out', () => {
  assert.deepEqual(
    estimateWriteRates({ intervals: [{ durationNs: SECOND }], groups: [{ resends: 0, pages: 100 }] }),
    [],
  );
});

test('without an interval nothing is known', () => {
  assert.deepEqual(estimateWriteRates({ intervals: [], groups: [{ resends: 0, pages: 5 }] }), []);
});

test('pages that were sent again every time would have been missing half a page in all at the rate they get', () => {
  const seconds = [3, 0.5, 0.25];
  const intervals = seconds.map((each) => ({ durationNs: each * SECOND }));
  const [group] = estimateWriteRates({ intervals, groups: [{ resends: 3, pages: 200 }] });
  const missing = seconds.reduce((sum, each) => sum + 200 * Math.exp(-group!.writesPerSecond * each), 0);
  assert.ok(Math.abs(missing - 0.5) < 1e-6, `${missing}`);
});

test('the pages expected to be sent again at the rates found are those that were, but for half a page a group', () => {
  const interval = fc.record({ durationNs: fc.integer({ min: 1e6, max: 20e9 }) });
  const cases = fc.array(interval, { minLength: 1, maxLength: 8 }).chain((intervals) =>
    fc.record({
      intervals: fc.constant(intervals),
      groups: fc.array(
        fc.record({
          resends: fc.integer({ min: 0, max: intervals.length }),
          pages: fc.integer({ min: 1, max: 1e6 }),
        }),
        { maxLength: 6 },
      ),
    }),
  );
  fc.assert(
    fc.property(cases, ({ intervals, groups }) => {
      const seen = groups.reduce((sum, { resends, pages }) => sum + resends * pages, 0);
      const expected = estimateWriteRates({ intervals, groups }).reduce(
        (sum, { pages, writesPerSecond }) =>
          intervals.reduce(
            (inner, { durationNs }) => inner - pages * Math.expm1((-writesPerSecond * durationNs) / 1e9),
            sum,
          ),
        0,
      );
      assert.ok(Math.abs(expected - seen) <= 0.5 * groups.length + seen * 1e-6, `${expected}, ${seen}`);
    }),
  );
});

test('rates come out that pages were really written with', () => {
  // A page at rate r is dirty after d with probability 1 - exp(-r d): drawn here page by page from a fixed sequence.
  const seconds = [0.9, 0.4, 0.7, 0.3, 0.5, 0.6];
  const rate = 1.3;
  const pages = 20_000;
  let state = 12345;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const byResends = new Map<number, number>();
  for (let page = 0; page < pages; page++) {
    const resends = seconds.filter((each) => draw() < -Math.expm1(-rate * each)).length;
    byResends.set(resends, (byResends.get(resends) ?? 0) + 1);
  }
  const groups = [...byResends].map(([resends, count]) => ({ resends, pages: count }));
  const intervals = seconds.map((each) => ({ durationNs: each * SECOND }));
  const expectedDirty = (duration: number): number =>
    estimateWriteRates({ intervals, groups }).reduce(
      (sum, group) => sum - group.pages * Math.expm1(-group.writesPerSecond * duration),
      0,
    );
  const truth = -pages * Math.expm1(-rate * 0.5);
  assert.ok(Math.abs(expectedDirty(0.5) / truth - 1) < 0.05, `${expectedDirty(0.5)} of ${truth}`);
});
