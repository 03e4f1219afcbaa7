import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestMemory } from '../../../../src/model/qemu/guest-memory.js';
import { PC_MACHINE } from '../../../../src/model/qemu/machine-profile.js';
import { MigrationThread } from '../../../../src/model/qemu/migration-thread.js';
import { Random } from '../../../../src/model/random.js';
import { StreamAction } from '../../../../src/model/stream-source.js';
import type { Guest, MigrationParameters } from '../../../../src/scenario/scenario.js';
import { type DrivenStream, drive, MIB, MIGRATION, THREAD_COSTS } from '../drive-thread.js';

const IDLE: Guest = { memoryBytes: 64 * MIB, filledBytes: 32 * MIB, workload: { kind: 'idle' } };
const BUSY: Guest = {
  ...IDLE,
  workload: { kind: 'uniform', pagesPerSecond: 20_000, workingSetBytes: 24 * MIB },
};

function migrate(
  guest: Guest,
  migration: Partial<MigrationParameters>,
  bytesPerSecond: number,
): { thread: MigrationThread; driven: DrivenStream } {
  const thread = new MigrationThread({
    guest,
    migration: { ...MIGRATION, ...migration },
    costs: THREAD_COSTS,
    random: new Random(1),
  });
  return { thread, driven: drive(thread, bytesPerSecond) };
}

test('an idle guest is sent once, zero pages as such, and then the state of its devices', () => {
  const { thread, driven } = migrate(IDLE, {}, 100e6);
  const { normalPages, zeroPages } = guestMemory(IDLE, PC_MACHINE);
  const { log } = thread;
  assert.equal(log.converged, true);
  assert.equal(log.normalPages, normalPages);
  assert.equal(log.zeroPages, zeroPages);
  assert.equal(driven.mainBytes, log.streamBytes);
  assert.equal(log.iterations.at(-1)?.remainingPages, 0);
  assert.equal(log.endNs, driven.endNs);
});

test('a page is never sent without a dirty bit: nothing is sent twice between two synchronisations', () => {
  const { thread } = migrate(BUSY, { timeoutMs: 5000 }, 20e6);
  const { pages } = guestMemory(BUSY, PC_MACHINE);
  for (const iteration of thread.log.iterations) assert.ok(iteration.pages + iteration.zeroPages <= pages);
});

test('a guest that writes faster than the channel carries does not converge, and ends at the time limit', () => {
  const { thread, driven } = migrate(BUSY, { timeoutMs: 3000 }, 20e6);
  const { log } = thread;
  assert.equal(log.converged, false);
  assert.equal(log.stopNs, null);
  assert.equal(log.handedOverNs, null);
  assert.ok(driven.endNs >= 3e9 && driven.endNs < 3.1e9);
  assert.ok(log.iterations.at(-1)!.remainingPages > 0);
});

test('what is left at the stop takes no longer than the downtime limit and the state of devices', () => {
  for (const downtimeLimitMs of [50, 300, 1000]) {
    const { thread } = migrate(BUSY, { downtimeLimitMs }, 400e6);
    const { stopNs, handedOverNs, converged } = thread.log;
    assert.equal(converged, true);
    const downtimeMs = (handedOverNs! - stopNs!) / 1e6;
    assert.ok(downtimeMs < downtimeLimitMs * 1.1 + 10, `${downtimeMs} ms of ${downtimeLimitMs}`);
  }
});

test('max-bandwidth holds in each window of 100 ms', () => {
  const { thread, driven } = migrate(IDLE, { maxBandwidth: 10_000_000 }, 1e9);
  const seconds = (thread.log.stopNs! - thread.log.setupEndNs) / 1e9;
  const rate = thread.log.ramBytes / seconds;
  assert.ok(rate < 10_000_000 * 1.05 && rate > 9_500_000, `${rate} B/s`);
  assert.ok(driven.endNs > (32 * MIB) / 10_000_000);
});

