import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEspSuite } from '../../src/ipsec/suite.js';
import type { Channel, HostCosts } from '../../src/model/channel.js';
import { type BulkOptions, BulkSource } from '../../src/model/packet/bulk-source.js';
import { simulateTransfer } from '../../src/model/packet/simulate-transfer.js';
import type { TransferOutcome } from '../../src/model/packet/transfer-outcome.js';
import type { StreamAction, StreamSource } from '../../src/model/stream-source.js';
import { packetCost } from '../../src/plan/packet-cost.js';
import fc from '../fast-check.js';
import { channelWith, FREE_HOST, transfer } from '../unit/model/packet/channels.js';

const RUNS = 300;

const hostCosts: fc.Arbitrary<HostCosts> = fc.record({
  sharedCore: fc.boolean(),
  processServers: fc.integer({ min: 1, max: 4 }),
  sendPacketNs: fc.integer({ min: 0, max: 20_000 }),
  sendByteNs: fc.double({ min: 0, max: 5, noNaN: true }),
  receivePacketNs: fc.integer({ min: 0, max: 20_000 }),
  receiveByteNs: fc.double({ min: 0, max: 5, noNaN: true }),
  pageNs: fc.constant(0),
  zeroPageNs: fc.constant(0),
});

const STACKS = [[], [{ suite: parseEspSuite('aes128gcm16'), mode: 'tunnel' }]] as const;

const channels: fc.Arbitrary<Channel> = fc
  .record({
    stack: fc.constantFrom(...STACKS),
    mtuBytes: fc.constantFrom(576, 1500, 9000),
    mssBytes: fc.integer({ min: 200, max: 9000 }),
    linkBps: fc.integer({ min: 4, max: 10 }).map((power) => 10 ** power * 3),
    rttNs: fc.integer({ min: 0, max: 50e6 }),
    loss: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.03, noNaN: true })),
    // All fragments of a segment have to fit, or it never arrives
    queuePackets: fc.integer({ min: 20, max: 500 }),
    congestionControl: fc.constantFrom('cubic' as const, 'reno' as const),
    shortEnds: fc.constantFrom(1, 0.6, 0),
    source: hostCosts,
    destination: hostCosts,
  })
  .map(({ stack, ...channel }) => ({ ...channel, cost: packetCost(stack, 4, 12) }));

const streams: fc.Arbitrary<{ bytes: number; options: BulkOptions }> = fc.record({
  bytes: fc.integer({ min: 1, max: 600_000 }),
  options: fc.record({
    writeBytes: fc.integer({ min: 100, max: 300_000 }),
    multifdChannels: fc.integer({ min: 0, max: 3 }),
    cpuNsPerByte: fc.double({ min: 0, max: 5, noNaN: true }),
    destinationNsPerByte: fc.double({ min: 0, max: 5, noNaN: true }),
    bytesPerWindow: fc.integer({ min: 50_000, max: 1_000_000 }),
  }),
});

/** Fails if it is asked at times that decrease or are not whole. */
class WatchedSource implements StreamSource {
  readonly #inner: BulkSource;
  #lastNs = 0;

  constructor(inner: BulkSource) {
    this.#inner = inner;
  }

  get connections(): number {
    return this.#inner.connections;
  }
  get bytes(): number {
    return this.#inner.bytes;
  }
  get cpuNs(): number {
    return this.#inner.cpuNs;
  }
  get connectionNs(): number {
    return this.#inner.connectionNs;
  }
  get destinationNs(): number {
    return this.#inner.destinationNs;
  }
  get untilNs(): number {
    return this.#inner.untilNs;
  }

