import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketBatch } from '../../../src/packet/packet-batch.js';
import { blockOf, describeRow } from './decode-frame.js';
import {
  contents,
  type Datagram,
  fragmentFrame,
  fragmentFrames,
  ReassemblyRun,
  wholeDatagram,
} from './fragment-frames.js';
import { bytes, ethernet, filler, ipv4, ipv6, ipv6Fragment, nullEsp, tcp, udp } from './frame-builder.js';

const UDP: Datagram = { isV6: false, protocol: 17, id: 7, payload: udp(1000, 2000, filler(1992)) };
const UDP6: Datagram = { ...UDP, isV6: true };
const NONE_LOST = { incomplete: 0, overlaps: 0 };

for (const [name, datagram] of [
  ['IPv4', UDP],
  ['IPv4 with options', { ...UDP, hasOptions: true }],
  ['IPv6', UDP6],
  ['IPv6 with an extension header in front', { ...UDP6, hasOptions: true }],
] as const) {
  test(`gives back the datagram in any order: ${name}`, () => {
    const [a, b, c] = fragmentFrames(datagram, [800, 1600]) as [Uint8Array, Uint8Array, Uint8Array];
    for (const frames of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
      [c, a, b],
    ]) {
      const run = new ReassemblyRun().feed(frames);
      assert.deepEqual(run.counts, { fragments: 3, completed: 1, ...NONE_LOST });
      assert.equal(run.done.length, 1);
      assert.deepEqual(run.done[0]!.data, wholeDatagram(datagram));
      assert.equal(run.done[0]!.fragments, 3);
      assert.equal(run.done[0]!.fragmentBytes, a.length + b.length + c.length);
      assert.deepEqual(run.finish(), []);
    }
  });
}

test('a datagram’s row owns what its fragments carried, not the headers that the frames own', () => {
  const run = new ReassemblyRun().feed(fragmentFrames(UDP, [800, 1600]));
  assert.deepEqual(run.done[0]!.row.layers, { transport: 8, payload: 1992 });
  assert.deepEqual(run.done[0]!.row.flags, ['udp', 'reassembled']);
});

test('frames that claim nearly 4 GiB on the wire are added up, not wrapped', () => {
  const frames = fragmentFrames(UDP, [800]);
  const block = blockOf(frames);
  block.wireLength[0] = 2 ** 32 - 1;
  const run = new ReassemblyRun();
  run.feedBatch(new PacketBatch(block));
  assert.equal(run.done[0]!.fragmentBytes, 2 ** 32 - 1 + frames[1]!.length);
});

test('extension headers behind the fragment header are among what the fragments carried', () => {
  const payload = bytes('06 00 01 04 00000000', tcp({}, filler(100)));
  const run = new ReassemblyRun().feed(fragmentFrames({ ...UDP6, protocol: 60, payload }, [64]));
  assert.deepEqual(run.done[0]!.row.layers, { ip: 8, transport: 20, payload: 100 });
});

test('fragments of ESP are one ESP packet again', () => {
  const payload = nullEsp({ spi: 0x77, sequence: 3 }, 6, tcp({}, filler(2000)));
  const run = new ReassemblyRun().feed(fragmentFrames({ ...UDP, protocol: 50, payload }, [1480]));
  const [header] = run.done[0]!.row.security;
  assert.deepEqual([header?.spi, header?.sequence, header?.end], [0x77, 3, 20 + payload.length]);
});

test('datagrams are told apart by identification, protocol and addresses', () => {
  const others: Datagram[] = [{ ...UDP, id: 8 }, { ...UDP, protocol: 50 }, UDP6];
  for (const other of others) {
    const run = new ReassemblyRun();
    run.feed([fragmentFrame(UDP, 0, 800), fragmentFrame(other, 800, 2000)]);
    assert.deepEqual(run.counts, { fragments: 2, completed: 0, ...NONE_LOST });
  }
  const elsewhere = ethernet(
    0x0800,
    ipv4({ protocol: 17, id: 7, fragmentOffset: 800, source: '0a090003' }, filler(1200)),
  );
  const run = new ReassemblyRun().feed([fragmentFrame(UDP, 0, 800), elsewhere]);
  assert.equal(run.counts.completed, 0);
});

test('IPv6 fragments need not name the same next header: the first one decides', () => {
  const frames = [fragmentFrame(UDP6, 0, 800), fragmentFrame({ ...UDP6, protocol: 99 }, 800, 2000)];
  const run = new ReassemblyRun().feed(frames.toReversed());
  assert.deepEqual(run.done[0]?.data, wholeDatagram(UDP6));
});

