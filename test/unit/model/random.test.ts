import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/model/random.js';

/** Output of the authors' C code (prng.di.unimi.it/xoshiro128starstar.c), as the tests of the rand_xoshiro crate quote it. */
const REFERENCE = [
  11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
];

test('gives the numbers of the reference implementation of xoshiro128**', () => {
  const random = Random.ofState(1, 2, 3, 4);
  assert.deepEqual(
    REFERENCE.map(() => random.nextUint32()),
    REFERENCE,
  );
});

test('the same seed gives the same numbers, another seed others', () => {
  const numbers = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.next());
  };
  assert.deepEqual(numbers(7), numbers(7));
  for (const seed of [0, 1, 2 ** 32 - 1]) assert.notDeepEqual(numbers(seed), numbers(7));
});

test('numbers are spread evenly over 0 to 1, for neighbouring seeds too', () => {
  const bins = new Float64Array(100);
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed);
    for (let drawn = 0; drawn < 1000; drawn++) {
      const number = random.next();
      assert.ok(number >= 0 && number < 1);
      bins[Math.floor(number * 100)]!++;
    }
  }
  // Chi-squared with 99 degrees of freedom: below 149 in 99.9 % of cases
  const chiSquared = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquared < 149, `${chiSquared}`);
});
