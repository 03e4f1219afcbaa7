import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MigrationObserver } from '../../src/migration/migration-observer.js';
import type { MigrationRecord } from '../../src/migration/migration-record.js';
import { ReassemblyBudget } from '../../src/migration/reassembly-budget.js';
import { StreamFinder } from '../../src/migration/stream-finder.js';
import { TcpStream } from '../../src/migration/tcp-stream.js';
import fc from '../fast-check.js';
import { cutStream, observeSegments, type Segment } from '../unit/migration/segment-rows.js';
import {
  type BuiltPage,
  buildStream,
  fileHeader,
  multifdInitial,
  multifdPacket,
  ramSection,
  ramStart,
} from '../unit/migration/stream-builder.js';

const BLOCKS = { 'pc.ram': 32 * 4096, rom: 8 * 4096 };

const page: fc.Arbitrary<BuiltPage> = fc.record({
  block: fc.constantFrom('pc.ram', 'rom'),
  offset: fc.nat(7).map((index) => index * 4096),
  kind: fc.constantFrom('normal', 'zero', 'zero', 'xbzrle'),
  bytes: fc.nat(200),
});

const migration = fc.record({
  parts: fc.array(fc.array(page, { maxLength: 4 }), { maxLength: 3 }),
  end: fc.array(page, { maxLength: 2 }),
  devices: fc.array(
    fc.record({
      name: fc.stringMatching(/^[a-z0-9:./_-]{1,20}$/),
      instance: fc.nat(3),
      state: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 4 },
  ),
});
const stream = migration.map(({ parts, end, devices }) => buildStream(BLOCKS, parts, end, devices));

function observe(segments: readonly Segment[], batchRows?: number): MigrationRecord[] {
  const observer = new MigrationObserver();
  observeSegments(observer, segments, batchRows);
  return observer.finish();
}

/** What a record says of the stream, without the number of packets that it came in. */
function said(records: readonly MigrationRecord[]) {
  return records.map((record) => ({
    ...record,
    connections: record.connections.map(({ packets: _, ...connection }) => connection),
  }));
}

function bytesOf(record: MigrationRecord): number {
  const { setup, deviceState, iterations } = record;
  const rest = setup.bytes + deviceState.bytes + deviceState.descriptionBytes;
  return iterations.reduce((sum, { bytes }) => sum + bytes, rest);
}

/** Segments of one stream with the SYN first, the rest in any order, some of them twice and overlapping. */
function segmentsOf(
  whole: Buffer,
  cuts: readonly number[],
  order: readonly number[],
  isn: number,
): Segment[] {
  const points = [...new Set([0, ...cuts.map((cut) => cut % whole.length), whole.length])].sort(
    (a, b) => a - b,
  );
  const data = points.slice(0, -1).map((from, i) => ({
    sourcePort: 40000,
    sequence: (isn + 1 + from) >>> 0,
    payload: whole.subarray(from, points[i + 1]! + ((order[i] ?? 0) % 3) * 40),
  }));
  const twice = data.filter((_, i) => (order[i] ?? 0) % 5 === 0);
  const all = [...data, ...twice];
  const shuffled = all
    .map((segment, i) => ({ segment, key: order[i] ?? i }))
    .sort((a, b) => a.key - b.key)
    .map(({ segment }) => segment);
  return [{ sourcePort: 40000, sequence: isn, payload: Buffer.alloc(0), syn: true }, ...shuffled];
}

test('the record is the same however the stream is cut, shuffled and repeated', () => {
  fc.assert(
    fc.property(
      stream,
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.array(fc.nat(1000), { minLength: 80, maxLength: 80 }),
      fc.constantFrom(1000, 0xffff_fff0, 0x7fff_ffff),
      fc.integer({ min: 1, max: 9 }),
      (whole, cuts, order, isn, batchRows) => {
        fc.pre(whole.length < 60_000);
        const plain = observe(cutStream(whole, 40000, isn, whole.length));
        assert.equal(plain.length, 1);
        assert.equal(plain[0]!.complete, true);
        assert.deepEqual(said(observe(segmentsOf(whole, cuts, order, isn), batchRows)), said(plain));
      },
    ),
  );
});

test('pages, sections and devices are those that were written', () => {
  fc.assert(
    fc.property(migration, ({ parts, end, devices }) => {
      const record = observe(cutStream(buildStream(BLOCKS, parts, end, devices), 40000))[0]!;
      const all = [...parts.flat(), ...end];
      const count = (kind: BuiltPage['kind']) => all.filter((sent) => sent.kind === kind).length;
      assert.equal(record.normalPages, count('normal'));
      assert.equal(record.zeroPages, count('zero'));
      assert.equal(record.xbzrlePages, count('xbzrle'));
      assert.equal(record.ramSections, parts.length + 1);
      assert.deepEqual(
        record.deviceState.devices,
        devices.map(({ name, instance, state }) => ({ name, instance, bytes: state.length })),
      );
      assert.equal(record.deviceState.agreesWithDescription, true);
      assert.equal(
        record.pagesBySends.reduce((sum, pages, i) => sum + pages * (i + 1), 0),
        all.length,
      );
      const distinct = new Set(all.map(({ block, offset }) => `${block} ${offset}`)).size;
      assert.equal(
        record.pagesBySends.reduce((sum, pages) => sum + pages, 0),
        distinct,
      );
      assert.equal(bytesOf(record), record.streamBytes);
    }),
  );
});

test('wherever a stream breaks off, all its bytes are accounted for and it is not called complete', () => {
  fc.assert(
    fc.property(stream, fc.nat(), (whole, at) => {
      const end = 8 + (at % (whole.length - 8));
      const record = observe(cutStream(whole.subarray(0, end), 40000))[0]!;
      assert.equal(record.streamBytes, end);
      assert.equal(bytesOf(record), end);
      const description = whole.lastIndexOf('{"page_size"') - 6;
      assert.equal(record.complete, end > description);
    }),
  );
});

test('changed bytes do no harm: all bytes stay accounted for', () => {
  fc.assert(
    fc.property(
      stream,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 }),
      (whole, flips) => {
        const changed = Buffer.from(whole);
        for (const [at, bits] of flips) changed[8 + (at % (whole.length - 8))]! ^= bits;
        const record = observe(cutStream(changed, 40000))[0]!;
        assert.equal(record.streamBytes, changed.length);
        assert.equal(bytesOf(record), changed.length);
      },
    ),
    { numRuns: 300 },
  );
});

