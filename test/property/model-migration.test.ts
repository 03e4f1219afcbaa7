import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestMemory } from '../../src/model/qemu/guest-memory.js';
import { PC_MACHINE } from '../../src/model/qemu/machine-profile.js';
import { MigrationThread } from '../../src/model/qemu/migration-thread.js';
import {
  DESCRIPTION_HEADER_BYTES,
  leadInBytes,
  NORMAL_PAGE_BYTES,
  RAM_EOS_BYTES,
  ramSetupBytes,
  SECTION_FOOTER_BYTES,
  SECTION_HEADER_BYTES,
  STREAM_EOF_BYTES,
  ZERO_PAGE_BYTES,
} from '../../src/model/qemu/stream-framing.js';
import { Random } from '../../src/model/random.js';
import type { Guest } from '../../src/scenario/scenario.js';
import fc from '../fast-check.js';
import { drive, MIB, MIGRATION, THREAD_COSTS } from '../unit/model/drive-thread.js';

const memory = fc
  .record({ pages: fc.integer({ min: 512, max: 8192 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ pages, share }) => ({ memoryBytes: pages * 4096, filledBytes: Math.floor(pages * share) * 4096 }));
const idle: fc.Arbitrary<Guest> = memory.map((sizes) => ({ ...sizes, workload: { kind: 'idle' } }));
const busy: fc.Arbitrary<Guest> = memory
  .filter(({ filledBytes }) => filledBytes >= MIB)
  .chain((sizes) =>
    fc
      .record({
        kind: fc.constantFrom('uniform' as const, 'sequential' as const),
        pagesPerSecond: fc.double({ min: 0, max: 20_000, noNaN: true }),
        workingSetBytes: fc.integer({ min: 4096, max: sizes.filledBytes }),
      })
      .map((workload) => ({ ...sizes, workload })),
  );
const bytesPerSecond = fc.double({ min: 2e6, max: 2e9, noNaN: true });
const migration = fc.record({
  maxBandwidth: fc.constantFrom(0, 20_000_000, 125_000_000),
  downtimeLimitMs: fc.integer({ min: 1, max: 2000 }),
  multifdChannels: fc.constantFrom(0, 1, 4),
  autoConverge: fc.boolean(),
  timeoutMs: fc.constantFrom(2000, 10_000),
});

function threadOf(guest: Guest, parameters: Partial<typeof MIGRATION>, seed = 1): MigrationThread {
  return new MigrationThread({
    guest,
    migration: { ...MIGRATION, ...parameters },
    costs: THREAD_COSTS,
    random: new Random(seed),
  });
}

test('an idle guest is sent page by page exactly once, whatever channel and parameters', () => {
  fc.assert(
    fc.property(idle, migration, bytesPerSecond, (guest, parameters, rate) => {
      const thread = threadOf(guest, { ...parameters, timeoutMs: 1e6 });
      drive(thread, rate);
      const { normalPages, zeroPages } = guestMemory(guest, PC_MACHINE);
      assert.equal(thread.log.converged, true);
      assert.equal(thread.log.normalPages, normalPages);
      assert.equal(thread.log.zeroPages, zeroPages);
    }),
    { numRuns: 60 },
  );
});

test('what is written is what the log counts, and iterations add up to it', () => {
  fc.assert(
    fc.property(busy, migration, bytesPerSecond, fc.nat(), (guest, parameters, rate, seed) => {
      const thread = threadOf(guest, parameters, seed);
      const driven = drive(thread, rate);
      const { log } = thread;
      const pages = log.iterations.reduce((sum, iteration) => sum + iteration.pages, 0);
      const zeroPages = log.iterations.reduce((sum, iteration) => sum + iteration.zeroPages, 0);
      assert.equal(pages, log.normalPages);
      assert.equal(zeroPages, log.zeroPages);
      const buffered = log.streamBytes - driven.mainBytes - driven.multifdBytes;
      if (log.converged) assert.equal(buffered, 0);
      // What was put into QEMU's buffer when time ran out.
      else assert.ok(buffered >= 0 && buffered <= 33 * NORMAL_PAGE_BYTES + 32_768, `${buffered}`);
    }),
    { numRuns: 60 },
  );
});

test('the bytes of a stream on one connection are the framing of its pages and sections', () => {
  fc.assert(
    fc.property(busy, bytesPerSecond, fc.nat(), (guest, rate, seed) => {
      const thread = threadOf(guest, { downtimeLimitMs: 2000, autoConverge: true, timeoutMs: 20_000 }, seed);
      drive(thread, rate);
      const { log } = thread;
      if (!log.converged) return;
      const { blockNames, machine } = guestMemory(guest, PC_MACHINE);
      const fixed =
        leadInBytes(machine.name) +
        ramSetupBytes(blockNames) +
        SECTION_FOOTER_BYTES +
        machine.deviceStateBytes +
        STREAM_EOF_BYTES +
        DESCRIPTION_HEADER_BYTES +
        machine.descriptionBytes;
      const pages = log.normalPages * NORMAL_PAGE_BYTES + log.zeroPages * ZERO_PAGE_BYTES;
      const sectionBytes = SECTION_HEADER_BYTES + RAM_EOS_BYTES + SECTION_FOOTER_BYTES;
      const rest = log.streamBytes - fixed - pages;
      // Sections and block names: with the EOS of PART sections counted in ramBytes, both follow.
      const endBytes = sectionBytes;
      const partsAndNames = log.ramBytes - pages;
      const parts = (rest - endBytes - partsAndNames) / (SECTION_HEADER_BYTES + SECTION_FOOTER_BYTES);
      assert.ok(Number.isInteger(parts) && parts >= 1, `${parts} sections`);
      const names = partsAndNames - parts * RAM_EOS_BYTES;
      const once = blockNames.reduce((sum, name) => sum + 1 + name.length, 0);
      assert.ok(names >= once && (names - once) % 7 === 0, `${names} bytes of names`);
    }),
    { numRuns: 40 },
  );
});

test('time never runs backwards and every write has bytes', () => {
  fc.assert(
    fc.property(busy, migration, bytesPerSecond, (guest, parameters, rate) => {
      const thread = threadOf(guest, parameters);
      const driven = drive(thread, rate);
      assert.ok(driven.writes.every((bytes) => Number.isInteger(bytes) && bytes > 0));
      let at = 0;
      for (const { startMs, durationMs } of thread.log.iterations) {
        assert.ok(startMs >= at - 1e-6 && durationMs >= 0);
        at = startMs + durationMs;
      }
    }),
    { numRuns: 40 },
  );
});

test('an idle guest takes no longer on a faster channel, but for the end of a section', () => {
  fc.assert(
    fc.property(idle, bytesPerSecond, fc.double({ min: 1, max: 10, noNaN: true }), (guest, rate, factor) => {
      const slow = drive(threadOf(guest, {}), rate);
      const fast = drive(threadOf(guest, {}), rate * factor);
      assert.ok(fast.endNs <= slow.endNs * 1.001 + 1e6, `${fast.endNs} > ${slow.endNs}`);
    }),
    { numRuns: 60 },
  );
});

test('the same seed gives the same migration', () => {
  fc.assert(
    fc.property(busy, migration, fc.nat(), (guest, parameters, seed) => {
      const [one, other] = [threadOf(guest, parameters, seed), threadOf(guest, parameters, seed)];
      assert.deepEqual(drive(one, 50e6), drive(other, 50e6));
      assert.deepEqual(one.log, other.log);
    }),
    { numRuns: 20 },
  );
});