  next(nowNs: number): StreamAction {
    assert.ok(Number.isSafeInteger(nowNs) && nowNs >= this.#lastNs, `${nowNs} after ${this.#lastNs}`);
    this.#lastNs = nowNs;
    return this.#inner.next(nowNs);
  }
}

function run(
  channel: Channel,
  stream: { bytes: number; options: BulkOptions },
  seed: number,
): TransferOutcome {
  const source = new WatchedSource(new BulkSource(stream.bytes, stream.options));
  return simulateTransfer(channel, source, { seed, timeLimitNs: Number.POSITIVE_INFINITY });
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('every byte that is written is delivered once, and every segment that is sent arrives or is counted as lost', () => {
  fc.assert(
    fc.property(channels, streams, seeds, (channel, stream, seed) => {
      const { wire, drops, ...outcome } = run(channel, stream, seed);
      assert.equal(outcome.complete, true);
      assert.equal(outcome.writtenBytes, stream.bytes);
      assert.equal(outcome.deliveredBytes, stream.bytes);
      assert.equal(wire.segments - drops.segments, drops.arrivedSegments);
      assert.equal(wire.segments - wire.retransmissions, drops.arrivedSegments - drops.duplicateSegments);
      assert.ok(wire.bytesByLayer.payload >= stream.bytes);
      if (wire.retransmissions === 0) assert.equal(wire.bytesByLayer.payload, stream.bytes);
      if (channel.loss === 0) assert.equal(drops.randomPackets, 0);
    }),
    { numRuns: RUNS },
  );
});

test('bytes by layer add up to bytes, and time by limit to the time of the transfer', () => {
  fc.assert(
    fc.property(channels, streams, seeds, (channel, stream, seed) => {
      const outcome = run(channel, stream, seed);
      const { wire } = outcome;
      const layers = Object.values(wire.bytesByLayer).reduce((sum, bytes) => sum + bytes, 0);
      assert.equal(layers, wire.bytes);
      assert.equal(wire.lineBytes, wire.bytes + 24 * wire.packets);
      const limits = Object.values(outcome.nsByLimit);
      assert.ok(limits.every((ns) => ns >= 0));
      const total = limits.reduce((sum, ns) => sum + ns, 0);
      assert.ok(Math.abs(total - outcome.deliveredNs) <= 1e-9 * total, `${total} ${outcome.deliveredNs}`);
    }),
    { numRuns: RUNS },
  );
});

test('nothing is faster than its slowest part', () => {
  fc.assert(
    fc.property(channels, streams, seeds, (channel, stream, seed) => {
      const outcome = run(channel, stream, seed);
      const { wire, source, destination, deliveredNs } = outcome;
      // What found the queue full was never on the line
      const fewestPackets = wire.packets - outcome.drops.queuePackets;
      if (outcome.drops.queuePackets === 0) {
        assert.ok(
          deliveredNs >= (wire.lineBytes - wire.lineBytes / wire.packets) * 0.9 * (8e9 / channel.linkBps) ||
            wire.retransmissions > 0,
        );
      }
      assert.ok(fewestPackets > 0);
      assert.ok(deliveredNs >= channel.rttNs / 2);
      assert.ok(outcome.endNs <= deliveredNs);
      for (const [costs, busy] of [
        [channel.source, source],
        [channel.destination, destination],
      ] as const) {
        if (costs.sharedCore) continue;
        assert.ok(busy.processNs <= deliveredNs * costs.processServers * (1 + 1e-9));
      }
    }),
    { numRuns: RUNS },
  );
});

test('the same seed gives the same outcome, whatever was simulated in between', () => {
  fc.assert(
    fc.property(channels, channels, streams, seeds, (channel, other, stream, seed) => {
      const first = run(channel, stream, seed);
      run(other, stream, seed + 1);
      assert.deepEqual(run(channel, stream, seed), first);
    }),
    { numRuns: 100 },
  );
});

test('a time limit stops the clock, and what was done by then is what the whole transfer had done by then', () => {
  fc.assert(
    fc.property(
      channels,
      streams,
      seeds,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (channel, stream, seed, share) => {
        const whole = run(channel, stream, seed);
        const timeLimitNs = whole.deliveredNs * share;
        const source = new BulkSource(stream.bytes, stream.options);
        const part = simulateTransfer(channel, source, { seed, timeLimitNs });
        assert.equal(part.complete, false);
        assert.ok(part.deliveredBytes <= whole.deliveredBytes);
        assert.ok(part.wire.segments <= whole.wire.segments);
        assert.equal(part.deliveredNs, timeLimitNs);
      },
    ),
    { numRuns: 100 },
  );
});

/**
 * But for one round trip, and for what a busy processor pays for short segments: on a faster link acknowledgements come in other
 * pairs, so that the edges of windows and the ends of writes fall elsewhere, and the last bytes may have to wait for one acknowledgement
 * more. Two in a thousand transfers show it; all others are exactly as long or shorter. With loss nothing of the kind holds: a
 * faster link overflows its queue sooner.
 */
test('more bandwidth never makes a transfer without loss longer, by more than one round trip', () => {
  fc.assert(
    fc.property(
      fc.record({
        linkBps: fc.double({ min: 1e6, max: 5e10, noNaN: true }),
        rttNs: fc.integer({ min: 1000, max: 100e6 }),
        queuePackets: fc.constant(1e6),
        congestionControl: fc.constantFrom('cubic' as const, 'reno' as const),
        shortEnds: fc.constantFrom(1, 0.6, 0),
      }),
      fc.double({ min: 1, max: 20, noNaN: true }),
      fc.integer({ min: 1, max: 10_000_000 }),
      fc.integer({ min: 0, max: 5000 }),
      (changes, factor, bytes, sendPacketNs) => {
        const source = { ...FREE_HOST, sendPacketNs };
        const slow = transfer(channelWith({ ...changes, source }), bytes);
        const fast = transfer(channelWith({ ...changes, source, linkBps: changes.linkBps * factor }), bytes);
        assert.ok(fast.deliveredNs <= 1.005 * slow.deliveredNs + changes.rttNs);
      },
    ),
    { numRuns: RUNS },
  );
});
