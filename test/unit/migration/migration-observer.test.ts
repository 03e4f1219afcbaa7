import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../../../src/analysis/format-address.js';
import { ipv6Text } from '../../../src/migration/address-text.js';
import { MigrationObserver, startsMigration } from '../../../src/migration/migration-observer.js';
import type { MigrationRecord } from '../../../src/migration/migration-record.js';
import { cutStream, observeSegments, type Segment } from './segment-rows.js';
import {
  type BuiltDevice,
  type BuiltPage,
  buildStream,
  deviceSection,
  EOS,
  fileHeader,
  footer,
  multifdInitial,
  multifdPacket,
  pageContent,
  pages,
  ramSection,
  ramStart,
  streamEnd,
  subsection,
  text,
  u32,
  u64,
} from './stream-builder.js';

const BLOCKS = { 'pc.ram': 64 * 4096, 'vga.vram': 16 * 4096 };
const DEVICES: BuiltDevice[] = [
  { name: 'cpu', instance: 0, state: Buffer.from('state of a processor') },
  // Looks like its own footer, and once like a section behind it too.
  {
    name: '0000:00:1f.0/lpc',
    instance: 3,
    state: Buffer.concat([
      footer(4),
      Buffer.from([0x7e, 0x7e]),
      footer(4),
      Buffer.from([4]),
      u32(9),
      Buffer.alloc(20),
    ]),
  },
  { name: 'empty', instance: 0, state: Buffer.alloc(0) },
];

function page(index: number, kind: BuiltPage['kind'] = 'normal', block = 'pc.ram', bytes = 0): BuiltPage {
  return { block, offset: index * 4096, kind, bytes };
}

function read(...streams: Buffer[]): MigrationRecord[] {
  const observer = new MigrationObserver();
  streams.forEach((stream, i) => {
    observeSegments(observer, cutStream(stream, 40000 + i));
  });
  return observer.finish();
}

function readOne(...streams: Buffer[]): MigrationRecord {
  const records = read(...streams);
  assert.equal(records.length, 1);
  return records[0]!;
}

function stages(record: MigrationRecord) {
  return record.iterations.map(({ stage, normalPages, zeroPages, resentPages }) => [
    stage,
    normalPages,
    zeroPages,
    resentPages,
  ]);
}

test('passes end where the scan goes back, and stop-and-copy begins with the END section', () => {
  const parts = [
    [page(0), page(1, 'zero'), page(2)],
    [page(3), page(0, 'normal', 'vga.vram'), page(0), page(2)],
    [page(5), page(1)],
  ];
  const record = readOne(buildStream(BLOCKS, parts, [page(3), page(0)], DEVICES));
  assert.deepEqual(stages(record), [
    ['precopy', 4, 1, 0],
    ['precopy', 3, 0, 2],
    ['precopy', 1, 0, 1],
    ['stopAndCopy', 2, 0, 2],
  ]);
  assert.deepEqual(
    record.iterations.map(({ sections }) => sections),
    [2, 1, 0, 1],
  );
  assert.deepEqual(record.blocks, [
    { name: 'pc.ram', bytes: 64 * 4096 },
    { name: 'vga.vram', bytes: 16 * 4096 },
  ]);
  assert.deepEqual(record.pagesBySends, [2, 3, 1]);
  assert.deepEqual(record.hotPages[0], { block: 'pc.ram', offset: 0, sent: 3 });
  assert.deepEqual(record.dirtying.groups, [
    { resends: 0, pages: 2 },
    { resends: 1, pages: 3 },
    { resends: 2, pages: 1 },
  ]);
  assert.equal(record.complete, true);
});

