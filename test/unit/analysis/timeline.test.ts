import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timeline } from '../../../src/analysis/timeline.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { PacketBatch, PacketFlag } from '../../../src/packet/packet-batch.js';

/** A packet of the wire: time in ms since 1970, length, whether it is ESP. */
type Packet = [ms: number, bytes: number, isEsp: boolean];

function batchOf(packets: readonly Packet[]): PacketBatch {
  const block = new FrameBlock(new Uint8Array(0), Math.max(1, packets.length));
  const batch = new PacketBatch(block);
  block.count = packets.length;
  batch.reset(packets.length);
  for (const [row, [ms, bytes, isEsp]] of packets.entries()) {
    block.timeSeconds[row] = Math.floor(ms / 1000);
    block.timeNanoseconds[row] = (ms % 1000) * 1e6;
    block.wireLength[row] = bytes;
    batch.flags[row] = isEsp ? PacketFlag.esp : 0;
    batch.protocol[row] = isEsp ? 50 : 6;
  }
  return batch;
}

function timelineOf(packets: readonly Packet[]): Timeline {
  const timeline = new Timeline();
  timeline.add(batchOf(packets), 0, packets.length);
  return timeline;
}

const START = 1_700_000_000_000;

test('bytes are counted in the millisecond they were sent in, by protection', () => {
  const summary = timelineOf([
    [START, 100, true],
    [START + 2, 60, false],
    [START, 50, true],
  ]).summary();
  assert.equal(summary?.startNs, '1700000000000000000');
  assert.equal(summary?.intervalNs, 1e6);
  assert.deepEqual(summary?.byClass.esp, [150, 0, 0]);
  assert.deepEqual(summary?.byClass.clear, [0, 0, 60]);
});

test('a capture of an hour has at most 1024 intervals and loses no byte', () => {
  const packets = Array.from({ length: 3600 }, (_, i): Packet => [START + i * 1000, 1000, true]);
  const summary = timelineOf(packets).summary()!;
  assert.ok(summary.byClass.esp.length <= 1024);
  assert.equal(summary.intervalNs, 4096e6);
  assert.equal(
    summary.byClass.esp.reduce((sum, bytes) => sum + bytes, 0),
    3_600_000,
  );
});

test('nothing counted is no time line', () => {
  assert.equal(timelineOf([]).summary(), null);
});

test('copies, super-frames and reassembled datagrams are no wire traffic of their own', () => {
  const batch = batchOf([
    [START, 100, true],
    [START, 100, true],
    [START, 100, true],
  ]);
  batch.flags[0]! |= PacketFlag.decapsulatedCopy;
  batch.flags[1]! |= PacketFlag.superFrame;
  batch.flags[2]! |= PacketFlag.reassembled;
  const timeline = new Timeline();
  timeline.add(batch, 0, 3);
  assert.equal(timeline.summary(), null);
});

test('pieces join to what one piece gives, however they are grouped and whatever the times', () => {
  const packet = fc.tuple(
    fc.integer({ min: START, max: START + 1e7 }),
    fc.integer({ min: 1, max: 2000 }),
    fc.boolean(),
  );
  const piece = fc.array(packet, { maxLength: 20 });
  fc.assert(
    fc.property(piece, piece, piece, (a, b, c) => {
      const whole = timelineOf([...a, ...b, ...c]).summary();
      const left = timelineOf(a);
      left.merge(structuredClone(timelineOf(b).state));
      left.merge(structuredClone(timelineOf(c).state));
      const right = timelineOf(b);
      right.merge(structuredClone(timelineOf(c).state));
      const first = timelineOf(a);
      first.merge(structuredClone(right.state));
      assert.deepEqual(left.summary(), whole);
      assert.deepEqual(first.summary(), whole);
    }),
  );
});

test('times that no clock shows end nothing', () => {
  const batch = batchOf([[START, 100, true]]);
  for (const seconds of [0, 2 ** 32, 2 ** 60, 2 ** 64]) {
    batch.block.timeSeconds[0] = seconds;
    batch.block.timeNanoseconds[0] = 2 ** 32 - 1;
    const timeline = new Timeline();
    timeline.add(batch, 0, 1);
    timeline.add(batch, 0, 1);
    assert.deepEqual(timeline.summary()?.byClass.esp, [200]);
  }
});
