import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addInterval,
  cardinality,
  createIntervalList,
  uniteIntervals,
} from '../../src/analysis/interval-list.js';
import { PacketFlag } from '../../src/packet/packet-batch.js';
import fc from '../fast-check.js';
import { Analyses } from '../unit/analysis/analyses.js';
import { buildBatch, type RowSpec } from '../unit/analysis/build-batch.js';

/*
 * The models here keep sets of single numbers and the whole history: slow, and written from the definitions alone.
 */

interface Segment {
  sequence: number;
  payload: number;
}

/** Steps from one segment to the next, in units of 4 bytes; starting points at the middle and at the wrap. */
const segments: fc.Arbitrary<Segment[]> = fc
  .tuple(
    fc.constantFrom(1000, 2 ** 32 - 40, 2 ** 31 - 20),
    fc.array(
      fc.record({
        step: fc.oneof(
          fc.constant('next' as const),
          fc.constant('before' as const),
          fc.integer({ min: -40, max: 40 }),
        ),
        payload: fc.oneof(fc.constant(8), fc.integer({ min: 1, max: 20 })),
      }),
      { maxLength: 40 },
    ),
  )
  .map(([start, steps]) => {
    let end = start;
    return steps.map(({ step, payload }) => {
      const isKeepAlive = step === 'before';
      const at = typeof step === 'number' ? end + step : end - (isKeepAlive ? 1 : 0);
      const length = isKeepAlive ? 1 : payload;
      end = at + length;
      return { sequence: at % 2 ** 32, payload: length };
    });
  });

function tcpRows(history: readonly Segment[]): RowSpec[] {
  return history.map(({ sequence, payload }) => ({
    protocol: 6,
    flags: PacketFlag.tcp,
    sourcePort: 1,
    destinationPort: 2,
    sequence,
    payload,
    layers: { link: 14, ip: 20, transport: 20, payload },
  }));
}

/** Every byte's position in a set. */
function retransmissionModel(history: readonly Segment[]) {
  const seen = new Set<number>();
  let retransmissions = 0;
  let retransmittedBytes = 0;
  let position = history[0]?.sequence ?? 0;
  for (const { sequence, payload } of history) {
    const distance = (((sequence - position) % 2 ** 32) + 2 ** 32) % 2 ** 32;
    position += distance < 2 ** 31 ? distance : distance - 2 ** 32;
    const bytes = Array.from({ length: payload }, (_, i) => position + i);
    const highest = Math.max(Number.NEGATIVE_INFINITY, ...seen);
    if (payload === 1 && position === highest) continue;
    const repeated = bytes.filter((byte) => seen.has(byte)).length;
    if (repeated > 0) retransmissions += 1;
    retransmittedBytes += repeated;
    for (const byte of bytes) seen.add(byte);
  }
  return { retransmissions, retransmittedBytes };
}

test('Retransmissions are those of a model that remembers every byte', () => {
  fc.assert(
    fc.property(segments, (history) => {
      const { flows } = new Analyses().add(buildBatch(tcpRows(history))).flows.summary();
      const { retransmissions = 0, retransmittedBytes = 0 } = flows[0] ?? {};
      assert.deepEqual({ retransmissions, retransmittedBytes }, retransmissionModel(history));
    }),
    { numRuns: 1500 },
  );
});

test('Retransmissions across any number of cuts are those of the model', () => {
  fc.assert(
    fc.property(segments, fc.integer({ min: 1, max: 9 }), (history, pieceLength) => {
      const merged = new Analyses();
      for (let i = 0; i < history.length; i += pieceLength) {
        merged.merge(new Analyses().add(buildBatch(tcpRows(history.slice(i, i + pieceLength)))));
      }
      const { retransmissions = 0, retransmittedBytes = 0 } = merged.flows.summary().flows[0] ?? {};
      assert.deepEqual({ retransmissions, retransmittedBytes }, retransmissionModel(history));
    }),
    { numRuns: 1500 },
  );
});

/** Sequence numbers in order, with losses, repetitions and late arrivals, some of them across the wrap. */
const sequenceNumbers = fc
  .tuple(
    fc.constantFrom(401, 2 ** 32 - 20, 5_000_000),
    fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: -6, max: 6 })), {
      maxLength: 60,
    }),
  )
  .map(([start, steps]) => {
    let number = start;
    return steps.map((step) => {
      number += step;
      return number;
    });
  });

function espRows(numbers: readonly number[]): RowSpec[] {
  return numbers.map((number) => ({
    protocol: 50,
    flags: PacketFlag.esp,
    layers: { link: 14, ip: 20, espHeader: 8, espOpaque: 64 },
    security: [{ protocol: 50, spi: 0x100, sequence: number % 2 ** 32, bytes: 64 }],
  }));
}

function sequenceModel(numbers: readonly number[]) {
  const seen = new Set<number>();
  const rising = new Set<number>();
  let highest = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    if (number > highest) rising.add(number);
    highest = Math.max(highest, number);
    seen.add(number);
  }
  const lowest = Math.min(...numbers);
  return {
    first: lowest % 2 ** 32,
    last: highest % 2 ** 32,
    missing: highest - lowest + 1 - seen.size,
    duplicate: numbers.length - seen.size,
    reordered: seen.size - rising.size,
    untilWrap: 2 ** 32 - 1 - (highest % 2 ** 32),
    wrapped: Math.floor(lowest / 2 ** 32) !== Math.floor(highest / 2 ** 32),
  };
}

test('Sequence numbers, in pieces of any length, say what a model with plain sets says', () => {
  fc.assert(
    fc.property(sequenceNumbers, fc.integer({ min: 1, max: 70 }), (numbers, pieceLength) => {
      fc.pre(numbers.length > 0);
      const merged = new Analyses();
      for (let i = 0; i < numbers.length; i += pieceLength) {
        merged.merge(new Analyses().add(buildBatch(espRows(numbers.slice(i, i + pieceLength)))));
      }
      assert.deepEqual(merged.securityAssociations.summary()[0]!.sequence, sequenceModel(numbers));
    }),
    { numRuns: 1500 },
  );
});

const intervals = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 12 })), {
  maxLength: 30,
});

test('An interval list is the set of its integers', () => {
  fc.assert(
    fc.property(intervals, intervals, fc.integer({ min: -20, max: 20 }), (first, second, shift) => {
      const model = new Set<number>();
      const list = createIntervalList();
      const other = createIntervalList();
      for (const [start, length] of first) {
        const numbers = Array.from({ length }, (_, i) => start + i);
        assert.equal(addInterval(list, start, start + length), numbers.filter((n) => model.has(n)).length);
        for (const number of numbers) model.add(number);
      }
      for (const [start, length] of second) {
        addInterval(other, start, start + length);
        for (let i = 0; i < length; i++) model.add(start + shift + i);
      }
      uniteIntervals(list, other, shift);
      assert.equal(cardinality(list), model.size);
      for (let i = 1; i < list.count; i++) assert.ok(list.bounds[2 * i - 1]! < list.bounds[2 * i]!);
    }),
  );
});

test('A full interval list gives up gaps and still counts right what is missing', () => {
  const list = createIntervalList();
  for (let i = 0; i < 1000; i++) addInterval(list, i * 3, i * 3 + 2, 16);
  assert.ok(list.count <= 16);
  assert.equal(cardinality(list), 2000);
});
