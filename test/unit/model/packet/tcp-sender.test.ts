import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewReno } from '../../../../src/model/packet/congestion-control.js';
import { RttEstimator } from '../../../../src/model/packet/rtt-estimator.js';
import { Scoreboard } from '../../../../src/model/packet/scoreboard.js';
import { SendBuffer } from '../../../../src/model/packet/send-buffer.js';
import { type SegmentOutput, TcpSender } from '../../../../src/model/packet/tcp-sender.js';
import { assertNear, MSS_BYTES } from './channels.js';

const RTT_NS = 10e6;
const OPEN_WINDOW = 1e9;

/** Notes what is sent, and takes no time for it. */
class Notes implements SegmentOutput {
  readonly segments: number[] = [];
  readonly payloads: number[] = [];
  nowNs = 0;

  emit(_connection: number, segment: number, payloadBytes: number): number {
    this.segments.push(segment);
    this.payloads.push(payloadBytes);
    return this.nowNs;
  }
}

function senderOf(bytes: number): { sender: TcpSender; notes: Notes } {
  const sender = new TcpSender(0, MSS_BYTES, new NewReno(), RTT_NS);
  sender.buffer.writtenByte = bytes;
  const notes = new Notes();
  sender.push(0, notes);
  return { sender, notes };
}

