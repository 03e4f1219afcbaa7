import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProtectionClass } from '../../src/analysis/analysis-summary.js';
import { PacketFlag } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { Analyses } from '../unit/analysis/analyses.js';
import { buildBatch, type RowSpec } from '../unit/analysis/build-batch.js';

const host = fc.integer({ min: 1, max: 3 });
const time = fc.integer({ min: 0, max: 5_000_000_000 });
/** Around the wrap of 32 bits, dense enough for repetitions, holes and keep-alives to be common. */
const sequence = fc.integer({ min: -60, max: 60 }).map((n) => n >>> 0);

const tcpRow: fc.Arbitrary<RowSpec> = fc
  .record({
    source: host,
    destination: host,
    ipv6: fc.boolean(),
    sequence,
    payload: fc.oneof(fc.constant(1), fc.constant(4), fc.integer({ min: 0, max: 12 })),
    isSyn: fc.oneof(
      { weight: 9, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    time,
  })
  .map(({ isSyn, ipv6, ...row }) => ({
    ...row,
    ipv6,
    protocol: 6,
    sourcePort: 1000,
    destinationPort: 2000,
    ...(isSyn ? { mss: 1460 } : {}),
    flags:
      PacketFlag.tcp |
      (isSyn ? PacketFlag.tcpSyn : 0) |
      (ipv6 ? PacketFlag.ipv6 | PacketFlag.outerIpv6 : PacketFlag.dontFragment),
    layers: { link: 14, ip: ipv6 ? 40 : 20, transport: 20, payload: row.payload },
  }));

const espRow: fc.Arbitrary<RowSpec> = fc
  .record({
    source: host,
    spi: fc.integer({ min: 1, max: 2 }),
    sequence: fc.integer({ min: -8, max: 8 }).map((n) => n >>> 0),
    bytes: fc.integer({ min: 4, max: 40 }).map((n) => n * 4),
    opened: fc.boolean(),
    covered: fc.boolean(),
    time,
  })
  .map(({ source, spi, sequence: number, bytes, opened, covered, time: at }) => ({
    protocol: opened ? 17 : 50,
    source,
    time: at,
    flags: PacketFlag.esp | (opened ? PacketFlag.decrypted : 0) | (covered ? PacketFlag.ah : 0),
    layers: opened
      ? {
          link: 14,
          ip: 20,
          ah: covered ? 24 : 0,
          espHeader: 8,
          espIv: 8,
          espPadding: 2,
          espTrailer: 2,
          espIcv: 4,
          payload: bytes,
        }
      : { link: 14, ip: 20, ah: covered ? 24 : 0, espHeader: 8, espOpaque: bytes },
    security: [
      ...(covered ? [{ protocol: 51 as const, spi: 9, sequence: number, bytes: 24, nextHeader: 50 }] : []),
      {
        protocol: 50 as const,
        spi,
        sequence: number,
        bytes: opened ? bytes + 16 : bytes,
        ...(opened ? { opened: { ivBytes: 8, icvBytes: 4, padBytes: 2, nextHeader: 17 } } : {}),
      },
    ],
  }));

const fragmentRow: fc.Arbitrary<RowSpec> = fc
  .record({
    protocol: fc.constantFrom(6, 50, 51),
    first: fc.boolean(),
    bytes: fc.integer({ min: 8, max: 1480 }),
    time,
  })
  .map(({ protocol, first, bytes, time: at }) => ({
    protocol,
    time: at,
    flags: PacketFlag.fragment | (first ? PacketFlag.firstFragment : 0),
    layers: { link: 14, ip: 20, fragment: bytes },
  }));

const datagramRow: fc.Arbitrary<RowSpec> = fc
  .record({ incomplete: fc.boolean(), fragments: fc.integer({ min: 1, max: 4 }), time })
  .map(({ incomplete, fragments, time: at }) => ({
    protocol: 50,
    time: at,
    flags: PacketFlag.reassembled | PacketFlag.esp | (incomplete ? PacketFlag.incomplete : 0),
    fragments,
    fragmentBytes: fragments * 34 + 1208,
    layers: { espHeader: 8, espOpaque: 1200 },
    security: [{ protocol: 50, spi: 1, sequence: 7, bytes: 1200 }],
  }));

const oddRow: fc.Arbitrary<RowSpec> = fc.oneof(
  fc.constant<RowSpec>({ protocol: -1, flags: PacketFlag.arp, layers: { link: 14, other: 46 } }),
  fc.constant<RowSpec>({
    protocol: -1,
    flags: PacketFlag.malformed,
    layers: { link: 14, other: 20 },
    error: { kind: 1, layer: 8, offset: 14, required: 20, actual: 16 },
  }),
  fc
    .constantFrom(PacketFlag.decapsulatedCopy, PacketFlag.superFrame)
    .map(
      (flag): RowSpec => ({ protocol: 17, flags: flag | PacketFlag.udp, layers: { link: 14, payload: 40 } }),
    ),
);

const traffic = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: tcpRow },
      { weight: 4, arbitrary: espRow },
      { weight: 1, arbitrary: fragmentRow },
      { weight: 1, arbitrary: datagramRow },
      { weight: 1, arbitrary: oddRow },
    ),
    { maxLength: 60 },
  )
  .map((rows) => rows.map((row, i) => ({ ...row, frameNumber: i + 1 })));

