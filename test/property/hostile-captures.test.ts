import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FuzzReach, runFuzzIteration } from '../fuzz/fuzz-iteration.js';
import { readFuzzSeeds } from '../fuzz/fuzz-seeds.js';

const SEED = 4303;
const ITERATIONS = 400;

test('mutated captures never throw, and every byte of them has one owner', async () => {
  const seeds = readFuzzSeeds();
  const reach = new FuzzReach();
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    try {
      await runFuzzIteration(seeds, SEED, iteration, reach);
    } catch (error) {
      throw new Error(`repeat with: npm run fuzz -- --seed ${SEED} --iteration ${iteration}`, {
        cause: error,
      });
    }
  }
  assert.deepEqual(reach.missing(), [], 'mutations no longer get to these');
});
