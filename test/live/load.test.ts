import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoPath } from '../repo-root.js';
import { runTare } from '../unit/cli/run-tare.js';
import { NIC, requireLink } from './live-link.js';

const MIGRATION = repoPath('captures/migration/ms-gcm-1500.pcap');
const SLOW_READER = repoPath('dist/test/live/slow-reader.js');
const ENDING_WORKERS = repoPath('dist/test/live/ending-workers.js');
const MIB = 2 ** 20;

interface Outcome {
  readonly frames: number;
  readonly received: number;
  readonly kernelDrops: number;
}

test('when the reader falls behind, what is lost is what the kernel counted on the interface and did not deliver', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const reader = link.start([process.execPath, SLOW_READER, NIC, String(2 * MIB), '2']);
  await reader.said(/capturing/);
  const sent = link.replay(MIGRATION) + link.replay(MIGRATION);
  reader.write('read\n');
  const { exitCode, stdout, stderr } = await reader.end();
  assert.equal(exitCode, 0, stderr);
  const outcome = JSON.parse(stdout) as Outcome;
  assert.ok(outcome.kernelDrops > 0, 'the load was too small');
  assert.equal(outcome.received, sent);
  assert.equal(outcome.frames + outcome.kernelDrops, sent);
});

test('a reader that is behind for a while loses nothing that its blocks and the ring have room for', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const reader = link.start([process.execPath, SLOW_READER, NIC, String(32 * MIB), '8']);
  await reader.said(/capturing/);
  const sent = link.replay(MIGRATION);
  reader.write('read\n');
  const { stdout, stderr } = await reader.end();
  const outcome = JSON.parse(stdout) as Outcome;
  assert.equal(outcome.frames, sent, stderr);
  assert.equal(outcome.kernelDrops, 0);
});

test('captures that end with their worker thread leave no thread, no descriptor and no memory behind', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const flood = link.start(['tcpreplay', '-q', '-i', 'tare-tx', '--loop=0', '--mbps=50', MIGRATION]);
  const workers = link.start([process.execPath, ENDING_WORKERS, NIC, '18']);
  const { exitCode, stdout, stderr } = await workers.end();
  await flood.interrupt();
  assert.equal(exitCode, 0, stderr);
  const { before, after } = JSON.parse(stdout);
  assert.equal(after.threads, before.threads);
  assert.equal(after.descriptors, before.descriptors);
  // Each has 1 MiB of blocks and 1 MiB of ring: kept, 18 of them would be 36 MiB.
  assert.ok(after.rss - before.rss < 24 * MIB, `${after.rss - before.rss} bytes more`);
});

test('under load the report says how many frames were lost, to the frame', async (t) => {
  const link = requireLink(t);
  if (link === null) return;
  const file = join(link.folder, 'out.pcapng');
  const running = await link.capture(['-w', file, '-B', '1MiB', '--json']);
  const sent = link.replay(MIGRATION, '-t', '--loop=5');
  const { stdout } = await running.interrupt();
  const analysis = JSON.parse(stdout.trim().split('\n').at(-1)!);
  assert.equal(analysis.schema, 'tare.analysis/1');
  const [input] = analysis.inputs;
  const { frames, reportedDrops, notAnalysed = 0 } = input;
  assert.equal(frames + notAnalysed + reportedDrops, sent);
  const written = JSON.parse(runTare(['analyze', file, '--json']).stdout).inputs[0];
  // What could not be analysed in time is in the file, and not lost.
  assert.equal(written.frames, frames + notAnalysed);
  assert.equal(written.reportedDrops, reportedDrops);
});
