import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirtyBitmap } from '../../../../src/model/qemu/dirty-bitmap.js';
import fc from '../../../fast-check.js';

test('marking, clearing and ranges do what a set of numbers does', () => {
  const page = fc.nat(199);
  const change = fc.oneof(
    fc.record({ kind: fc.constant('mark' as const), page }),
    fc.record({ kind: fc.constant('clear' as const), page }),
    fc.record({ kind: fc.constant('range' as const), page, length: fc.nat(150) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), page, (changes, from) => {
      const bitmap = new DirtyBitmap(200);
      const set = new Set<number>();
      for (const each of changes) {
        if (each.kind === 'mark') {
          bitmap.mark(each.page);
          set.add(each.page);
        } else if (each.kind === 'clear') {
          bitmap.clear(each.page);
          set.delete(each.page);
        } else {
          const end = Math.min(200, each.page + each.length);
          bitmap.markRange(each.page, end);
          for (let i = each.page; i < end; i++) set.add(i);
        }
      }
      const sorted = [...set].sort((a, b) => a - b);
      assert.equal(bitmap.dirtyPages, set.size);
      assert.equal(bitmap.next(from), sorted.find((each) => each >= from) ?? 200);
      for (let i = 0; i < 200; i++) assert.equal(bitmap.has(i), set.has(i));
      const stretches = sorted.filter((each) => each >= from && (each === from || !set.has(each - 1))).length;
      assert.equal(bitmap.countStretches(from, 200), stretches);
    }),
  );
});

test('a search from behind the last page finds none', () => {
  const bitmap = new DirtyBitmap(32);
  bitmap.markRange(0, 32);
  assert.equal(bitmap.next(32), 32);
  assert.equal(bitmap.next(31), 31);
});
