import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryRing } from '../../../../src/model/packet/delivery-ring.js';
import { LimitClock } from '../../../../src/model/packet/limit-clock.js';

test('each slice is charged to the busiest for as long as it was busy, the rest to sleep and round trips', () => {
  const slices = [
    { linkNs: 9e6, sourceNs: 4e6, destinationNs: 1e6, sleptNs: 0.5e6 },
    { linkNs: 10e6, sourceNs: 9e6, destinationNs: 1e6, sleptNs: 8.5e6 },
    { linkNs: 10e6, sourceNs: 9e6, destinationNs: 11e6, sleptNs: 8.5e6 },
  ];
  const clock = new LimitClock((nowNs) => slices[nowNs / 10e6 - 1]!);
  clock.finish(30e6);
  assert.deepEqual(clock.nsByLimit, {
    link: 9e6,
    sourceCpu: 5e6,
    destinationCpu: 10e6,
    maxBandwidth: 5.5e6,
    roundTrips: 0.5e6,
  });
});

test('a slice that is not full is charged for what it is long', () => {
  const clock = new LimitClock(() => ({ linkNs: 5e6, sourceNs: 0, destinationNs: 0, sleptNs: 0 }));
  clock.finish(3e6);
  assert.equal(clock.nsByLimit.link, 3e6);
});

test('bytes cost what the write that they came in costs', () => {
  const ring = new DeliveryRing();
  for (let write = 1; write <= 1000; write++) ring.add(10, write * 10);
  assert.equal(ring.take(15), 10 + 5 * 2);
  assert.equal(ring.take(5), 5 * 2);
  assert.equal(ring.take(20), 30 + 40);
  assert.throws(() => ring.take(1e6), /beyond what was written/);
});
