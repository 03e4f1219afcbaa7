import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProtectionClass, TimelineSummary } from '../../src/analysis/analysis-summary.js';
import { Timeline } from '../../src/analysis/timeline.js';
import { PacketFlag } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { buildBatch, type RowSpec } from '../unit/analysis/build-batch.js';

const { udp, ah, esp, ike, udpEncap, fragment, firstFragment, reassembled } = PacketFlag;

/** What a datagram is, and what the IP headers of its fragments say it is. */
interface Kind {
  class: ProtectionClass;
  /** Protocol in the IP header, and in the first fragment, where headers behind it can be seen. */
  protocol: number;
  firstProtocol: number;
  flags: number;
}

const KINDS: readonly Kind[] = [
  { class: 'clear', protocol: 17, firstProtocol: 17, flags: udp },
  { class: 'ike', protocol: 17, firstProtocol: 17, flags: udp | ike },
  { class: 'esp', protocol: 17, firstProtocol: 17, flags: udp | esp | udpEncap },
  { class: 'esp', protocol: 50, firstProtocol: 50, flags: esp },
  { class: 'ah', protocol: 51, firstProtocol: 51, flags: ah },
  { class: 'ahEsp', protocol: 51, firstProtocol: 51, flags: ah | esp },
];
/** IPv6 destination options in front of ESP: only the first fragment shows ESP. */
const BEHIND_OPTIONS: Kind = { class: 'esp', protocol: 60, firstProtocol: 50, flags: esp };

/** A frame, its class as an observer who sees everything would tell it, and the datagram that it completes. */
interface Frame {
  ms: number;
  bytes: number;
  class: ProtectionClass;
  rows: RowSpec[];
}

const time = fc.integer({ min: 0, max: 6000 });
const bytes = fc.integer({ min: 60, max: 1500 });

/** The frames of a datagram, in the order in which they come; times may go back. */
function datagramOf(kinds: fc.Arbitrary<Kind>): fc.Arbitrary<Frame[]> {
  const parts = fc.array(fc.record({ ms: time, bytes }), { minLength: 2, maxLength: 4 });
  return fc.tuple(kinds, parts).map(([kind, frames]) =>
    frames.map((frame, i) => {
      const rows: RowSpec[] = [fragmentRow(kind, frame, i === 0)];
      if (i === frames.length - 1) {
        const all = frames.reduce((sum, part) => sum + part.bytes, 0);
        rows.push({
          protocol: kind.firstProtocol,
          time: frame.ms * 1e6,
          flags: kind.flags | reassembled,
          fragments: frames.length,
          fragmentBytes: all,
          layers: { payload: all - 34 * frames.length },
        });
      }
      return { ...frame, class: kind.class, rows };
    }),
  );
}

function fragmentRow(kind: Kind, frame: { ms: number; bytes: number }, isFirst: boolean): RowSpec {
  return {
    protocol: isFirst ? kind.firstProtocol : kind.protocol,
    time: frame.ms * 1e6,
    flags: fragment | (isFirst ? firstFragment : 0),
    layers: { link: 14, ip: 20, fragment: frame.bytes - 34 },
  };
}

const packet: fc.Arbitrary<Frame[]> = fc.record({ ms: time, bytes }).map((frame) => [
  {
    ...frame,
    class: 'clear',
    rows: [
      {
        protocol: 17,
        time: frame.ms * 1e6,
        flags: udp,
        layers: { link: 14, ip: 20, payload: frame.bytes - 34 },
      },
    ],
  },
]);

/** Frames of several datagrams and packets, mixed at random, those of a datagram in their order. */
function trafficOf(kinds: fc.Arbitrary<Kind>): fc.Arbitrary<Frame[]> {
  return fc
    .tuple(
      fc.array(fc.oneof(datagramOf(kinds), packet), { maxLength: 12 }),
      fc.array(fc.nat(11), { maxLength: 60 }),
    )
    .map(([datagrams, order]) => {
      const waiting = datagrams.map((frames) => [...frames]);
      const mixed = order.flatMap((i) => waiting[i]?.splice(0, 1) ?? []);
      return [...mixed, ...waiting.flat()];
    });
}

