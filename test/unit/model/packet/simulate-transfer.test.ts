import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEspSuite } from '../../../../src/ipsec/suite.js';
import { BulkSource } from '../../../../src/model/packet/bulk-source.js';
import { simulateTransfer } from '../../../../src/model/packet/simulate-transfer.js';
import type { TransferOutcome } from '../../../../src/model/packet/transfer-outcome.js';
import { packetCost } from '../../../../src/plan/packet-cost.js';
import { planTransfer } from '../../../../src/plan/transfer.js';
import {
  assertNear,
  channelWith,
  FREE_HOST,
  LINE_BYTES,
  LossOf,
  MSS_BYTES,
  payloadBps,
  transfer,
} from './channels.js';

const MIB = 2 ** 20;

function shareOf(outcome: TransferOutcome, limit: keyof TransferOutcome['nsByLimit']): number {
  return outcome.nsByLimit[limit] / outcome.deliveredNs;
}

/** With one bottleneck that is never idle the rate is that of the bottleneck: conservation of flow. */
test('a long transfer without loss runs at the rate of the link', () => {
  for (const linkBps of [100e6, 1e9, 10e9]) {
    for (const congestionControl of ['cubic', 'reno'] as const) {
      const outcome = transfer(channelWith({ linkBps, congestionControl }), 256 * MIB);
      assertNear(
        payloadBps(outcome),
        (linkBps * MSS_BYTES) / LINE_BYTES,
        0.01,
        `${congestionControl} ${linkBps}`,
      );
      assert.ok(shareOf(outcome, 'link') > 0.98);
    }
  }
});

test('a source whose processor is the bottleneck sends a packet each time it is done with one', () => {
  for (const sharedCore of [false, true]) {
    const source = { ...FREE_HOST, sharedCore, sendPacketNs: 18_000, sendByteNs: 2 };
    const outcome = transfer(channelWith({ source }), 64 * MIB);
    assertNear(payloadBps(outcome), (8e9 * MSS_BYTES) / (18_000 + 2 * MSS_BYTES), 0.01, 'rate');
    assert.ok(shareOf(outcome, 'sourceCpu') > 0.99);
    assertNear(outcome.source.processNs + outcome.source.softirqNs, outcome.endNs, 0.01, 'busy time');
  }
});

test('on a shared core QEMU, sending and acknowledgements add up', () => {
  const source = { ...FREE_HOST, sharedCore: true, sendPacketNs: 9000, receivePacketNs: 4000 };
  const outcome = transfer(channelWith({ source, linkBps: 10e9 }), 64 * MIB, { cpuNsPerByte: 3 });
  const perSegment = 9000 + (4000 * outcome.wire.acknowledgements) / outcome.wire.segments + 3 * MSS_BYTES;
  assertNear(payloadBps(outcome), (8e9 * MSS_BYTES) / perSegment, 0.01, 'rate');
});

test('a destination whose softirq is the bottleneck sets the rate, without loss', () => {
  const destination = { ...FREE_HOST, receivePacketNs: 20_000, sendPacketNs: 5000 };
  const outcome = transfer(channelWith({ destination }), 128 * MIB);
  assertNear(payloadBps(outcome), (8e9 * MSS_BYTES) / (20_000 + 5000 / 2), 0.01, 'rate');
  assert.equal(outcome.wire.retransmissions, 0);
  assert.ok(shareOf(outcome, 'destinationCpu') > 0.98);
});

test('a destination whose process is the bottleneck closes the receive window and sets the rate', () => {
  for (const sharedCore of [false, true]) {
    const destination = { ...FREE_HOST, sharedCore };
    const outcome = transfer(channelWith({ destination }), 128 * MIB, { destinationNsPerByte: 20 });
    assertNear(payloadBps(outcome), 8e9 / 20, 0.01, 'rate');
    assert.equal(outcome.wire.retransmissions, 0);
    assert.ok(shareOf(outcome, 'destinationCpu') > 0.99);
  }
});

/**
 * RFC 7323 section 1.1: at most a window in each round trip. The receiver's is half of net.ipv4.tcp_rmem's 6 MiB (tcp_adv_win_scale 1); the
 * sender's memory is 4 MiB, and a writer that waits for room is woken when a third of it is free (`sk_stream_is_writeable`).
 */
test('a long way is limited by the windows of both ends in each round trip', () => {
  const outcome = transfer(channelWith({ linkBps: 10e9, rttNs: 100e6 }), 1024 * MIB);
  const windowBytes = (payloadBps(outcome) / 8) * 0.1;
  assert.ok(windowBytes < 3 * MIB, `${windowBytes}`);
  assert.ok(windowBytes > (2 / 3) * 4 * MIB * 0.93, `${windowBytes}`);
  assert.ok(shareOf(outcome, 'roundTrips') > 0.9);
});

