import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram } from '../../../../src/orchestrator/lab/lab-programs.js';
import { type GuestReport, parseGuestReports } from '../../../../src/orchestrator/qemu/guest-report.js';
import {
  type GuestSectorSettings,
  guestSector,
  guestSectorOf,
  PLANTED_TEXT,
} from '../../../../src/orchestrator/qemu/guest-sector.js';
import { QmpClient } from '../../../../src/orchestrator/qemu/qmp-client.js';
import type { Scenario, Workload } from '../../../../src/scenario/scenario.js';
import { repoPath } from '../../../repo-root.js';
import { requireTool, runTool } from '../../../tool.js';

const MEMORY_MIB = 32;
const FIRST_BYTE = 2 ** 20;
const PAGE_BYTES = 4096;
const PARAMETER_BYTES = 88;

test('the sector is what the assembler makes of its source', (t) => {
  if (!requireTool(t, 'as') || !requireTool(t, 'ld')) return;
  const folder = mkdtempSync(join(tmpdir(), 'tare-guest-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [object, binary] = [join(folder, 'guest.o'), join(folder, 'guest.bin')];
  runTool('as', ['--32', repoPath('native/guest/guest.S'), '-o', object]);
  runTool('ld', ['-m', 'elf_i386', '-Ttext', '0x6e00', '--oformat', 'binary', object, '-o', binary]);
  const assembled = readFileSync(binary);
  const shipped = guestSector({ fillPages: 1, workingPages: 1, pagesPerSecond: 0, order: 'sequential' });
  assert.equal(assembled.length, 512);
  for (const part of [
    (bytes: Buffer) => bytes.subarray(0, 510 - PARAMETER_BYTES),
    (bytes: Buffer) => bytes.subarray(510),
  ]) {
    assert.deepEqual(part(shipped), part(assembled));
  }
});

test('writes in order come at the pace asked for, and memory holds what was asked for', async (t) => {
  const guest = await runGuest(t, {
    fillPages: 2048,
    workingPages: 600,
    pagesPerSecond: 1500,
    order: 'sequential',
    zeroShare: 0.25,
    text: 'planted',
  });
  if (guest === null) return;
  const { reports, memory } = guest;
  assertPace(reports, 1500);
  const writes = writesByPage(memory, 2048);
  const [least, most] = [Math.min(...writes.slice(0, 600)), Math.max(...writes.slice(0, 600))];
  assert.ok(most - least <= 1 && least > 0, `${least} to ${most} writes to a page`);
  assert.equal(Math.max(...writes.slice(600)), 0);
  const pages = Array.from({ length: 2048 }, (_, i) => pageOf(memory, i));
  const zero = pages.filter((page) => page.readUInt32LE(0) === 0 && page.readUInt32LE(8) === 0);
  // Page 0 is numbered 0; of the others a quarter, chosen by a hash of the number.
  assert.ok(Math.abs(zero.length - 512) < 64, `${zero.length} zero pages`);
  for (const page of pages.filter((each) => !zero.includes(each))) {
    assert.equal(page.toString('latin1', 4032), 'planted'.padEnd(64, '.'));
  }
});

test('random writes reach every page of the working set alike, hot ones as often as asked for', async (t) => {
  const guest = await runGuest(t, {
    fillPages: 4096,
    workingPages: 1024,
    pagesPerSecond: 20_000,
    order: 'random',
    hot: { pages: 128, share: 0.75 },
  });
  if (guest === null) return;
  assertPace(guest.reports, 20_000);
  const writes = writesByPage(guest.memory, 4096);
  const total = sum(writes);
  const hot = sum(writes.slice(0, 128)) / total;
  // Of the writes that go anywhere an eighth is hot, too.
  assert.ok(Math.abs(hot - (0.75 + 0.25 / 8)) < 0.01, `${hot} of the writes are hot`);
  assert.equal(sum(writes.slice(1024)), 0);
  for (const part of [writes.slice(0, 128), writes.slice(128, 1024)]) {
    // Counts of independent writes scatter as wide as their root: chi-square over its degrees of freedom is 1.
    const mean = sum(part) / part.length;
    const scatter = sum(part.map((count) => (count - mean) ** 2)) / mean / (part.length - 1);
    assert.ok(scatter > 0.5 && scatter < 1.5, `scatter ${scatter}`);
  }
});

test('an idle guest reports and writes nothing', async (t) => {
  const scenario = scenarioOf({ kind: 'idle' });
  const guest = await runSector(t, guestSectorOf(scenario));
  if (guest === null) return;
  assert.equal(guest.reports.at(-1)?.writes, 0);
  assert.equal(guest.reports.at(-1)?.errors, 0);
  assert.ok((guest.reports.at(-1)?.verified ?? 0) > 0);
  const pages = scenario.guest.filledBytes / PAGE_BYTES;
  for (const page of [1, pages - 1]) {
    assert.equal(pageOf(guest.memory, page).readUInt32LE(4), page);
    assert.equal(pageOf(guest.memory, page).toString('latin1', 4032), PLANTED_TEXT.padEnd(64, '.'));
  }
  assert.equal(pageOf(guest.memory, pages).readUInt32LE(0), 0);
});

test("a scenario's hot set is written as often as it says", async (t) => {
  const mostlyCold: Workload = {
    kind: 'hot-set',
    pagesPerSecond: 20_000,
    workingSetBytes: 1000 * PAGE_BYTES,
    hotShare: 0.1,
    hotWrites: 0.8,
  };
  const guest = await runSector(t, guestSectorOf(scenarioOf(mostlyCold)));
  if (guest === null) return;
  const writes = writesByPage(guest.memory, 1000);
  const hot = sum(writes.slice(0, 100)) / sum(writes);
  assert.ok(Math.abs(hot - 0.8) < 0.01, `${hot} of the writes are hot`);
});

test('what the guest cannot do is refused', () => {
  const settings: GuestSectorSettings = { fillPages: 8, workingPages: 4, pagesPerSecond: 1, order: 'random' };
  for (const wrong of [
    { fillPages: 0 },
    { workingPages: 9 },
    { pagesPerSecond: -1 },
    { pagesPerSecond: 1e9 },
    { hot: { pages: 5, share: 0.5 } },
    { hot: { pages: 1, share: 1.5 } },
    { text: 'x'.repeat(65) },
    { text: 'é' },
    { seed: 2 ** 32 },
  ]) {
    assert.throws(() => guestSector({ ...settings, ...wrong }), RangeError, JSON.stringify(wrong));
  }
  assert.throws(() => guestSectorOf(scenarioOf({ kind: 'trace', groups: [] })), RangeError);
});

function scenarioOf(workload: Workload): Scenario {
  const guest = { memoryBytes: MEMORY_MIB * 2 ** 20, filledBytes: 8 * 2 ** 20, workload };
  return { guest, seed: 7 } as Scenario;
}

function assertPace(reports: readonly GuestReport[], pagesPerSecond: number): void {
  for (const { seconds, writes, errors } of reports) {
    // A report comes with the first tick of its second: a hundredth of a second's writes to either side.
    assert.ok(
      Math.abs(writes - pagesPerSecond * seconds) <= pagesPerSecond / 100,
      `${writes} after ${seconds} s`,
    );
    assert.equal(errors, 0);
  }
}

interface GuestRun {
  readonly reports: GuestReport[];
  readonly memory: Buffer;
}

const SECONDS = 6;

async function runGuest(t: TestContext, settings: GuestSectorSettings): Promise<GuestRun | null> {
  return runSector(t, guestSector(settings));
}

/** Runs the guest in QEMU for some seconds of its own time, which passes as fast as instructions are done, and looks at its memory. */
async function runSector(t: TestContext, sector: Uint8Array): Promise<GuestRun | null> {
  const qemu = await findProgram('qemu-system-x86_64');
  if (qemu === null) {
    requireTool(t, 'qemu-system-x86_64');
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tare-guest-'));
  const [disk, serial, socket, dump] = ['disk', 'serial', 'qmp', 'memory'].map((name) => join(folder, name));
  writeFileSync(disk!, sector);
  const machine = spawn(
    qemu,
    [
      ...['-machine', 'pc', '-accel', 'tcg', '-icount', 'shift=2,sleep=off', '-m', String(MEMORY_MIB)],
      ...['-nodefaults', '-display', 'none', '-drive', `file=${disk},format=raw,if=ide`],
      ...['-serial', `file:${serial}`, '-qmp', `unix:${socket},server=on,wait=off`],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  t.after(async () => {
    const exited = once(machine, 'exit');
    machine.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true });
  });
  await waitUntil(() => {
    assert.equal(machine.exitCode, null, 'QEMU has ended');
    return existsSync(socket!) && reportsIn(serial!).length >= SECONDS;
  });
  const qmp = await QmpClient.connect(socket!);
  await qmp.execute('stop');
  await qmp.execute('pmemsave', { val: 0, size: MEMORY_MIB * 2 ** 20, filename: dump! });
  qmp.close();
  return { reports: reportsIn(serial!), memory: readFileSync(dump!) };
}

function reportsIn(path: string): GuestReport[] {
  return existsSync(path) ? parseGuestReports(readFileSync(path, 'latin1')) : [];
}

async function waitUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function pageOf(memory: Buffer, page: number): Buffer {
  return memory.subarray(FIRST_BYTE + page * PAGE_BYTES, FIRST_BYTE + (page + 1) * PAGE_BYTES);
}

/** A write increments dword 1; in a page that was filled it began as the page's number, else as zero. */
function writesByPage(memory: Buffer, pages: number): number[] {
  return Array.from({ length: pages }, (_, i) => {
    const page = pageOf(memory, i);
    return page.readUInt32LE(4) - page.readUInt32LE(0);
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
