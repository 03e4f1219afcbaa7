import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventLanes } from '../../../../src/model/packet/event-lanes.js';
import { HostProcessors } from '../../../../src/model/packet/host-processors.js';
import { FREE_HOST } from './channels.js';

function processorsWith(
  costs: Partial<typeof FREE_HOST>,
  threads: number,
): { processors: HostProcessors; lanes: EventLanes } {
  const lanes = new EventLanes(threads);
  const processors = new HostProcessors({ ...FREE_HOST, ...costs }, threads, lanes, (thread) => thread);
  return { processors, lanes };
}

test('threads without a processor wait in the order in which they asked', () => {
  const { processors, lanes } = processorsWith({ processServers: 2 }, 4);
  processors.begin(3, 0, 100);
  processors.begin(0, 0, 50);
  processors.begin(2, 10, 5);
  processors.begin(1, 10, 7);
  assert.equal(lanes.timeOf(2), Number.POSITIVE_INFINITY);
  processors.release(0, 50);
  assert.equal(lanes.timeOf(2), 55);
  assert.equal(lanes.timeOf(1), Number.POSITIVE_INFINITY);
  processors.release(2, 55);
  assert.equal(lanes.timeOf(1), 62);
});

test('on a shared core softirq interrupts a thread, which goes on where it was', () => {
  const { processors, lanes } = processorsWith({ sharedCore: true }, 1);
  processors.begin(0, 0, 100);
  processors.softirq(30, 50);
  processors.foresee(Number.POSITIVE_INFINITY);
  assert.equal(lanes.timeOf(0), 120);
  // A packet comes before the thread is done
  processors.foresee(110);
  assert.equal(lanes.timeOf(0), Number.POSITIVE_INFINITY);
  processors.softirq(110, 140);
  processors.foresee(150);
  assert.equal(lanes.timeOf(0), 150);
  processors.finish(0);
  assert.equal(processors.busiestNs(150), 150);
});

test('on a shared core softirq waits for a thread within the kernel', () => {
  const { processors } = processorsWith({ sharedCore: true }, 1);
  processors.begin(0, 0, 0);
  processors.finish(0);
  processors.beginKernel(0, 0, 80);
  assert.equal(processors.softirqFreeNs, 80);
  assert.equal(processors.busiestNs(40), 40);
});

test('a thread that nothing can disturb works without an event', () => {
  const shared = processorsWith({ sharedCore: true }, 1);
  assert.equal(shared.processors.workUndisturbed(0, 0, 100, 99), false);
  assert.equal(shared.processors.workUndisturbed(0, 0, 100, 100), true);
  assert.equal(shared.lanes.timeOf(0), Number.POSITIVE_INFINITY);
  assert.equal(shared.processors.threadFreeNs[0], 100);
  const two = processorsWith({ sharedCore: true }, 2);
  assert.equal(two.processors.workUndisturbed(0, 0, 100, 1000), false);
  assert.equal(processorsWith({}, 2).processors.workUndisturbed(0, 0, 100, 0), true);
});

test('work that has begun counts as far as it is done', () => {
  const { processors } = processorsWith({}, 2);
  processors.begin(0, 0, 100);
  processors.begin(1, 0, 30);
  assert.equal(processors.busiestNs(20), 20);
  assert.equal(processors.busiestNs(100), 100);
});
