import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LossProcess, PeriodicLoss, RandomLoss } from '../../../../src/model/packet/loss-process.js';
import { Random } from '../../../../src/model/random.js';

function losses(process: LossProcess, packets: number): number[] {
  const lost: number[] = [];
  for (let packet = 0; packet < packets; packet++) if (process.next()) lost.push(packet);
  return lost;
}

test('random losses are as frequent as asked, and independent of each other', () => {
  for (const probability of [0.001, 0.05, 0.5]) {
    const packets = 2e5 / Math.sqrt(probability);
    const lost = losses(new RandomLoss(probability, new Random(1)), packets);
    const deviation = Math.sqrt(packets * probability * (1 - probability));
    assert.ok(Math.abs(lost.length - packets * probability) < 4 * deviation, `${probability}`);
    const pairs = lost.filter((packet, index) => lost[index + 1] === packet + 1).length;
    const expected = packets * probability ** 2;
    assert.ok(
      Math.abs(pairs - expected) < 5 * Math.sqrt(expected) + 1,
      `${probability}: ${pairs} ${expected}`,
    );
  }
});

test('nothing is lost at probability 0, everything at 1', () => {
  assert.deepEqual(losses(new RandomLoss(0, new Random(1)), 1000), []);
  assert.equal(losses(new RandomLoss(1, new Random(1)), 1000).length, 1000);
});

test('periodic losses are those of every so many packets', () => {
  assert.deepEqual(losses(new PeriodicLoss(3), 10), [2, 5, 8]);
});
