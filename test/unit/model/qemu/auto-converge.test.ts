import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutoConverge } from '../../../../src/model/qemu/auto-converge.js';

const SECOND = 1e9;
const PAGES = 1000;
const SENT_BYTES = PAGES * 4096;

/** Synchronises every 1.1 s; `dirtyPages` in each. @returns throttle after each */
function throttles(enabled: boolean, dirtyPages: readonly number[]): number[] {
  const autoConverge = new AutoConverge(enabled);
  autoConverge.begin(0);
  return dirtyPages.map((pages, i) => {
    autoConverge.synchronised((i + 1) * 1.1 * SECOND, pages, (i + 1) * SENT_BYTES);
    return autoConverge.throttle;
  });
}

test('the second time that more than half of what was sent got dirty, the guest is slowed down by a fifth, then by a tenth more', () => {
  assert.deepEqual(throttles(true, [501, 501, 501, 501, 501, 501]), [0, 0.2, 0.2, 0.3, 0.3, 0.4]);
});

test('half is not enough', () => {
  assert.deepEqual(throttles(true, [500, 500, 500]), [0, 0, 0]);
});

test('it goes up to 99 percent', () => {
  const many = throttles(true, new Array(40).fill(PAGES));
  assert.equal(many.at(-1), 0.99);
});

test('without the capability nothing happens', () => {
  assert.deepEqual(throttles(false, [PAGES, PAGES, PAGES, PAGES]), [0, 0, 0, 0]);
});

test('synchronisations within a second of each other count as one period', () => {
  const autoConverge = new AutoConverge(true);
  autoConverge.begin(0);
  for (let i = 1; i <= 20; i++) autoConverge.synchronised(i * 0.1 * SECOND, 400, (i * SENT_BYTES) / 10);
  // One period of 1.1 s is over, and the second has not ended.
  assert.equal(autoConverge.throttle, 0);
  autoConverge.synchronised(2.3 * SECOND, 400, 3 * SENT_BYTES);
  assert.equal(autoConverge.throttle, 0.2);
});
