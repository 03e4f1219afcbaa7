import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sacked } from '../../../../src/model/packet/packet-ring.js';
import { ReceiveWindow } from '../../../../src/model/packet/receive-window.js';
import { TcpReceiver } from '../../../../src/model/packet/tcp-receiver.js';
import { MSS_BYTES } from './channels.js';

/** Takes a segment that the process reads at once. @returns what to acknowledge */
function receive(
  receiver: TcpReceiver,
  segment: number,
  nowNs = 0,
  payloadBytes = MSS_BYTES,
): number | undefined {
  const readable = receiver.take(segment, payloadBytes);
  receiver.window.unreadBytes -= readable;
  const sacked = receiver.judge(segment, readable, nowNs);
  if (sacked !== undefined) receiver.acknowledge();
  return sacked;
}

/** A receiver that is past the acknowledgements that are not delayed. */
function receiverAt(segments: number): TcpReceiver {
  const receiver = new TcpReceiver(MSS_BYTES);
  for (let segment = 0; segment < segments; segment++) {
    if (receive(receiver, segment) === undefined) receiver.acknowledge();
  }
  return receiver;
}

/** Linux: TCP_MAX_QUICKACKS 16; then RFC 9293 section 3.8.6.3. */
test('the first sixteen segments are acknowledged at once, then every second', () => {
  const receiver = new TcpReceiver(MSS_BYTES);
  const told: boolean[] = [];
  for (let segment = 0; segment < 24; segment++) told.push(receive(receiver, segment) !== undefined);
  assert.deepEqual(told.slice(0, 16), Array(16).fill(true));
  assert.deepEqual(told.slice(16), [false, true, false, true, false, true, false, true]);
});

/** Linux: TCP_DELACK_MIN. */
test('a single segment is acknowledged after 40 ms, and the delay does not begin anew with the next', () => {
  const receiver = receiverAt(20);
  assert.equal(receive(receiver, 20, 1e9, 100), undefined);
  assert.equal(receiver.delayedAckNs, 1.04e9);
  assert.equal(receive(receiver, 21, 1.01e9, 100), undefined);
  assert.equal(receiver.delayedAckNs, 1.04e9);
});

/** RFC 5681 section 4.2. */
test('what is out of order, fills a gap or came before is acknowledged at once', () => {
  const receiver = receiverAt(20);
  assert.equal(receive(receiver, 22), 22);
  assert.equal(receive(receiver, 21), 21);
  assert.equal(receive(receiver, 22), 22, 'a duplicate beyond the gap is told like the first');
  assert.equal(receive(receiver, 20), Sacked.nothing);
  assert.equal(receiver.nextSegment, 23);
  assert.equal(receiver.nextByte, 23 * MSS_BYTES);
  assert.equal(receive(receiver, 5), Sacked.duplicate);
  assert.equal(receiver.duplicates, 2);
});

test('segments far beyond a gap are kept', () => {
  const receiver = receiverAt(20);
  for (let segment = 21; segment < 2000; segment++) receive(receiver, segment);
  assert.equal(receiver.nextSegment, 20);
  receive(receiver, 20);
  assert.equal(receiver.nextSegment, 2000);
  assert.equal(receiver.nextByte, 2000 * MSS_BYTES);
});

test('a full buffer delays acknowledgements until the process reads, which tells at once', () => {
  const receiver = receiverAt(20);
  const read = (bytes: number): boolean => receiver.read(bytes, 1e9, 1e6);
  let told = 0;
  for (let segment = 20; segment < 60; segment++) {
    const readable = receiver.take(segment, MSS_BYTES);
    if (receiver.judge(segment, readable, 0) === undefined) continue;
    receiver.acknowledge();
    told++;
  }
  assert.ok(told < 3, `${told}`);
  assert.equal(read(32_768), true);
});

/** RFC 9293 section 3.8.6: the right edge does not move back; section 3.8.6.2.2: nothing is offered when little is left. */
test('the window never shrinks, closes rather than get silly, and opens when half of it is free', () => {
  const window = new ReceiveWindow(MSS_BYTES);
  const edge = window.announce(0);
  assert.equal(edge, 65_536);
  window.unreadBytes = 64_000;
  assert.equal(window.announce(64_000), 65_536);
  assert.equal(window.isWorthTelling(64_000), false);
  window.read(40_000, 1, 1e9);
  assert.equal(window.isWorthTelling(64_000), true);
  assert.ok(window.announce(64_000) > 65_536);
});

/** Half of net.ipv4.tcp_rmem's 6 MiB. */
test('the window grows with what the process reads in a round trip, up to 3 MiB', () => {
  const window = new ReceiveWindow(MSS_BYTES);
  let byte = 0;
  let size = 65_536;
  for (let round = 1; round <= 12; round++) {
    for (let rest = size; rest > 0; rest -= MSS_BYTES) {
      window.unreadBytes += MSS_BYTES;
      window.grow(MSS_BYTES);
      byte += MSS_BYTES;
      window.read(MSS_BYTES, round * 10e6 - 1, 10e6);
    }
    size = window.announce(byte) - byte;
  }
  assert.ok(size <= 3 * 2 ** 20 && size > 3 * 2 ** 20 - 2 * MSS_BYTES, `${size}`);
});