test('a migration keeps its times where the capture has a later one before it', () => {
  const stream = buildStream(BLOCKS, [[page(0), page(1)], [page(0)]], [page(1)], DEVICES);
  const cut = (port: number, fromMs: number) =>
    cutStream(stream, port).map((segment, i) => ({ ...segment, timeMs: fromMs + i * 10 }));
  const inOrder = new MigrationObserver();
  observeSegments(inOrder, [...cut(40000, 0), ...cut(40001, 3_600_000)]);
  const outOfOrder = new MigrationObserver();
  observeSegments(outOfOrder, [...cut(40001, 3_600_000), ...cut(40000, 0)]);
  const [first, second] = inOrder.finish();
  assert.ok(first!.endNs > first!.startNs && second!.startNs - first!.startNs === 3_600_000_000_000n);
  assert.deepEqual(outOfOrder.finish(), [second, first]);
});

test('a migration begins with the earliest of its connections, whichever the capture has first', () => {
  const main = cutStream(buildStream(BLOCKS, [[page(0)]], [], DEVICES), 40000);
  const channel = cutStream(multifdInitial(0), 40001);
  const later = channel.map((segment) => ({ ...segment, timeMs: 500 }));
  const observer = new MigrationObserver();
  observeSegments(observer, [...later, ...main.map((segment) => ({ ...segment, timeMs: 100 }))]);
  const [record] = observer.finish();
  assert.equal(record!.startNs, 1_700_000_000_100_000_000n);
  assert.ok(record!.setup.durationNs >= 0);
});

test('state that looks like a footer belongs to its device', () => {
  const record = readOne(buildStream(BLOCKS, [[page(0)]], [], DEVICES));
  assert.deepEqual(
    record.deviceState.devices,
    DEVICES.map(({ name, instance, state }) => ({ name, instance, bytes: state.length })),
  );
  assert.equal(record.deviceState.agreesWithDescription, true);
});

test('a description that tells other sizes is disagreed with', () => {
  const stream = Buffer.concat([
    fileHeader(),
    ramStart(BLOCKS),
    ramSection('end', Buffer.alloc(0)),
    deviceSection(DEVICES[0]!, 3),
    streamEnd([DEVICES[1]!]),
  ]);
  assert.equal(readOne(stream).deviceState.agreesWithDescription, false);
});

test('a stream may end without a description', () => {
  const stream = Buffer.concat([
    fileHeader(),
    ramStart(BLOCKS),
    ramSection('end', Buffer.alloc(0)),
    deviceSection(DEVICES[0]!, 3),
    Buffer.from([0]),
  ]);
  const record = readOne(stream);
  assert.equal(record.complete, true);
  assert.equal(record.deviceState.agreesWithDescription, null);
  assert.deepEqual(record.deviceState.devices, [{ name: 'cpu', instance: 0, bytes: 20 }]);
});

test('subsections of the configuration are read: page size, capabilities, uuid', () => {
  const subsections = [
    subsection('configuration/target-page-bits', u32(14)),
    subsection(
      'configuration/capabilities',
      Buffer.concat([u32(2), text('x-ignore-shared'), text('zero-copy')]),
    ),
    subsection('configuration/uuid', Buffer.alloc(16, 0x7e)),
  ];
  const content = Buffer.concat([u64(16384n | 0x08n), text('mach-virt.ram'), Buffer.alloc(16384, 9)]);
  const stream = Buffer.concat([
    fileHeader('virt-9.0', subsections),
    ramStart({ 'mach-virt.ram': 1 << 20 }),
    ramSection('part', content),
    ramSection('end', Buffer.alloc(0)),
    streamEnd([]),
  ]);
  const record = readOne(stream);
  assert.equal(record.machine, 'virt-9.0');
  assert.equal(record.pageBytes, 16384);
  assert.equal(record.normalPages, 1);
  assert.equal(record.complete, true);
});

test('the list of blocks may carry page sizes and addresses', () => {
  for (const extra of [[u64(2 << 20)], [u64(2 << 20), u64(0)], [u64(0)], [u64(0x1_0000_0000)]]) {
    const stream = Buffer.concat([
      fileHeader(),
      ramStart(BLOCKS, extra),
      ramSection('end', pages([page(1)])),
      streamEnd([]),
    ]);
    const record = readOne(stream);
    assert.equal(record.complete, true);
    assert.equal(record.blocks.length, 2);
    assert.equal(record.normalPages, 1);
  }
});

