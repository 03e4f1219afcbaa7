import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XbzrleCache } from '../../../../src/model/qemu/xbzrle-cache.js';

test('a page is found the second time', () => {
  const cache = new XbzrleCache(4 * 4096);
  assert.equal(cache.hit(1, 1), false);
  assert.equal(cache.hit(1, 2), true);
});

test('slots are a power of two, and pages that share one keep each other out for two synchronisations', () => {
  const cache = new XbzrleCache(7 * 4096);
  assert.equal(cache.hit(1, 1), false);
  assert.equal(cache.hit(5, 1), false);
  assert.equal(cache.hit(5, 2), false);
  assert.equal(cache.hit(5, 3), false);
  assert.equal(cache.hit(5, 4), true);
  assert.equal(cache.hit(1, 4), false);
});
