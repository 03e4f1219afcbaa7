import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProtectionClass } from '../../../src/analysis/analysis-summary.js';
import { Timeline } from '../../../src/analysis/timeline.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import { PacketBatch, PacketFlag } from '../../../src/packet/packet-batch.js';
import fc from '../../fast-check.js';
import { buildBatch, type RowSpec } from './build-batch.js';

const IPPROTO_UDP = 17;

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

/** Row of a UDP fragment of that length on the wire. */
function fragmentRow(ms: number, bytes: number): RowSpec {
  return {
    protocol: IPPROTO_UDP,
    time: ms * 1e6,
    flags: PacketFlag.fragment,
    layers: { link: 14, ip: 20, fragment: bytes - 34 },
  };
}

/** Row of a datagram in UDP that became whole, `bytes` of fragments on the wire having gone into it. */
function datagramRow(ms: number, bytes: number, flags: number): RowSpec {
  return {
    protocol: IPPROTO_UDP,
    time: ms * 1e6,
    flags: flags | PacketFlag.udp | PacketFlag.reassembled,
    fragments: 2,
    fragmentBytes: bytes,
    layers: { payload: bytes - 68 },
  };
}

function byClassOf(rows: readonly RowSpec[]): Record<ProtectionClass, number[]> {
  const timeline = new Timeline();
  timeline.add(buildBatch(rows), 0, rows.length);
  return timeline.summary()!.byClass;
}

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

test('copies and super-frames are no wire traffic', () => {
  const batch = batchOf([
    [START, 100, true],
    [START, 100, true],
  ]);
  batch.flags[0]! |= PacketFlag.decapsulatedCopy;
  batch.flags[1]! |= PacketFlag.superFrame;
  const timeline = new Timeline();
  timeline.add(batch, 0, 2);
  assert.equal(timeline.summary(), null);
});

test('fragments of UDP count as ESP when their datagram turns out to be ESP, each in its own interval', () => {
  const byClass = byClassOf([
    fragmentRow(1, 1500),
    fragmentRow(3, 500),
    datagramRow(3, 2000, PacketFlag.esp | PacketFlag.udpEncap),
  ]);
  assert.deepEqual(byClass.esp, [1500, 0, 500]);
  assert.deepEqual(byClass.clear, [0, 0, 0]);
});

test('fragments whose datagram never became whole stay what their IP header says', () => {
  const byClass = byClassOf([
    fragmentRow(0, 1500),
    fragmentRow(2, 1500),
    fragmentRow(2, 500),
    datagramRow(2, 2000, PacketFlag.esp | PacketFlag.udpEncap),
  ]);
  assert.deepEqual(byClass.clear, [1500, 0, 0]);
  assert.deepEqual(byClass.esp, [0, 0, 2000]);
});

test('of fragments in several intervals the nearest are taken for those of a datagram', () => {
  const byClass = byClassOf([
    fragmentRow(0, 700),
    fragmentRow(4, 700),
    fragmentRow(5, 300),
    datagramRow(5, 1000, PacketFlag.ike),
  ]);
  assert.deepEqual(byClass.clear, [700, 0, 0, 0, 0, 0]);
  assert.deepEqual(byClass.ike, [0, 0, 0, 0, 700, 300]);
});

test('fragments known from another piece move to their class when the pieces are joined', () => {
  const before = new Timeline();
  before.add(buildBatch([fragmentRow(1, 1500)]), 0, 1);
  const later = new Timeline();
  later.add(buildBatch([fragmentRow(4000, 500)]), 0, 1);
  // What the joined reassembler completes is counted before the later piece is.
  before.add(buildBatch([datagramRow(4000, 2000, PacketFlag.esp)]), 0, 1);
  before.merge(structuredClone(later.state));
  const { byClass, intervalNs } = before.summary()!;
  assert.equal(intervalNs, 4e6);
  assert.deepEqual(byClass.esp, [1500, ...new Array(999).fill(0), 500]);
  assert.ok(byClass.clear.every((bytes) => bytes === 0));
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
