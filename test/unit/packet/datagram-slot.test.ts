import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatagramSlot } from '../../../src/packet/datagram-slot.js';
import { filler } from './frame-builder.js';

function slotCovering(...spans: [start: number, end: number][]) {
  const slot = new DatagramSlot();
  slot.start(filler(4), 4, 0);
  const overlaps = spans.map(([start, end]) => slot.cover(start, end));
  return { slot, overlaps, spans: slot.export().spans };
}

test('spans that touch become one', () => {
  assert.deepEqual(slotCovering([0, 8], [16, 24], [8, 16]).spans, [0, 24]);
});

test('spans apart stay apart, in ascending order', () => {
  assert.deepEqual(slotCovering([32, 40], [0, 8], [16, 24]).spans, [0, 8, 16, 24, 32, 40]);
});

test('a span over several swallows them and says how many bytes it repeats', () => {
  const { spans, overlaps } = slotCovering([8, 16], [24, 32], [0, 40]);
  assert.deepEqual(spans, [0, 40]);
  assert.deepEqual(overlaps, [0, 0, 16]);
});

test('a span inside another repeats all of its bytes', () => {
  const { spans, overlaps } = slotCovering([0, 40], [8, 16]);
  assert.deepEqual(spans, [0, 40]);
  assert.deepEqual(overlaps, [0, 8]);
});

test('refuses a 65th span, but still fills holes', () => {
  const apart = Array.from({ length: 64 }, (_, i) => [i * 16, i * 16 + 8] as [number, number]);
  const { slot } = slotCovering(...apart);
  assert.equal(slot.cover(64 * 16, 64 * 16 + 8), -1);
  assert.equal(slot.cover(8, 16), 0);
  assert.equal(slot.cover(64 * 16, 64 * 16 + 8), 0);
});

test('a slot used again knows nothing of its datagram before', () => {
  const { slot } = slotCovering([0, 80]);
  slot.putHeader(filler(20), 0, 20);
  slot.dataBytes = 80;
  slot.cutAt = 40;
  slot.wireBytes = 5;
  slot.fragments = 2;
  slot.overlapBytes = 3;
  assert.ok(slot.isComplete);
  slot.start(filler(9), 9, 5);
  assert.deepEqual(
    [slot.isComplete, slot.headerBytes, slot.spanCount, slot.dataBytes, slot.knownBytes],
    [false, 0, 0, -1, 0],
  );
  assert.deepEqual(
    [slot.fragments, slot.wireBytes, slot.overlapBytes, slot.seenBytes, slot.firstAt, slot.latestAt],
    [0, 0, 0, 0, 5, 5],
  );
  assert.ok(slot.cutAt > 65_535);
});

test('a key matches itself only, not a longer or shorter one', () => {
  const slot = new DatagramSlot();
  slot.start(filler(10), 10, 0);
  assert.ok(slot.hasKey(filler(10), 10));
  assert.ok(!slot.hasKey(filler(10), 9));
  assert.ok(!slot.hasKey(filler(10, 2), 10));
});