test('a block that claims to be of 2^60 bytes costs no memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  const stream = Buffer.concat([
    fileHeader(),
    ramStart({ huge: 2n ** 60n }),
    ramSection('part', Buffer.concat([u64((2n ** 59n) | 2n), text('huge'), Buffer.alloc(1)])),
    ramSection('end', Buffer.alloc(0)),
    streamEnd([]),
  ]);
  const record = readOne(stream);
  assert.equal(record.zeroPages, 1);
  assert.equal(record.complete, true);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20);
});

test('XBZRLE and compressed pages are counted as such', () => {
  const parts = [
    [page(0), page(1)],
    [page(0, 'xbzrle', 'pc.ram', 77), page(1, 'xbzrle', 'pc.ram', 0)],
  ];
  const xbzrle = readOne(buildStream(BLOCKS, parts, [], []));
  assert.deepEqual([xbzrle.normalPages, xbzrle.xbzrlePages, xbzrle.complete], [2, 2, true]);
  const compressed = [
    [page(9, 'compressed', 'pc.ram', 40), page(3, 'compressed', 'pc.ram', 50), page(4, 'zero')],
  ];
  const record = readOne(buildStream(BLOCKS, [...compressed, [page(3, 'compressed', 'pc.ram', 9)]], [], []));
  assert.deepEqual([record.compressedPages, record.zeroPages, record.complete], [3, 1, true]);
  // Out of order is no new pass; a page that comes again is.
  assert.deepEqual(
    record.iterations.map(({ resentPages }) => resentPages),
    [0, 1, 0],
  );
});

test('other sections than RAM may come while memory is copied', () => {
  const stream = Buffer.concat([
    fileHeader(),
    Buffer.from([1]),
    u32(7),
    text('dirty-bitmap'),
    u32(0),
    u32(1),
    Buffer.from('bitmaps'),
    footer(7),
    ramStart(BLOCKS),
    ramSection('part', pages([page(0)])),
    Buffer.from([2]),
    u32(7),
    Buffer.from('more bitmaps ~ \x7e'),
    footer(7),
    ramSection('part', pages([page(1)], 'pc.ram')),
    ramSection('end', Buffer.alloc(0)),
    streamEnd([]),
  ]);
  const record = readOne(stream);
  assert.equal(record.complete, true);
  assert.equal(record.normalPages, 2);
});

test('bytes that were not captured inside a page are no more than missing content', () => {
  const stream = buildStream(BLOCKS, [[page(0), page(1)]], [], DEVICES);
  const at = stream.indexOf(pageContent(4096)) + 100;
  const observer = new MigrationObserver();
  const segments = cutStream(stream.subarray(0, at), 40000);
  const rest = cutStream(stream.subarray(at + 1000), 40000, 1000 + at + 1000).slice(1);
  observeSegments(observer, [...segments, ...rest]);
  const record = observer.finish()[0]!;
  assert.equal(record.complete, true);
  assert.deepEqual(record.gaps, { count: 1, bytes: 1000, lost: 0, resynchronised: 0 });
  assert.equal(record.streamBytes, stream.length);
});

test('behind a gap that hid headers pages are found again by a chain of headers', () => {
  const list = Array.from({ length: 40 }, (_, i) => page(i));
  const stream = buildStream(BLOCKS, [list], [page(50)], DEVICES);
  const from = stream.indexOf(pageContent(4096 * 10)) + 4000;
  const observer = new MigrationObserver();
  const before = cutStream(stream.subarray(0, from), 40000);
  const after = cutStream(stream.subarray(from + 5000), 40000, 1000 + from + 5000).slice(1);
  observeSegments(observer, [...before, ...after]);
  const record = observer.finish()[0]!;
  assert.deepEqual(record.gaps, { count: 1, bytes: 5000, lost: 1, resynchronised: 1 });
  assert.equal(record.complete, false);
  // Pages 11 and 12: their headers were in the gap or behind what it cut off.
  assert.equal(record.normalPages, 41 - 2);
  assert.equal(record.deviceState.agreesWithDescription, true);
  assert.equal(record.streamBytes, stream.length);
});