test("a source that keeps to a rate limit is limited by it, and the link's share is what it carries", () => {
  const outcome = transfer(channelWith(), 64 * MIB, { bytesPerWindow: 4 * MIB });
  assertNear(payloadBps(outcome), 40 * MIB * 8, 0.07, 'rate');
  assertNear(shareOf(outcome, 'link'), (outcome.wire.lineBytes * 8) / outcome.deliveredNs, 0.01, 'link');
  assertNear(shareOf(outcome, 'link') + shareOf(outcome, 'maxBandwidth'), 1, 0.02, 'both');
});

test('multifd connections share the link, the threads that write them and the threads that read them', () => {
  const link = transfer(channelWith({ linkBps: 10e9 }), 256 * MIB, { multifdChannels: 4 });
  assertNear(payloadBps(link), (10e9 * MSS_BYTES) / LINE_BYTES, 0.01, 'link');
  const source = { ...FREE_HOST, sendPacketNs: 20_000 };
  const four = transfer(channelWith({ linkBps: 10e9, source }), 1024 * MIB, { multifdChannels: 4 });
  assert.ok(payloadBps(four) > 3.8 * ((8e9 * MSS_BYTES) / 20_000), `${payloadBps(four)}`);
  const slow = transfer(channelWith({ linkBps: 10e9 }), 512 * MIB, {
    multifdChannels: 4,
    destinationNsPerByte: 20,
  });
  assertNear(payloadBps(slow), (4 * 8e9) / 20, 0.02, 'readers');
});

/** `planTransfer` counts the same packets without simulating them. */
test('packets and bytes by layer of a transfer in one write are those that are planned', () => {
  const suite = parseEspSuite('aes128gcm16');
  const stack = [{ suite, mode: 'tunnel', outerFamily: 4 }] as const;
  for (const mss of ['auto', 1448] as const) {
    const payloadBytes = 10_000_000;
    const plan = planTransfer({ payloadBytes, stack, family: 4, linkMtuBytes: 1500, mss });
    const channel = channelWith({ cost: packetCost(stack, 4, 12), mssBytes: plan.mssBytes });
    const { wire } = transfer(channel, payloadBytes, { writeBytes: payloadBytes });
    assert.equal(wire.segments - wire.retransmissions, plan.segments);
    if (wire.retransmissions === 0) {
      assert.equal(wire.packets, plan.packets);
      assert.equal(wire.bytes, plan.wireBytes);
      assert.equal(wire.lineBytes, plan.lineBytes);
      assert.deepEqual(wire.bytesByLayer, plan.layers);
      // The last, short segment is whole
      assert.equal(wire.fragments, plan.fragmented ? plan.packets - 1 : 0);
    }
  }
});

/** IPv4 reassembles all fragments or nothing (RFC 791 section 3.2): one fragment lost is the segment lost. */
test('a segment arrives only if all of its fragments do', () => {
  const channel = channelWith({ mtuBytes: 1000, linkBps: 100e6, loss: 0.01, rttNs: 1e6 });
  const { wire, drops } = transfer(channel, 50 * MIB);
  assertNear(wire.fragments, 2 * wire.segments, 0.001, 'fragments');
  assertNear(drops.segments / wire.segments, 1 - 0.99 ** 2, 0.1, 'loss of segments');
  assertNear(drops.randomPackets / wire.packets, 0.01, 0.1, 'loss of packets');
});

test('the last bytes of a write go at once when nothing keeps them, and with the next write when the window is closed', () => {
  const writes = 50;
  const bytes = writes * (10 * MSS_BYTES + 100);
  const open = transfer(channelWith({ linkBps: 100e9, rttNs: 1000 }), bytes, {
    writeBytes: bytes / writes,
    cpuNsPerByte: 10,
  });
  assert.equal(open.wire.segments, writes * 11);
  const closed = transfer(channelWith({ linkBps: 10e6 }), bytes, { writeBytes: bytes / writes });
  assert.ok(closed.wire.segments < bytes / MSS_BYTES + 10, `${closed.wire.segments}`);
});

test('of writes to an empty socket the share that the channel tells ends with a segment of its own', () => {
  // 14 full segments and 5800 bytes, once in about 1.3 ms.
  const options = { writeBytes: 131_072, cpuNsPerByte: 10 };
  const writes = 100;
  const segmentsWith = (shortEnds: number): number => {
    const channel = channelWith({ mtuBytes: 9000, mssBytes: 8948, linkBps: 10e9, shortEnds });
    return transfer(channel, writes * options.writeBytes, options).wire.segments;
  };
  assert.equal(segmentsWith(1), 15 * writes);
  assert.equal(segmentsWith(0), Math.ceil((writes * options.writeBytes) / 8948));
  assertNear(segmentsWith(0.5), (segmentsWith(0) + segmentsWith(1)) / 2, 0.002, 'half of them');
});