/** RFC 6928. */
test('the first window is ten segments', () => {
  assert.deepEqual(senderOf(1e6).notes.segments, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('less than a segment waits for the rest of the write, and goes when the write is done', () => {
  const sender = new TcpSender(0, MSS_BYTES, new NewReno(), RTT_NS);
  const notes = new Notes();
  sender.buffer.writtenByte = MSS_BYTES + 10;
  sender.isWriting = true;
  sender.push(0, notes);
  sender.isWriting = false;
  sender.push(0, notes);
  assert.deepEqual(notes.payloads, [MSS_BYTES, 10]);
});

/** RFC 9293 section 3.8.6: edges do not move back. */
test('nothing goes beyond the right edge of the window, which is 65536 bytes at first', () => {
  const { sender, notes } = senderOf(1e6);
  for (let round = 1; round <= 10; round++) {
    notes.nowNs = round * RTT_NS;
    sender.acknowledge(notes.nowNs, notes.segments.length, -1, 0);
    sender.push(notes.nowNs, notes);
  }
  assert.equal(notes.segments.length, Math.floor(65_536 / MSS_BYTES));
});

/** RFC 8985 section 6.2 with three segments beyond the gap; RFC 6937: half of the window and no burst. */
test('recovery sends the lost segment again and then one for each two that arrive', () => {
  const { sender, notes } = senderOf(1e6);
  notes.nowNs = RTT_NS;
  sender.acknowledge(RTT_NS, 1, -1, OPEN_WINDOW);
  sender.push(RTT_NS, notes);
  const before = notes.segments.length;
  for (let sacked = 2; sacked < 10; sacked++) {
    sender.acknowledge(RTT_NS, 1, sacked, OPEN_WINDOW);
    sender.push(RTT_NS, notes);
  }
  const during = notes.segments.slice(before);
  assert.equal(during[0], 12, 'the first two that are sacked let new segments go (RFC 3042)');
  assert.ok(during.includes(1));
  assert.equal(during.filter((segment) => segment === 1).length, 1);
  assert.equal(sender.window.ssthresh, 11 / 2);
  assert.ok(during.length <= 7, `${during}`);
});

test('the window does not grow while the application is what limits', () => {
  const { sender, notes } = senderOf(2 * MSS_BYTES);
  for (let round = 1; round <= 50; round++) {
    sender.acknowledge(round * RTT_NS, 2 * round, -1, OPEN_WINDOW);
    sender.buffer.writtenByte += 2 * MSS_BYTES;
    sender.push(round * RTT_NS, notes);
  }
  assert.ok(sender.window.segments <= 11, `${sender.window.segments}`);
});

/** RFC 5681 section 4.1; `tcp_cwnd_restart`. */
test('after a long silence the window is the initial one again', () => {
  const { sender, notes } = senderOf(100 * MSS_BYTES);
  let acknowledged = 0;
  for (let round = 1; acknowledged < 100; round++) {
    notes.nowNs = round * RTT_NS;
    acknowledged = notes.segments.length;
    sender.acknowledge(round * RTT_NS, acknowledged, -1, OPEN_WINDOW);
    sender.push(round * RTT_NS, notes);
  }
  assert.ok(sender.window.segments > 60);
  sender.buffer.writtenByte += MSS_BYTES;
  sender.push(60e9, notes);
  assert.equal(sender.window.segments, 10);
});

/** RFC 6298 section 2, with Linux's lower bound of the variation. */
test('the retransmission timeout is the round trip and 200 ms, or four variations if that is more', () => {
  const rtt = new RttEstimator(10e6);
  assert.equal(rtt.timeoutNs, 210e6);
  for (let sample = 0; sample < 200; sample++) rtt.sample(sample % 2 === 0 ? 100e6 : 300e6);
  assertNear(rtt.srttNs, 200e6, 0.1, 'smoothed');
  assertNear(rtt.timeoutNs, 200e6 + 4 * 100e6, 0.1, 'timeout');
  rtt.backOff();
  assertNear(rtt.timeoutNs, 2 * 600e6, 0.1, 'backed off');
  for (let again = 0; again < 20; again++) rtt.backOff();
  assert.equal(rtt.timeoutNs, 120e9);
  rtt.resetBackoff();
  assertNear(rtt.timeoutNs, 600e6, 0.1, 'reset');
});

/** 87040 is what `ss -m` shows for a new connection of MTU 1500 as tb, 332800 for MTU 9000. */
test('the memory of a new connection is that of Linux, and takes one more portion than fits', () => {
  for (const [mssBytes, limitBytes] of [
    [1448, 87_040],
    [8948, 332_800],
  ] as const) {
    const buffer = new SendBuffer(mssBytes);
    assert.equal(buffer.portionBytes % mssBytes, 0);
    assert.ok(buffer.portionBytes > 65_536 - 320 - mssBytes && buffer.portionBytes < 65_536);
    buffer.writtenByte = limitBytes * 0.95;
    assert.equal(buffer.hasRoom(0), true);
    buffer.writtenByte = limitBytes;
    assert.equal(buffer.hasRoom(0), false);
    assert.equal(buffer.isWriteable(0.2 * limitBytes), false);
    assert.equal(buffer.isWriteable(0.4 * limitBytes), true);
    buffer.expand(1e6);
    buffer.writtenByte = 4 * 2 ** 20;
    assert.equal(buffer.hasRoom(0), false);
    assert.equal(buffer.hasRoom(0.1 * 2 ** 20), true);
  }
});

test('a transmission that a later one overtook is lost, its retransmission too', () => {
  const board = new Scoreboard();
  for (let segment = 0; segment < 5; segment++) board.send((segment + 1) * MSS_BYTES, MSS_BYTES, segment);
  board.acknowledge(0, 100, 50);
  board.sack(3, 100, 50);
  assert.equal(board.detectLost(100, 0), Number.POSITIVE_INFINITY);
  assert.deepEqual([board.lostOut, board.sackedOut, board.inFlight, board.toRetransmit], [3, 1, 1, 3]);
  assert.equal(board.firstToRetransmit(), 0);
  board.retransmit(0, 101);
  assert.equal(board.firstToRetransmit(), 1);
  board.retransmit(1, 102);
  // The second retransmission arrives, the first has not
  board.acknowledge(0, 200, 50);
  board.sack(1, 200, 50);
  board.detectLost(200, 0);
  assert.equal(board.firstToRetransmit(), 0);
  // Nor has the fifth segment, sent before
  assert.deepEqual([board.lostOut, board.retransmittedOut, board.toRetransmit], [3, 0, 3]);
});

/** RFC 8985 section 6.2: what was sent before a delivered retransmission is lost, though nothing else was missing when that came. */
test('a segment is found lost that was sent just before the retransmission which filled the only gap', () => {
  const board = new Scoreboard();
  for (let segment = 0; segment < 4; segment++) board.send((segment + 1) * MSS_BYTES, MSS_BYTES, segment);
  board.acknowledge(0, 100, 50);
  for (const segment of [1, 2]) board.sack(segment, 100, 50);
  board.detectLost(100, 0);
  board.retransmit(board.firstToRetransmit(), 101);
  board.acknowledge(3, 200, 50);
  assert.equal(board.inFlight, 1);
  board.detectLost(200, 0);
  assert.deepEqual([board.lostOut, board.toRetransmit, board.inFlight], [1, 1, 0]);
  assert.equal(board.firstToRetransmit(), 3);
});

test('within the reordering window nothing is lost yet, and the scoreboard says when to look again', () => {
  const board = new Scoreboard();
  for (let segment = 0; segment < 3; segment++) board.send((segment + 1) * MSS_BYTES, MSS_BYTES, segment);
  board.acknowledge(0, 102, 50);
  board.sack(2, 102, 50);
  assert.equal(board.detectLost(102, 25), 0 + 100 + 25);
  assert.equal(board.lostOut, 0);
  assert.equal(board.detectLost(125, 25), 1 + 100 + 25);
  assert.equal(board.lostOut, 1);
});

test('the scoreboard grows with the window', () => {
  const board = new Scoreboard();
  for (let segment = 0; segment < 5000; segment++) board.send((segment + 1) * 10, 10, segment);
  board.acknowledge(100, 6000, 50);
  for (let segment = 5000; segment < 9000; segment++) board.send((segment + 1) * 10, 10, segment);
  for (const segment of [100, 4999, 8999]) assert.equal(board.endByte(segment), (segment + 1) * 10);
  board.acknowledge(9000, 9100, 50);
  assert.equal(board.inFlight, 0);
});