test('what came first stays where fragments overlap; the repeated bytes are other', () => {
  const liar = fragmentFrame({ ...UDP, payload: filler(2000, 5) }, 400, 1200);
  const frames = [fragmentFrame(UDP, 0, 800), liar, fragmentFrame(UDP, 800, 2000)];
  const run = new ReassemblyRun().feed(frames);
  assert.deepEqual(run.counts, { fragments: 3, completed: 1, incomplete: 0, overlaps: 2 });
  const expected = wholeDatagram(UDP);
  expected.set(filler(2000, 5).subarray(800, 1200), 20 + 800);
  assert.deepEqual(run.done[0]!.data, expected);
  assert.deepEqual(run.done[0]!.row.layers, { transport: 8, payload: 1992, other: 800 });
});

test('a fragment that came twice is counted and changes nothing', () => {
  const [a, b] = fragmentFrames(UDP, [800]) as [Uint8Array, Uint8Array];
  const run = new ReassemblyRun().feed([a, a, a, b]);
  assert.deepEqual(run.counts, { fragments: 4, completed: 1, incomplete: 0, overlaps: 2 });
  assert.deepEqual(run.done[0]!.data, wholeDatagram(UDP));
  assert.equal(run.done[0]!.layerSum, run.fedBytes);
});

test('waits 30 seconds of capture time, then gives the datagram up', () => {
  const [a, b] = fragmentFrames(UDP, [800]) as [Uint8Array, Uint8Array];
  assert.equal(new ReassemblyRun().feed([a], 100).feed([b], 130).counts.completed, 1);
  const late = new ReassemblyRun().feed([a], 100).feed([b], 131);
  assert.equal(late.counts.completed, 0);
  assert.equal(late.finish().length, 1, 'the beginning is there, the end has none');
  assert.equal(late.counts.incomplete, 2);
});

test('an identification that comes round after 8192 fragments begins a new datagram', () => {
  const [a, b] = fragmentFrames(UDP, [800]) as [Uint8Array, Uint8Array];
  const pair = fragmentFrames({ ...UDP, id: 9 }, [800]);
  const between = (count: number) => Array.from({ length: count / 2 }, () => pair).flat();
  assert.equal(new ReassemblyRun().feed([a, ...between(8190), b]).counts.completed, 4096);
  assert.equal(new ReassemblyRun().feed([a, ...between(8192), b]).counts.completed, 4096);
});

test('a datagram never completed shows its beginning, and owns only bytes that came', () => {
  const run = new ReassemblyRun().feed([fragmentFrame(UDP, 0, 800), fragmentFrame(UDP, 1600, 2000)]);
  const [beginning] = run.finish();
  assert.deepEqual(run.counts, { fragments: 2, completed: 0, incomplete: 1, overlaps: 0 });
  assert.deepEqual(beginning?.row.flags, ['udp', 'cutBySnaplen', 'reassembled', 'incomplete']);
  assert.deepEqual(beginning?.data.subarray(20), UDP.payload.subarray(0, 800));
  assert.deepEqual(beginning?.row.layers, { transport: 8, payload: 1192 });
  assert.equal(beginning?.layerSum, run.fedBytes);
});

test('without its first fragment a datagram stays unseen, but counted', () => {
  const run = new ReassemblyRun().feed([fragmentFrame(UDP, 800, 1600), fragmentFrame(UDP, 1600, 2000)]);
  assert.deepEqual(run.finish(), []);
  assert.equal(run.counts.incomplete, 1);
});

test('fragments cut by the snap length complete the datagram with what is there', () => {
  const run = new ReassemblyRun().feed(fragmentFrames(UDP, [800, 1600]), 0, 14 + 20 + 100);
  assert.deepEqual(run.counts, { fragments: 3, completed: 1, ...NONE_LOST });
  assert.deepEqual(run.done[0]!.data.subarray(20), UDP.payload.subarray(0, 100));
  assert.deepEqual(run.done[0]!.row.layers, { transport: 8, payload: 1992 });
  assert.deepEqual(run.done[0]!.row.flags, ['udp', 'cutBySnaplen', 'reassembled']);
});