test('any bytes behind a magic number are borne', () => {
  const magic = fc.constantFrom(fileHeader().subarray(0, 8), multifdInitial(0).subarray(0, 8), fileHeader());
  const byte = fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 6, 8, 0x10, 0x28, 0x7e, 0xff);
  fc.assert(
    fc.property(magic, fc.array(byte, { maxLength: 400 }), (head, bytes) => {
      const whole = Buffer.concat([head, Buffer.from(bytes)]);
      for (const record of observe(cutStream(whole, 40000, 1000, 7))) {
        assert.equal(record.streamBytes, whole.length);
        assert.equal(bytesOf(record), whole.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('lost and cut segments are gaps of as many bytes as are missing', () => {
  fc.assert(
    fc.property(
      stream,
      fc.array(fc.constantFrom('keep', 'keep', 'keep', 'lose', 'cut'), { minLength: 80, maxLength: 80 }),
      (whole, fates) => {
        const [syn, first, ...rest] = cutStream(whole, 40000, 1000, 700);
        let missing = 0;
        const kept = rest.flatMap((segment, i) => {
          const { payload } = segment;
          const fate = i === rest.length - 1 ? 'keep' : (fates[i % fates.length] ?? 'keep');
          if (fate === 'keep') return [segment];
          missing += fate === 'lose' ? payload.length : payload.length - 10;
          return fate === 'lose' ? [] : [{ ...segment, captured: 10 }];
        });
        const record = observe([syn!, first!, ...kept])[0]!;
        assert.equal(record.streamBytes, whole.length);
        assert.equal(bytesOf(record), whole.length);
        assert.equal(record.gaps.bytes, missing);
        assert.ok(record.gaps.resynchronised <= record.gaps.lost);
      },
    ),
  );
});

test('multifd channels are read alike however their bytes interleave', () => {
  const packet = fc.record({
    normal: fc.uniqueArray(fc.nat(31), { maxLength: 3 }).map((list) => list.sort((a, b) => a - b)),
    channel: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), fc.infiniteStream(fc.nat(2)), (packets, turns) => {
      const channels = [0, 1, 2].map((id) => [multifdInitial(id)]);
      packets.forEach(({ normal, channel }, number) => {
        const offsets = normal.map((index) => index * 4096);
        channels[channel]!.push(multifdPacket({ number, block: 'pc.ram', normal: offsets }, 4));
      });
      const main = Buffer.concat([fileHeader(), ramStart(BLOCKS), ramSection('part', Buffer.alloc(0))]);
      const cut = channels.map((parts, i) => cutStream(Buffer.concat(parts), 40001 + i, 1000, 900));
      const begin = [...cutStream(main, 40000), ...cut.flatMap((list) => list.splice(0, 2))];
      const mixed: Segment[] = [];
      while (cut.some((list) => list.length > 0)) {
        const list = cut[turns.next().value as number]!;
        if (list.length > 0) mixed.push(list.shift()!);
      }
      const record = observe([...begin, ...mixed])[0]!;
      const inOrder = observe([...begin, ...mixed.sort((a, b) => a.sourcePort - b.sourcePort)])[0]!;
      assert.equal(
        record.normalPages,
        packets.reduce((sum, { normal }) => sum + normal.length, 0),
      );
      assert.equal(bytesOf(record), record.streamBytes);
      assert.deepEqual(said([record]), said([inOrder]));
    }),
  );
});

test('a TCP stream is what its first copies say, and gaps are what nobody sent', () => {
  const segment = fc.record({ at: fc.nat(300), length: fc.integer({ min: 1, max: 60 }), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 30 }), fc.constantFrom(0, 0xffff_ff80), (segments, isn) => {
      const expected = new Map<number, number>();
      const heard = new Map<number, number>();
      let position = 0;
      const stream = new TcpStream(
        {
          data: (data, offset, length) => {
            for (let i = 0; i < length; i++) heard.set(position++, data[offset + i]!);
          },
          gap: (bytes) => {
            position += bytes;
          },
        },
        new ReassemblyBudget(1 << 20),
      );
      stream.start(isn);
      for (const { at, length, value } of segments) {
        for (let i = 0; i < length; i++) if (!expected.has(at + i)) expected.set(at + i, value);
        stream.add((isn + at) | 0, new Uint8Array(length).fill(value), 0, length, length, 0);
      }
      stream.finish();
      assert.deepEqual(
        [...heard].sort(([a], [b]) => a - b),
        [...expected].sort(([a], [b]) => a - b),
      );
      assert.equal(stream.position, Math.max(0, ...[...expected.keys()].map((key) => key + 1)));
    }),
    { numRuns: 500 },
  );
});

test('in bytes without a stream nothing is found', () => {
  // Values that page tables and pointers of a guest are full of.
  const word = fc.constantFrom(0n, 0x28n, 0x22n, 0x1028n, 0x0008n, 0x20_0000_0000_0000n, 0x7e00_0000_0202n);
  fc.assert(
    fc.property(fc.array(word, { minLength: 4, maxLength: 64 }), fc.nat(7), (words, shift) => {
      const content = Buffer.alloc(40_000);
      for (let at = shift; at + 8 <= content.length; at += 8) {
        content.writeBigUInt64BE(words[((at - shift) / 8) % words.length]!, at);
      }
      const finder = new StreamFinder();
      finder.largestBytes = 1 << 30;
      finder.push(content, 0, content.length);
      assert.equal(finder.search(true), 0);
    }),
    { numRuns: 50 },
  );
});
