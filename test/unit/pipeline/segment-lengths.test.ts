import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegmentLengths, type SegmentRun } from '../../../src/pipeline/segment-lengths.js';
import fc from '../../fast-check.js';

function collect(lengths: readonly number[]): SegmentLengths {
  const segments = new SegmentLengths();
  for (const length of lengths) segments.add(length);
  return segments;
}

/** With the largest length known beforehand: a run ends at anything shorter. */
function runsKnowing(longest: number, lengths: readonly number[]): string[] {
  const runs: string[] = [];
  let full = 0;
  for (const length of lengths) {
    if (length === longest) full++;
    else {
      runs.push(`${full}+${length}`);
      full = 0;
    }
  }
  if (full > 0) runs.push(`${full}+0`);
  return runs.sort();
}

function listed(runs: readonly SegmentRun[]): string[] {
  return runs.flatMap(({ full, rest, count }) => Array<string>(count).fill(`${full}+${rest}`)).sort();
}

test('full segments and the shorter one behind them are one run', () => {
  assert.deepEqual(collect([1448, 1448, 700, 20, 1448]).runs(), [
    { full: 2, rest: 700, count: 1 },
    { full: 0, rest: 20, count: 1 },
    { full: 1, rest: 0, count: 1 },
  ]);
});

test('what came before the first full segment was not full', () => {
  assert.deepEqual(listed(collect([500, 500, 1448, 500]).runs()), ['0+500', '0+500', '1+500']);
});

test('without full segments each stands for itself', () => {
  assert.deepEqual(listed(collect([500, 500, 300]).singles()), ['0+300', '0+500', '0+500']);
});

test('nothing sent gives no runs', () => {
  assert.deepEqual(collect([]).runs(), []);
  assert.deepEqual(collect([]).singles(), []);
  assert.equal(collect([]).longest, 0);
});

test('the runs are those of knowing the largest length from the start', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 }), (lengths) => {
      const segments = collect(lengths);
      assert.deepEqual(listed(segments.runs()), runsKnowing(Math.max(0, ...lengths), lengths));
    }),
    { seed: 9293, numRuns: 500 },
  );
});