test('a capture that begins in the middle is read if it is told that the port is a migration', () => {
  const list = Array.from({ length: 40 }, (_, i) => page(i));
  const stream = buildStream(BLOCKS, [list, [page(3)]], [page(5)], DEVICES);
  const middle = stream.subarray(stream.indexOf(pageContent(4096 * 10)) + 100);
  const segments = cutStream(middle, 40000).slice(1);
  const untold = new MigrationObserver();
  observeSegments(untold, segments);
  assert.deepEqual(untold.finish(), []);
  const told = new MigrationObserver({ ports: [49152] });
  observeSegments(told, segments);
  const record = told.finish()[0]!;
  assert.equal(record.complete, false);
  assert.equal(record.machine, null);
  assert.equal(record.normalPages, 29 + 2);
  assert.deepEqual(record.gaps, { count: 0, bytes: 0, lost: 1, resynchronised: 1 });
  assert.deepEqual(
    record.iterations.map(({ stage }) => stage),
    ['precopy', 'precopy', 'stopAndCopy'],
  );
  assert.equal(record.deviceState.agreesWithDescription, true);
});

test('multifd channels join the migration between the same hosts, and their order is that of the scan', () => {
  const all = (from: number, count: number) => Array.from({ length: count }, (_, i) => (from + i) * 4096);
  const main = Buffer.concat([
    fileHeader(),
    ramStart(BLOCKS),
    ramSection('part', Buffer.alloc(0)),
    ramSection('part', Buffer.alloc(0)),
    ramSection('end', Buffer.alloc(0)),
    deviceSection(DEVICES[0]!, 3),
    streamEnd(DEVICES.slice(0, 1)),
  ]);
  const first = Buffer.concat([
    multifdInitial(0),
    multifdPacket({ number: 0, flags: 1 }),
    multifdPacket({ number: 2, block: 'pc.ram', normal: all(0, 8) }),
    multifdPacket({ number: 4, flags: 1 }),
    multifdPacket({ number: 7, block: 'pc.ram', normal: all(2, 4) }),
    multifdPacket({ number: 8, flags: 1 }),
    multifdPacket({ number: 10, block: 'pc.ram', normal: all(40, 2) }),
    multifdPacket({ number: 12, flags: 1 }),
  ]);
  const second = Buffer.concat([
    multifdInitial(1),
    multifdPacket({ number: 1, flags: 1 }),
    multifdPacket({ number: 3, block: 'pc.ram', normal: all(8, 6), zero: all(20, 3) }),
    multifdPacket({ number: 5, flags: 1 }),
    multifdPacket({ number: 6, block: 'pc.ram', normal: all(32, 10) }),
    multifdPacket({ number: 9, flags: 1 }),
    multifdPacket({ number: 11, flags: 1 }),
  ]);
  // Both channels begin, then the second one's bytes come long before the first one's, and the main connection's last.
  const observer = new MigrationObserver();
  const segments = cutStream(first, 40001);
  observeSegments(observer, segments.slice(0, 2));
  observeSegments(observer, cutStream(second, 40002));
  observeSegments(observer, segments.slice(2));
  observeSegments(observer, cutStream(main, 40000));
  const record = observer.finish()[0]!;
  assert.deepEqual(stages(record), [
    ['precopy', 24, 3, 0],
    ['precopy', 4, 0, 4],
    ['stopAndCopy', 2, 0, 2],
  ]);
  assert.deepEqual(
    record.connections.map(({ role, channel }) => [role, channel]),
    [
      ['main', null],
      ['multifd', 0],
      ['multifd', 1],
    ],
  );
  assert.equal(record.complete, true);
  const bytes = record.iterations.reduce((sum, iteration) => sum + iteration.bytes, 0);
  const { setup, deviceState } = record;
  assert.equal(bytes + setup.bytes + deviceState.bytes + deviceState.descriptionBytes, record.streamBytes);
});