test('a lost segment is sent again after three others have arrived, without a timeout', () => {
  const { wire, timeouts, deliveredNs } = transfer(channelWith({ rttNs: 10e6 }), 30 * MSS_BYTES, {
    losses: new LossOf(4),
  });
  assert.equal(wire.retransmissions, 1);
  assert.equal(timeouts, 0);
  // Three round trips without loss: handed over, window of ten, of twenty; one more to repair
  assert.ok(deliveredNs < 4 * 10e6, `${deliveredNs}`);
});

/** RFC 8985 section 7.2: two round trips and an allowance, and 200 ms more for a single segment, whose acknowledgement may be delayed. */
test('a lost last segment is repaired by a tail loss probe', () => {
  const several = transfer(channelWith({ rttNs: 10e6 }), 10 * MSS_BYTES, { losses: new LossOf(8, 9) });
  assert.equal(several.timeouts, 0);
  assert.ok(several.deliveredNs < 60e6, `${several.deliveredNs}`);
  const single = transfer(channelWith({ rttNs: 10e6 }), 10 * MSS_BYTES, { losses: new LossOf(9) });
  assert.equal(single.timeouts, 0);
  assert.ok(single.deliveredNs > 200e6 && single.deliveredNs < 260e6, `${single.deliveredNs}`);
});

/** RFC 6298 with Linux's 200 ms; section 5.5: each timeout doubles the next. */
test('when everything is lost the retransmission timer repairs it, and backs off', () => {
  const once = transfer(channelWith({ rttNs: 10e6 }), MSS_BYTES, { losses: new LossOf(0, 1) });
  assert.equal(once.timeouts, 1);
  assert.equal(once.wire.retransmissions, 2);
  const thrice = transfer(channelWith({ rttNs: 10e6 }), MSS_BYTES, { losses: new LossOf(0, 1, 2, 3) });
  assert.equal(thrice.timeouts, 3);
  assert.ok(thrice.deliveredNs > once.deliveredNs + 2 * 200e6 + 4 * 200e6, `${thrice.deliveredNs}`);
});

test('the time limit breaks a transfer off, and the figures are those of that time', () => {
  const outcome = simulateTransfer(channelWith(), new BulkSource(256 * MIB), { seed: 1, timeLimitNs: 1e9 });
  assert.equal(outcome.complete, false);
  assert.equal(outcome.deliveredNs, 1e9);
  assertNear(outcome.deliveredBytes, (1e9 * MSS_BYTES) / LINE_BYTES / 8, 0.01, 'bytes');
  assertNear(sum(outcome.nsByLimit), 1e9, 1e-9, 'limits');
});

test('a transfer of nothing is over at once', () => {
  const outcome = transfer(channelWith(), 0);
  assert.equal(outcome.complete, true);
  assert.equal(outcome.deliveredNs, 0);
  assert.equal(outcome.wire.packets, 0);
});

function sum(byName: Readonly<Record<string, number>>): number {
  return Object.values(byName).reduce((total, part) => total + part, 0);
}

/**
 * Data segments of real migrations (captures/migration), as tshark counts them:
 * tshark -r FILE -Y 'tcp.dstport==49152 && tcp.len>0' -T fields -e tcp.len. QEMU writes 32 pages at once (32 * 4104 bytes) with TCP_NODELAY.
 * The processors' costs are those of an emulated machine by order of magnitude: the number of segments depends on them through
 * how many writes find the connection idle, each of which adds a short segment.
 */
test('writes of 32 pages become as many segments as in captured migrations', () => {
  const busy = { ...FREE_HOST, sharedCore: true, sendPacketNs: 8000, sendByteNs: 1, receivePacketNs: 4000 };
  const ends = { rttNs: 50e3, source: busy, destination: busy };
  const captured = [
    { segments: 9565, bytes: 13_801_828, channel: channelWith({ ...ends, linkBps: 10e9 }) },
    { segments: 3371, bytes: 4_864_270, channel: channelWith({ ...ends, linkBps: 10e9 }) },
    { segments: 3549, bytes: 5_135_242, channel: channelWith({ ...ends, linkBps: 40e6 }) },
  ];
  for (const { segments, bytes, channel } of captured) {
    const options = { writeBytes: 32 * 4104, cpuNsPerByte: 8, destinationNsPerByte: 8 };
    assertNear(transfer(channel, bytes, options).wire.segments, segments, 0.005, 'segments');
  }
});