test('a slow channel makes sections of 65 pages: 50 ms are over when the clock is looked at again', () => {
  const thread = new MigrationThread({
    guest: IDLE,
    migration: MIGRATION,
    costs: THREAD_COSTS,
    random: new Random(1),
  });
  const sectionBytes: number[] = [];
  let bytes = 0;
  let nowNs = 0;
  while (sectionBytes.length < 6) {
    const action = thread.next(nowNs);
    if (action === StreamAction.wait) {
      nowNs = thread.untilNs;
      continue;
    }
    bytes += thread.bytes;
    // A whole write of 32 pages is 131328 bytes and more; a footer goes alone where a window ends; the last write is neither.
    if (thread.bytes < 131_328 && thread.bytes !== 5) {
      sectionBytes.push(bytes);
      bytes = 0;
    }
    nowNs += Math.ceil(thread.bytes / 4e-3);
  }
  // 65 pages and EOS, and in front the footer of the section before with the header; as in captures/migration/ms-ahesp-1500.
  assert.deepEqual(sectionBytes.slice(-2), [65 * 4104 + 18, 65 * 4104 + 18]);
});

test('auto-converge slows a guest down until it converges', () => {
  const without = migrate(BUSY, { timeoutMs: 60_000 }, 30e6).thread.log;
  const log = migrate(BUSY, { timeoutMs: 60_000, autoConverge: true }, 30e6).thread.log;
  assert.equal(without.converged, false);
  assert.equal(log.converged, true);
  assert.ok(log.throttle > 0.2);
});

test('XBZRLE sends deltas for what is in the cache from the third sending on', () => {
  const guest: Guest = {
    ...IDLE,
    workload: { kind: 'uniform', pagesPerSecond: 4000, workingSetBytes: 8 * MIB },
  };
  const log = migrate(guest, { xbzrle: { cacheBytes: 16 * MIB, deltaShare: 0.1 }, timeoutMs: 10_000 }, 10e6)
    .thread.log;
  assert.ok(log.xbzrlePages > 1000);
  const tooSmall = migrate(guest, { xbzrle: { cacheBytes: MIB, deltaShare: 0.1 }, timeoutMs: 10_000 }, 10e6)
    .thread.log;
  assert.ok(tooSmall.xbzrlePages < log.xbzrlePages);
});

test('multifd carries pages with content in packets, and zero pages stay on the main connection', () => {
  const { thread, driven } = migrate(IDLE, { multifdChannels: 4 }, 100e6);
  const { log } = thread;
  const { normalPages, zeroPages } = guestMemory(IDLE, PC_MACHINE);
  assert.equal(thread.connections, 5);
  assert.equal(log.normalPages, normalPages);
  assert.ok(driven.mainBytes > zeroPages * 9 && driven.mainBytes < zeroPages * 9 + 120_000);
  const packets = (driven.multifdBytes - 4 * 64 - normalPages * 4096) / 1344;
  assert.ok(Number.isInteger(packets) && packets >= normalPages / 128, `${packets} packets`);
  assert.equal(driven.mainBytes + driven.multifdBytes, log.streamBytes);
});

test('compression makes packets shorter, and the bandwidth that QEMU measures does not notice', () => {
  const whole = migrate(IDLE, { multifdChannels: 2 }, 50e6);
  const half = migrate(
    IDLE,
    { multifdChannels: 2, compression: { ratio: 0.5, sourceNsPerPage: 1000, destinationNsPerPage: 500 } },
    50e6,
  );
  const saved = whole.thread.log.normalPages * 2048;
  assert.ok(Math.abs(whole.driven.multifdBytes - half.driven.multifdBytes - saved) < saved * 0.01);
  assert.ok(half.thread.log.ramBytes > half.driven.multifdBytes * 1.5);
});

test('post-copy moves the guest after so many iterations, and the rest of its memory after it', () => {
  const { thread } = migrate(BUSY, { postcopyAfterIterations: 2, timeoutMs: 60_000 }, 30e6);
  const { log } = thread;
  assert.equal(log.converged, true);
  assert.ok(log.handedOverNs! < log.endNs);
  assert.ok((log.handedOverNs! - log.stopNs!) / 1e6 < 50);
  const last = log.iterations.at(-1)!;
  assert.ok(last.pages > 1000);
  assert.equal(last.remainingPages, 0);
  // Pass, pass, the guest's move, and what followed it.
  assert.equal(log.iterations.length, 4);
});

test('the device state goes out in buffers of 32 KiB', () => {
  const { driven } = migrate(IDLE, {}, 100e6);
  assert.deepEqual(driven.writes.slice(-4), [32_768, 32_768, 32_768, 14_057 + 5]);
});