test('a packet whose number a synchronisation overwrote makes no pass of its own', () => {
  const main = Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', Buffer.alloc(0))]);
  const normal = (from: number) => [from * 4096, (from + 1) * 4096];
  const first = Buffer.concat([
    multifdInitial(0),
    multifdPacket({ number: 0, flags: 1 }),
    multifdPacket({ number: 2, block: 'pc.ram', normal: normal(8) }),
    multifdPacket({ number: 5, flags: 1 }),
  ]);
  const second = Buffer.concat([
    multifdInitial(1),
    multifdPacket({ number: 1, flags: 1 }),
    multifdPacket({ number: 6, block: 'pc.ram', normal: normal(4), flags: 1 }),
    multifdPacket({ number: 6 }),
  ]);
  assert.deepEqual(stages(readOne(main, first, second)), [['precopy', 4, 0, 0]]);
});

test('a page that QEMU queued twice is sent twice and written to once', () => {
  const main = Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', Buffer.alloc(0))]);
  const channel = Buffer.concat([
    multifdInitial(0),
    multifdPacket({ number: 0, flags: 1 }, 4),
    multifdPacket({ number: 1, block: 'pc.ram', normal: [0, 1, 2, 3].map((i) => i * 4096) }, 4),
    multifdPacket({ number: 2, block: 'pc.ram', normal: [3, 4].map((i) => i * 4096) }, 4),
  ]);
  const record = readOne(main, channel);
  assert.deepEqual([record.normalPages, record.repeatedPages, record.pagesBySends], [6, 1, [5]]);
  assert.equal(record.iterations.length, 1);
});

test('with one synchronisation a pass (QEMU 8.1) flags in the stream tell the epochs', () => {
  const flush = u64(0x200);
  const main = Buffer.concat([
    fileHeader(),
    ramStart(BLOCKS, [], [flush]),
    ramSection('part', Buffer.alloc(0)),
    ramSection('part', flush),
    ramSection('part', Buffer.alloc(0)),
  ]);
  const channel = Buffer.concat([
    multifdInitial(0),
    multifdPacket({ number: 0, flags: 1 }),
    multifdPacket({ number: 1, block: 'pc.ram', normal: [0, 4096] }),
    multifdPacket({ number: 2, block: 'pc.ram', normal: [8192] }),
    multifdPacket({ number: 3, flags: 1 }),
    multifdPacket({ number: 4, block: 'pc.ram', normal: [4096] }),
  ]);
  const record = readOne(main, channel);
  assert.deepEqual(stages(record), [
    ['precopy', 3, 0, 0],
    ['precopy', 1, 0, 1],
  ]);
  assert.deepEqual(
    record.iterations.map(({ sections }) => sections),
    [2, 1],
  );
});

test('device state in a multifd channel (QEMU 10.0) is passed over', () => {
  const main = Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', Buffer.alloc(0))]);
  const name = Buffer.alloc(256);
  name.write('0000:01:00.0/vfio');
  const channel = Buffer.concat([
    multifdInitial(0),
    multifdPacket({ number: 0, flags: 1 }),
    u32(0x11223344),
    u32(1),
    u32(1 << 12),
    name,
    u32(0),
    u32(5000),
    Buffer.alloc(5000, 0x11),
    multifdPacket({ number: 1, block: 'pc.ram', normal: [4096] }),
  ]);
  const record = readOne(main, channel);
  assert.equal(record.normalPages, 1);
  assert.equal(record.gaps.lost, 0);
});

