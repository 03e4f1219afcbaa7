import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDropTally,
  type DropTally,
  joinDropTallies,
  recordDrops,
  startSection,
  totalDrops,
} from '../../../src/capture/drop-tally.js';

/** A capture as a list of events: `null` begins a section, [interface, packets] is a statistics block. */
type Event = null | [interfaceId: number, packets: number];

function tallyOf(events: readonly Event[]): DropTally {
  const tally = createDropTally();
  for (const event of events) {
    if (event === null) startSection(tally);
    else recordDrops(tally, ...event);
  }
  return tally;
}

test('says nothing where no statistics were given', () => {
  assert.equal(totalDrops(tallyOf([null, null])), null);
  assert.equal(totalDrops(tallyOf([null, [0, 0]])), 0);
});

test('joined wherever a file is divided, tallies give the drops of the whole', () => {
  const events: Event[] = [null, [0, 1], [1, 10], [0, 2], null, null, [0, 100], [0, 150], null, [2, 1000]];
  const total = 2 + 10 + 150 + 1000;
  for (let first = 0; first <= events.length; first++) {
    for (let second = first; second <= events.length; second++) {
      const parts = [events.slice(0, first), events.slice(first, second), events.slice(second)];
      const joined = parts
        .map(tallyOf)
        .map((part) => structuredClone(part))
        .reduce(joinDropTallies);
      assert.equal(totalDrops(joined), total, `divided at ${first} and ${second}`);
    }
  }
});
