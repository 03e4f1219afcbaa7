import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '../../src/packet/decode.js';
import { PacketBatch, PacketFlag } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { assertSoundRow, blockOf } from '../unit/packet/decode-frame.js';
import {
  contents,
  type Datagram,
  fragmentFrame,
  fragmentFrames,
  ReassemblyRun,
  wholeDatagram,
} from '../unit/packet/fragment-frames.js';
import { bytes, ethernet, filler, ipv4, ipv6, ipv6Fragment } from '../unit/packet/frame-builder.js';

const SEED = 8200;

/** UDP, TCP, ESP and AH headers of random bytes among them: what a datagram holds is not the reassembler's business. */
const datagrams: fc.Arbitrary<Datagram> = fc.record({
  isV6: fc.boolean(),
  protocol: fc.constantFrom(6, 17, 50, 51, 4, 41, 253),
  id: fc.nat(0xffff),
  payload: fc.uint8Array({ minLength: 9, maxLength: 3000 }),
  hasOptions: fc.boolean(),
});

/** At most 50 fragments, so that never more spans wait apart than are kept. */
function cutsFor(datagram: Datagram, drawn: readonly number[]): number[] {
  const units = Math.ceil(datagram.payload.length / 8) - 1;
  const cuts = new Set(drawn.slice(0, 49).map((cut) => (1 + (cut % units)) * 8));
  return [...cuts].sort((a, b) => a - b);
}

const cutLists = fc.array(fc.nat(1000), { minLength: 1, maxLength: 49 });