test('a multifd channel is found again behind a gap by the magic number', () => {
  const main = Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', Buffer.alloc(0))]);
  const packets = [0, 1, 2, 3].map((i) => multifdPacket({ number: i, block: 'pc.ram', normal: [i * 4096] }));
  const channel = Buffer.concat([multifdInitial(0), ...packets]);
  const from = 64 + packets[0]!.length + 500;
  const observer = new MigrationObserver();
  observeSegments(observer, cutStream(main, 40000));
  observeSegments(observer, cutStream(channel.subarray(0, from), 40001));
  observeSegments(observer, cutStream(channel.subarray(from + 1200), 40001, 1000 + from + 1200).slice(1));
  const record = observer.finish()[0]!;
  assert.equal(record.normalPages, 3);
  assert.deepEqual(record.gaps, { count: 1, bytes: 1200, lost: 1, resynchronised: 1 });
});

test('a connection that is used again with another SYN is another migration', () => {
  const stream = buildStream(BLOCKS, [[page(0)]], [], []);
  const observer = new MigrationObserver();
  observeSegments(observer, cutStream(stream, 40000, 1000));
  observeSegments(observer, cutStream(stream, 40000, 77_000));
  const records = observer.finish();
  assert.deepEqual(
    records.map(({ normalPages, complete }) => [normalPages, complete]),
    [
      [1, true],
      [1, true],
    ],
  );
});

test('a migration is recognised without its SYN, and whatever order its first segments come in', () => {
  const stream = buildStream(BLOCKS, [[page(0)]], [], []);
  const observer = new MigrationObserver();
  observeSegments(observer, cutStream(stream, 40000).slice(1));
  assert.equal(observer.finish()[0]!.complete, true);
  const [syn, first, second, ...rest] = cutStream(stream, 40000, 1000, 3);
  const shuffled = new MigrationObserver();
  observeSegments(shuffled, [syn!, second!, first!, ...rest]);
  assert.equal(shuffled.finish()[0]!.complete, true);
});

test('what is no migration is none, with or without the magic number in its middle', () => {
  const text = Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n');
  const stream = buildStream(BLOCKS, [[page(0)]], [], []);
  const observer = new MigrationObserver();
  const web: Segment[] = cutStream(text, 40000);
  const inside = cutStream(Buffer.concat([text, stream]), 40001, 1000, text.length);
  observeSegments(observer, [...web, ...inside.slice(0, 2)]);
  assert.deepEqual(observer.finish(), []);
});

test('IPv6 is followed as IPv4 is, and addresses read as in flows', () => {
  const stream = buildStream(BLOCKS, [[page(0)]], [], []);
  const observer = new MigrationObserver();
  observeSegments(
    observer,
    cutStream(stream, 40000).map((segment) => ({ ...segment, ipv6: true })),
  );
  const { connections } = observer.finish()[0]!;
  assert.deepEqual([connections[0]!.source, connections[0]!.destination], ['fd00::1', 'fd00::2']);
  for (const words of [
    [0, 0, 0, 1],
    [0x20010db8, 0, 0x00010000, 1],
    [0, 0, 0xffff, 0x7f000001],
    [1, 2, 3, 4],
  ]) {
    const bytes = Buffer.concat(words.map(u32));
    assert.equal(ipv6Text(bytes, 0), formatAddress(bytes));
  }
});

test('startsMigration knows the main connection and multifd channels by their first 8 bytes', () => {
  assert.equal(startsMigration(fileHeader(), 0, 8), true);
  assert.equal(startsMigration(multifdInitial(0), 0, 64), true);
  assert.equal(startsMigration(fileHeader(), 0, 7), false);
  assert.equal(startsMigration(Buffer.concat([Buffer.alloc(3), fileHeader()]), 3, 20), true);
  assert.equal(startsMigration(Buffer.from('QEVM\0\0\0\x02'), 0, 8), false);
});

test('more connections than are followed do no harm', () => {
  const observer = new MigrationObserver();
  for (let port = 1; port < 3000; port++) {
    observeSegments(observer, cutStream(fileHeader(), port));
  }
  assert.equal(observer.finish().length, 256);
});

test('a section end without page headers is no page', () => {
  const record = readOne(
    Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', EOS.subarray(0, 0))]),
  );
  assert.equal(record.normalPages, 0);
  assert.equal(record.ramSections, 1);
});
