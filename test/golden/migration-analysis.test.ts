import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AnalysisSummary, MigrationSummary } from '../../src/analysis/analysis-summary.js';
import { repoPath } from '../repo-root.js';
import { runTare } from '../unit/cli/run-tare.js';

const FOLDER = 'captures/migration';
const CAPTURES = readdirSync(repoPath(FOLDER)).filter((name) => /\.pcap(\.gz)?$/.test(name));

/** What a socket holds at most when QEMU has written its last byte: net.ipv4.tcp_wmem of the machine. */
const SOCKET_BYTES = 4 << 20;
/** From the command to migrate to the first byte, and from the last one to the report: two starts of a thread on a busy machine. */
const UNSEEN_MS = 100;

interface QemuReport {
  final: { 'total-time': number; downtime: number; ram: Record<string, number> };
}

function reportOf(capture: string): QemuReport['final'] {
  const path = repoPath(`${FOLDER}/${capture.replace(/\.pcap.*/, '.json')}`);
  return (JSON.parse(readFileSync(path, 'utf8')) as QemuReport).final;
}

function analyze(capture: string, withKeys: boolean): AnalysisSummary {
  const keys = repoPath(`${FOLDER}/${capture.replace(/\.pcap.*/, '.xfrm')}`);
  const options = withKeys && existsSync(keys) ? ['--keys', keys] : [];
  const { exitCode, stdout } = runTare(['analyze', '--json', repoPath(`${FOLDER}/${capture}`), ...options]);
  assert.equal(exitCode, 0);
  return JSON.parse(stdout) as AnalysisSummary;
}

function milliseconds({ startNs, endNs }: MigrationSummary): number {
  return Number(BigInt(endNs) - BigInt(startNs)) / 1e6;
}

test('there are migrations in the clear, in ESP and under AH', () => {
  assert.equal(CAPTURES.length, 6);
});

for (const capture of CAPTURES) {
  test(`${capture}: tare analyze reports the pages, memory and protection of the migration that QEMU reported`, () => {
    const { ram } = reportOf(capture);
    const { migrations, protection } = analyze(capture, true);
    assert.equal(migrations.length, 1);
    const [migration] = migrations as [MigrationSummary];
    assert.equal(migration.normalPages - migration.repeatedPages, ram['normal']);
    assert.equal(migration.zeroPages, ram['duplicate']);
    assert.equal(migration.ramBytes, ram['transferred']);
    assert.equal(
      migration.blocks.reduce((sum, { bytes }) => sum + bytes, 0),
      ram['total'],
    );
    assert.equal(migration.complete, true);
    assert.equal(migration.channels, capture.includes('multifd') ? 4 : 0);
    // A single migration is nearly all that these captures hold.
    const [main] = Object.entries(protection).sort(([, a], [, b]) => b.bytes - a.bytes);
    assert.equal(migration.transport, main![0]);
  });

  test(`${capture}: it took as long on the wire as QEMU says, but for what it did before and what its socket still held`, () => {
    const { 'total-time': totalMs, downtime: downtimeMs } = reportOf(capture);
    const [migration] = analyze(capture, true).migrations as [MigrationSummary];
    const wireMs = milliseconds(migration);
    const drainMs = (SOCKET_BYTES / migration.streamBytes) * wireMs;
    assert.ok(wireMs > totalMs - UNSEEN_MS && wireMs < totalMs + drainMs, `${wireMs} of ${totalMs} ms`);
    const leastMs = migration.downtimeMs!;
    assert.ok(
      leastMs > downtimeMs - UNSEEN_MS && leastMs < downtimeMs + drainMs,
      `${leastMs} of ${downtimeMs}`,
    );
    const last = migration.iterations.at(-1)!;
    assert.equal(last.stage, 'stopAndCopy');
    const end = BigInt(migration.endNs);
    assert.ok(leastMs >= Number(end - BigInt(last.startNs)) / 1e6);
  });

  if (!existsSync(repoPath(`${FOLDER}/${capture.replace(/\.pcap.*/, '.xfrm')}`))) continue;
  test(`${capture}: without keys nothing is said of a migration`, () => {
    assert.deepEqual(analyze(capture, false).migrations, []);
  });
}