function timelineOf(frames: readonly Frame[]): Timeline {
  const rows = frames.flatMap((frame) => frame.rows);
  const timeline = new Timeline();
  timeline.add(buildBatch(rows), 0, rows.length);
  return timeline;
}

/** Bytes of the frames for which `test` holds. */
function bytesOf(frames: readonly Frame[], holds: (frame: Frame) => boolean): number {
  return frames.filter(holds).reduce((sum, frame) => sum + frame.bytes, 0);
}

function intervalOf(timeline: TimelineSummary, ms: number): number {
  return Math.floor((ms * 1e6 - Number(timeline.startNs)) / timeline.intervalNs);
}

test('whatever the datagrams are, intervals and classes have the bytes that were sent, and none has less than nothing', () => {
  fc.assert(
    fc.property(trafficOf(fc.constantFrom(...KINDS, BEHIND_OPTIONS)), (frames) => {
      fc.pre(frames.length > 0);
      const timeline = timelineOf(frames).summary()!;
      const classes = Object.entries(timeline.byClass);
      for (const [kind, amounts] of classes) {
        assert.ok(amounts.every((amount) => amount >= 0));
        const total = amounts.reduce((sum, amount) => sum + amount, 0);
        assert.equal(
          total,
          bytesOf(frames, (frame) => frame.class === kind),
          kind,
        );
      }
      for (let i = 0; i < classes[0]![1].length; i++) {
        const sent = bytesOf(frames, (frame) => intervalOf(timeline, frame.ms) === i);
        assert.equal(
          classes.reduce((sum, [, amounts]) => sum + amounts[i]!, 0),
          sent,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('every byte is in the interval and class it was sent in where fragments with like headers carry one class', () => {
  const kinds = fc.constantFrom(...KINDS).chain((udpKind) => {
    const inUdp = udpKind.protocol === 17 ? udpKind : KINDS[2]!;
    return fc.constantFrom(true, false).map((both) => [inUdp, KINDS[3]!, both ? KINDS[4]! : KINDS[5]!]);
  });
  const traffic = kinds.chain((some) => trafficOf(fc.constantFrom(...some)));
  fc.assert(
    fc.property(traffic, (frames) => {
      fc.pre(frames.length > 0);
      const timeline = timelineOf(frames).summary()!;
      for (const [kind, amounts] of Object.entries(timeline.byClass)) {
        for (const [i, amount] of amounts.entries()) {
          const sent = bytesOf(
            frames,
            (frame) => frame.class === kind && intervalOf(timeline, frame.ms) === i,
          );
          assert.equal(amount, sent, `${kind} ${i}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('datagrams that lie across pieces change nothing, however the pieces are grouped', () => {
  fc.assert(
    fc.property(
      trafficOf(fc.constantFrom(...KINDS, BEHIND_OPTIONS)),
      fc.array(fc.nat(60), { minLength: 2, maxLength: 4 }),
      (frames, cuts) => {
        const places = cuts.map((cut) => cut % (frames.length + 1)).sort((a, b) => a - b);
        const pieces = [0, ...places].map((start, i) => frames.slice(start, places[i] ?? frames.length));
        const whole = timelineOf(frames).summary();
        const merge = (before: Timeline, later: Timeline): Timeline => {
          before.merge(structuredClone(later.state));
          return before;
        };
        assert.deepEqual(pieces.map(timelineOf).reduce(merge).summary(), whole);
        const fromRight = pieces.map(timelineOf).reduceRight((later, before) => merge(before, later));
        assert.deepEqual(fromRight.summary(), whole);
      },
    ),
    { numRuns: 300 },
  );
});
