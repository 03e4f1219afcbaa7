import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_SENDS, PageBudget, PageSends } from '../../../src/migration/page-sends.js';

function countsOf(sends: PageSends): Record<number, number> {
  const counts: Record<number, number> = {};
  sends.forEach((page, count) => {
    counts[page] = count;
  });
  return counts;
}

test('marking tells the pass in which a page was sent last', () => {
  const sends = new PageSends(new PageBudget(1 << 20));
  assert.equal(sends.mark(7, 0), -1);
  assert.equal(sends.mark(7, 3), 0);
  assert.equal(sends.mark(7, 3), 3);
  assert.equal(sends.passOf(7), 3);
  assert.equal(sends.passOf(8), -1);
  assert.deepEqual(countsOf(sends), { 7: 3 });
});

test('pages far apart are kept apart, beyond 32 bits too', () => {
  const sends = new PageSends(new PageBudget(1 << 20));
  const pages = [0, 4095, 4096, 0x3fff_ffff, 0x4000_0000, 0x8000_0000, 2 ** 40];
  for (const page of pages) assert.equal(sends.mark(page, 1), -1);
  assert.deepEqual(Object.keys(countsOf(sends)).map(Number), pages);
});

test('counts end at their greatest value, and so do passes', () => {
  const sends = new PageSends(new PageBudget(1 << 20));
  for (let pass = 0; pass < 70_000; pass++) sends.mark(1, pass);
  assert.deepEqual(countsOf(sends), { 1: MAX_SENDS });
  assert.equal(sends.passOf(1), 0xfffe);
});

test('pages beyond the budget are not tracked, and cleared ones make room', () => {
  const budget = new PageBudget(4096);
  const first = new PageSends(budget);
  const second = new PageSends(budget);
  first.mark(0, 0);
  assert.equal(second.mark(0, 0), -1);
  assert.equal(second.mark(0, 1), -1);
  assert.equal(second.isPartial, true);
  first.clear();
  second.mark(0, 2);
  assert.equal(second.mark(0, 3), 2);
});