test('a first fragment whose IP header is not wholly captured gives no header', () => {
  const datagram = { ...UDP, hasOptions: true };
  const run = new ReassemblyRun().feed(fragmentFrames(datagram, [800]), 0, 14 + 22);
  assert.equal(run.counts.completed, 0);
  assert.deepEqual(run.finish(), []);
});

test('the greatest IPv4 datagram and the greatest IPv6 payload come back whole', () => {
  for (const [isV6, length] of [
    [false, 65_515],
    [true, 65_535],
  ] as const) {
    const datagram = { isV6, protocol: 17, id: 1, payload: udp(1, 2, filler(length - 8)) };
    const cuts = Array.from({ length: 44 }, (_, i) => (i + 1) * 1480).filter((cut) => cut < length);
    const run = new ReassemblyRun().feed(fragmentFrames(datagram, cuts));
    assert.equal(run.counts.completed, 1);
    assert.deepEqual(run.done[0]!.data, wholeDatagram(datagram));
    assert.equal(run.done[0]!.row.payloadLength, length - 8);
  }
});

test('a fragment that would make the datagram too great is malformed', () => {
  const frame = ethernet(0x0800, ipv4({ protocol: 1, fragmentOffset: 65_512 }, filler(8)));
  const batch = new PacketBatch(blockOf([frame]));
  const run = new ReassemblyRun();
  assert.deepEqual(run.feedBatch(batch), [0]);
  assert.deepEqual(describeRow(batch, 0).error, {
    kind: 'value',
    layer: 'fragment',
    offset: 14,
    required: 0,
    actual: 65_512,
  });
  assert.equal(run.counts.fragments, 1);
  assert.equal(run.finish().length, 0);
});

test('a fragment with more to come of a length that is no multiple of 8, or of no length, is malformed', () => {
  for (const [length, required] of [
    [13, 16],
    [0, 8],
  ] as const) {
    const frames = [
      ethernet(0x0800, ipv4({ protocol: 1, moreFragments: true }, filler(length))),
      ethernet(0x86dd, ipv6({ nextHeader: 44 }, ipv6Fragment(17, 0, true, filler(length)))),
    ];
    const batch = new PacketBatch(blockOf(frames));
    assert.deepEqual(new ReassemblyRun().feedBatch(batch), [0, 1]);
    for (const [row, offset] of [
      [0, 14],
      [1, 54],
    ] as const)
      assert.deepEqual(describeRow(batch, row).error, {
        kind: 'length',
        layer: 'fragment',
        offset,
        required,
        actual: length,
      });
  }
});

test('a datagram in more pieces than are kept apart is given up, not put together wrongly', () => {
  const payload = filler(65_000);
  const datagram = { ...UDP, payload };
  const everyOther = Array.from({ length: 65 }, (_, i) => fragmentFrame(datagram, i * 16, i * 16 + 8));
  const run = new ReassemblyRun().feed(everyOther);
  assert.equal(run.counts.completed, 0);
  assert.equal(run.finish().length, 1);
  assert.equal(run.counts.incomplete, 1);
});

test('a datagram that lies across the cut between two pieces is joined', () => {
  const frames = fragmentFrames(UDP, [400, 800, 1200]);
  for (let cut = 0; cut <= frames.length; cut++) {
    const run = new ReassemblyRun().feed(frames.slice(0, cut));
    run.merge(new ReassemblyRun().feed(frames.slice(cut)));
    assert.deepEqual(contents(run.done), contents(new ReassemblyRun().feed(frames).done));
    assert.deepEqual(run.counts, { fragments: 4, completed: 1, ...NONE_LOST });
  }
});

test('a datagram that lies across two cuts is joined', () => {
  const frames = fragmentFrames(UDP6, [400, 800, 1200]);
  const run = new ReassemblyRun().feed(frames.slice(0, 1));
  run.merge(new ReassemblyRun().feed(frames.slice(1, 3)));
  run.merge(new ReassemblyRun().feed(frames.slice(3)));
  assert.deepEqual(run.done[0]?.data, wholeDatagram(UDP6));
  assert.deepEqual(run.counts, { fragments: 4, completed: 1, ...NONE_LOST });
});

test('what a later piece gave up near its start is joined to its beginning before', () => {
  const [a, b] = fragmentFrames(UDP, [800]) as [Uint8Array, Uint8Array];
  const run = new ReassemblyRun().feed([a], 100);
  run.merge(new ReassemblyRun().feed([b], 101).feed([b], 200));
  assert.deepEqual(run.done[0]?.data, wholeDatagram(UDP));
  assert.equal(run.counts.completed, 1);
  run.finish();
  assert.equal(run.counts.incomplete, 1);
});

