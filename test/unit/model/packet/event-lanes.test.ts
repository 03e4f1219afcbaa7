import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventLanes } from '../../../../src/model/packet/event-lanes.js';
import fc from '../../../fast-check.js';

test('the first lane is the earliest, and at equal times the one of the lowest number', () => {
  const changes = fc.array(fc.tuple(fc.nat(12), fc.oneof(fc.nat(5), fc.constant(Number.POSITIVE_INFINITY))));
  fc.assert(
    fc.property(changes, (steps) => {
      const lanes = new EventLanes(13);
      const times: number[] = Array(13).fill(Number.POSITIVE_INFINITY);
      for (const [lane, timeNs] of steps) {
        lanes.set(lane, timeNs);
        times[lane] = timeNs;
        assert.equal(lanes.timeOf(lanes.first()), Math.min(...times));
        assert.equal(lanes.first(), times.indexOf(Math.min(...times)));
      }
    }),
  );
});

test('an event can be brought forward, not put off, without knowing when it was', () => {
  const lanes = new EventLanes(3);
  lanes.setEarlier(1, 10);
  lanes.setEarlier(1, 20);
  assert.equal(lanes.timeOf(1), 10);
  lanes.setEarlier(1, 5);
  assert.equal(lanes.timeOf(lanes.first()), 5);
});