function analyse(rows: readonly RowSpec[]): Analyses {
  return new Analyses().add(buildBatch(rows));
}

function split(rows: readonly RowSpec[], cuts: readonly number[]): RowSpec[][] {
  const places = [...new Set(cuts.map((cut) => cut % (rows.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((start, i) => rows.slice(start, places[i] ?? rows.length));
}

test('Analysing in pieces and merging them gives what one piece gives, whichever are merged first', () => {
  fc.assert(
    fc.property(traffic, fc.array(fc.nat(60), { maxLength: 4 }), (rows, cuts) => {
      const whole = analyse(rows).summary();
      const pieces = split(rows, cuts);
      const fromLeft = pieces.map(analyse).reduce((before, later) => before.merge(later));
      const fromRight = pieces.map(analyse).reduceRight((later, before) => before.merge(later));
      assert.deepEqual(fromLeft.summary(), whole);
      assert.deepEqual(fromRight.summary(), whole);
    }),
    { numRuns: 1500 },
  );
});

test('Adding a batch in row ranges gives what adding it whole gives', () => {
  fc.assert(
    fc.property(traffic, fc.nat(60), (rows, cut) => {
      const batch = buildBatch(rows);
      const at = Math.min(cut, rows.length);
      const ranges = new Analyses().add(batch, 0, at).add(batch, at, rows.length);
      assert.deepEqual(ranges.summary(), analyse(rows).summary());
    }),
    { numRuns: 200 },
  );
});

test('Layers, protection classes, buckets and the time line each add up to the bytes on the wire', () => {
  fc.assert(
    fc.property(traffic, (rows) => {
      const isFrame = (row: RowSpec) =>
        ((row.flags ?? 0) &
          (PacketFlag.reassembled | PacketFlag.decapsulatedCopy | PacketFlag.superFrame)) ===
        0;
      const bytesOf = (row: RowSpec) => Object.values(row.layers).reduce((sum, bytes) => sum + bytes, 0);
      const wire = rows.filter(isFrame).reduce((sum, row) => sum + bytesOf(row), 0);
      const { overhead, timeline } = analyse(rows).summary();
      const sum = (parts: { bytes: number }[]) => parts.reduce((total, { bytes }) => total + bytes, 0);
      assert.equal(overhead.wire.bytes, wire);
      assert.equal(overhead.wire.packets, rows.filter(isFrame).length);
      assert.equal(sum(Object.values(overhead.bytes)), wire);
      assert.equal(sum(Object.values(overhead.protection)), wire);
      assert.equal(sum(overhead.packetSizes), wire);
      for (const [kind, { bytes }] of Object.entries(overhead.protection)) {
        const overTime = timeline?.byClass[kind as ProtectionClass] ?? [];
        assert.equal(
          overTime.reduce((total, amount) => total + amount, 0),
          bytes,
          kind,
        );
      }
    }),
    { numRuns: 500 },
  );
});