test('a datagram bears the time and number of the frame that completed it', () => {
  const block = blockOf(fragmentFrames(UDP, [800, 1600]));
  block.timeSeconds.set([10, 11, 12]);
  block.timeNanoseconds.set([1, 2, 3]);
  const run = new ReassemblyRun();
  run.feedBatch(new PacketBatch(block));
  const { timeSeconds, timeNanoseconds, frameNumber, linkType } = run.reassembler.block;
  assert.deepEqual([timeSeconds[0], timeNanoseconds[0], frameNumber[0], linkType[0]], [12, 3, 3, 101]);
});

test('bytes that came twice in a later piece have an owner after it is joined', () => {
  const [a, b, c] = fragmentFrames(UDP, [800, 1600]) as [Uint8Array, Uint8Array, Uint8Array];
  const run = new ReassemblyRun().feed([a]);
  run.merge(new ReassemblyRun().feed([b, b, c]));
  assert.deepEqual(run.counts, { fragments: 4, completed: 1, incomplete: 0, overlaps: 1 });
  assert.deepEqual(run.done[0]!.row.layers, { transport: 8, payload: 1992, other: 800 });
  assert.equal(run.done[0]!.fragments, 4);
});

test('what the snap length cut off in a later piece is not made up when it is joined', () => {
  const frames = fragmentFrames(UDP, [800, 1600]);
  const run = new ReassemblyRun().feed(frames.slice(0, 1));
  run.merge(new ReassemblyRun().feed(frames.slice(1), 0, 14 + 20 + 100));
  assert.deepEqual(run.done[0]!.data.subarray(20), UDP.payload.subarray(0, 900));
  assert.deepEqual(run.done[0]!.row.layers, { transport: 8, payload: 1992 });
});

test('a beginning given up early shows nothing of datagrams put together before', () => {
  const other = { ...UDP, id: 99, protocol: 50, payload: filler(3000, 9) };
  const [a, b] = fragmentFrames(UDP, [800]) as [Uint8Array, Uint8Array];
  const run = new ReassemblyRun().feed([a, a], 100);
  run.feed([b], 200).feed(fragmentFrames(other, [8, 80, 800]), 200);
  const [beginning] = run.finish();
  assert.deepEqual(beginning?.data.subarray(20), UDP.payload.subarray(0, 800));
  assert.deepEqual(beginning?.row.layers, { other: 1600 });
  assert.equal(beginning?.fragments, 2);
  assert.equal(beginning?.fragmentBytes, 2 * a.length);
  assert.equal(run.counts.incomplete, 2);
});

test('a beginning whose length fields point behind what came is incomplete, not malformed', () => {
  const run = new ReassemblyRun().feed([fragmentFrame(UDP, 0, 800)]);
  const [beginning] = run.finish();
  assert.equal(beginning?.row.error, null);
  assert.deepEqual(beginning?.row.flags, ['reassembled', 'incomplete']);
  assert.deepEqual(beginning?.row.layers, { other: 800 });
});

test('fragments are as far apart in joined pieces as in one', () => {
  const [a, b, c] = fragmentFrames(UDP, [800, 1600]) as [Uint8Array, Uint8Array, Uint8Array];
  const pair = fragmentFrames({ ...UDP, id: 9 }, [800]);
  const between = (count: number) => Array.from({ length: count / 2 }, () => pair).flat();
  for (const [count, completed] of [
    [0, 1],
    [8190, 1],
    [8192, 0],
  ] as const) {
    const run = new ReassemblyRun().feed([...between(6000), a]);
    run.merge(new ReassemblyRun().feed([b])).merge(new ReassemblyRun().feed([...between(count), c]));
    assert.equal(run.counts.completed, 3000 + count / 2 + completed, `${count} fragments between`);
  }
});

test('a datagram that joining leaves in too many pieces is given up', () => {
  const datagram = { ...UDP, payload: filler(65_000) };
  const everyOther = Array.from({ length: 66 }, (_, i) => fragmentFrame(datagram, i * 16, i * 16 + 8));
  const run = new ReassemblyRun().feed(everyOther.slice(0, 33));
  run.merge(new ReassemblyRun().feed(everyOther.slice(33)));
  assert.equal(run.finish().length, 1);
  assert.deepEqual(run.counts, { fragments: 66, completed: 0, incomplete: 1, overlaps: 0 });
});
