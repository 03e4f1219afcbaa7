import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BottleneckLink } from '../../../../src/model/packet/bottleneck-link.js';
import { FrameSizes } from '../../../../src/model/packet/frame-sizes.js';
import { channelWith, LINE_BYTES, LossOf, MSS_BYTES } from './channels.js';

/** 1 Gbit/s: a byte is 8 ns. */
const SEGMENT_NS = LINE_BYTES * 8;

function linkWith(changes: Parameters<typeof channelWith>[0] = {}, lost: number[] = []): BottleneckLink {
  const channel = channelWith({ rttNs: 2000, ...changes });
  const sizes = new FrameSizes(channel.cost, channel.mtuBytes, channel.mssBytes);
  return new BottleneckLink(channel, sizes, new LossOf(...lost));
}

function arrivalTimes({ arrivals }: BottleneckLink): number[] {
  const times: number[] = [];
  for (; arrivals.size > 0; arrivals.drop()) times.push(arrivals.timeNs);
  return times;
}

test('packets leave one after the other and arrive half a round trip later', () => {
  const link = linkWith();
  for (const nowNs of [0, 0, 100_000]) link.enter(nowNs, 0, 0, MSS_BYTES);
  const arrivals = [SEGMENT_NS, 2 * SEGMENT_NS, 100_000 + SEGMENT_NS].map((ns) => ns + 1000);
  assert.deepEqual(arrivalTimes(link), arrivals);
  assert.equal(link.busyNs, 3 * SEGMENT_NS);
});

test('the queue holds so many packets besides the one on the wire, and drops the next', () => {
  const link = linkWith({ queuePackets: 5 });
  for (let segment = 0; segment < 8; segment++) link.enter(0, 0, segment, MSS_BYTES);
  assert.equal(link.queueDrops, 2);
  assert.equal(link.arrivals.size, 6);
  // One has gone: one place
  link.enter(SEGMENT_NS, 0, 8, MSS_BYTES);
  link.enter(SEGMENT_NS, 0, 9, MSS_BYTES);
  assert.equal(link.queueDrops, 3);
});

test('fragments take a place each; the datagram arrives with the last, or not at all', () => {
  // 1500 bytes over 1000: 996 and 524 with two IP headers, two Ethernet headers, twice 24 bytes of line
  const link = linkWith({ mtuBytes: 1000, queuePackets: 3 });
  link.enter(0, 0, 0, MSS_BYTES);
  assert.equal(link.freeNs, 8 * (996 + 524 + 2 * (14 + 24)));
  link.enter(0, 0, 1, MSS_BYTES);
  link.enter(0, 0, 2, MSS_BYTES);
  assert.equal(link.arrivals.size, 2);
  assert.equal(link.queueDrops, 2);
  assert.equal(link.lostSegments, 1);
});

test('what is lost behind the queue was on the wire', () => {
  const link = linkWith({}, [1]);
  for (let segment = 0; segment < 3; segment++) link.enter(0, 0, segment, MSS_BYTES);
  assert.deepEqual([link.randomDrops, link.lostSegments, link.arrivals.size], [1, 1, 2]);
  assert.equal(link.busyNs, 3 * SEGMENT_NS);
});

test('short packets are filled up to the smallest Ethernet frame', () => {
  const link = linkWith();
  link.enter(0, 0, 0, 1);
  assert.equal(link.freeNs, 8 * (67 + 24));
});