function shuffled<T>(items: readonly T[], order: readonly number[]): T[] {
  return items
    .map((item, i) => [order[i % order.length]! * 1000 + ((i * 7919) % 1000), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const orders = fc.array(fc.nat(1000), { minLength: 1, maxLength: 100 });

test('any split of a datagram, in any order, gives it back', () => {
  fc.assert(
    fc.property(datagrams, cutLists, orders, (datagram, drawn, order) => {
      const cuts = cutsFor(datagram, drawn);
      const frames = shuffled(fragmentFrames(datagram, cuts), order);
      const run = new ReassemblyRun().feed(frames);
      assert.deepEqual(run.counts, { fragments: cuts.length + 1, completed: 1, incomplete: 0, overlaps: 0 });
      assert.deepEqual(run.done[0]?.data, wholeDatagram(datagram));
      assert.equal(run.done[0]?.fragments, frames.length);
      assert.equal(
        run.done[0]?.fragmentBytes,
        frames.reduce((sum, frame) => sum + frame.length, 0),
      );
      assert.equal(run.done[0]?.layerSum, run.fedBytes);
      assert.deepEqual(run.finish(), []);
    }),
    { seed: SEED, numRuns: 400 },
  );
});

test('fragments that come twice or overlap change nothing, and every byte of them has an owner', () => {
  const extras = fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { maxLength: 12 });
  fc.assert(
    fc.property(datagrams, cutLists, orders, extras, (datagram, drawn, order, pieces) => {
      const frames = fragmentFrames(datagram, cutsFor(datagram, drawn));
      for (const [from, units] of pieces) {
        const start = (8 * from) % (datagram.payload.length & ~7);
        const end = Math.min(datagram.payload.length, start + 8 + units * 8);
        if (end - start < datagram.payload.length) frames.push(fragmentFrame(datagram, start, end));
      }
      const run = new ReassemblyRun().feed(shuffled(frames, order));
      assert.ok(run.done.length >= 1);
      for (const { data } of run.done) assert.deepEqual(data, wholeDatagram(datagram));
      const rest = run.finish();
      assert.equal(run.counts.fragments, frames.length);
      const owned = [...run.done, ...rest].reduce((sum, { layerSum }) => sum + layerSum, 0);
      assert.ok(owned <= run.fedBytes);
      if (rest.length === run.counts.incomplete) assert.equal(owned, run.fedBytes);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

/** Datagrams with keys of their own, their fragments mixed. */
const traffic = fc
  .tuple(fc.array(fc.tuple(datagrams, cutLists), { minLength: 1, maxLength: 8 }), orders)
  .map(([drawn, order]) => {
    const whole = drawn.map(([datagram], id) => ({ ...datagram, id }));
    const frames = whole.flatMap((datagram, i) => fragmentFrames(datagram, cutsFor(datagram, drawn[i]![1])));
    return { whole, frames: shuffled(frames, order) };
  });

test('mixed datagrams come apart again', () => {
  fc.assert(
    fc.property(traffic, ({ whole, frames }) => {
      const run = new ReassemblyRun().feed(frames);
      const found = run.done.map(({ data }) => Buffer.from(data).toString('hex')).sort();
      assert.deepEqual(found, whole.map((one) => Buffer.from(wholeDatagram(one)).toString('hex')).sort());
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('pieces of a capture, cut anywhere and joined, give the datagrams and counts of the whole', () => {
  const lossy = fc.tuple(
    traffic,
    fc.array(fc.nat(300), { maxLength: 3 }),
    fc.array(fc.nat(300), { maxLength: 5 }),
  );
  fc.assert(
    fc.property(lossy, ([{ frames }, cutAt, lost]) => {
      const kept = frames.filter((_, i) => !lost.includes(i));
      const ends = [...cutAt.map((at) => at % (kept.length + 1)).sort((a, b) => a - b), kept.length];
      const joined = new ReassemblyRun();
      let start = 0;
      for (const end of ends) {
        joined.merge(new ReassemblyRun().feed(kept.slice(start, end)));
        start = end;
      }
      const single = new ReassemblyRun().feed(kept);
      assert.deepEqual(contents(joined.done), contents(single.done));
      assert.deepEqual(contents(joined.finish()), contents(single.finish()));
      assert.deepEqual(joined.counts, single.counts);
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test('random fragments never throw, and what waits stays bounded', () => {
  const random = fc.record({
    isV6: fc.boolean(),
    id: fc.nat(2000),
    offset: fc.nat(0x1fff),
    more: fc.boolean(),
    length: fc.integer({ min: 0, max: 1400 }),
    kept: fc.integer({ min: 34, max: 1500 }),
  });
  const run = new ReassemblyRun();
  fc.assert(
    fc.property(fc.array(random, { minLength: 50, maxLength: 50 }), (drawn) => {
      const frames = drawn.map(({ isV6, id, offset, more, length }) => {
        const start = offset * (offset % 3 === 0 ? 0 : 8);
        return isV6
          ? ethernet(0x86dd, ipv6({ nextHeader: 44 }, ipv6Fragment(17, start, more, filler(length), id)))
          : ethernet(
              0x0800,
              ipv4({ protocol: 17, id, fragmentOffset: start, moreFragments: more }, filler(length)),
            );
      });
      run.feed(frames, 0, drawn[0]!.kept);
      assert.ok(run.reassembler.pending().length <= 1024);
    }),
    { seed: SEED, numRuns: 200 },
  );
  assert.equal(run.counts.fragments > 5000, true);
  assert.ok(run.counts.incomplete > 0, 'more than can wait were tried');
  for (const { layerSum } of run.finish()) assert.ok(layerSum >= 0);
  assert.equal(run.reassembler.pending().length, 0);
});

test('fragments of random bytes put together decode to a sound row, malformed or not', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 9, maxLength: 400 }),
      fc.constantFrom(4, 6, 17, 47, 50, 51, 60),
      (payload, protocol) => {
        const datagram = { isV6: protocol === 60, protocol, id: 3, payload };
        const run = new ReassemblyRun().feed(fragmentFrames(datagram, [8]));
        assert.equal(run.done[0]?.layerSum, payload.length);
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

test('a frame is a fragment for the reassembler only if its outermost datagram is fragmented', () => {
  const inner = ipv4({ protocol: 17, moreFragments: true }, filler(16));
  const batch = new PacketBatch(blockOf([ethernet(0x0800, ipv4({ protocol: 4 }, bytes(inner)))]));
  new Decoder(batch, null).decode();
  assertSoundRow(batch, 0);
  assert.equal(batch.flags[0]! & PacketFlag.fragment, 0);
  assert.equal(batch.fragmentRows, 0);
});
