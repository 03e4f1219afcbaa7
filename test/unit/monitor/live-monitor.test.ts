import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProtectionClass } from '../../../src/analysis/analysis-summary.js';
import { LiveMonitor } from '../../../src/monitor/live-monitor.js';
import type { LiveSnapshot } from '../../../src/monitor/live-snapshot.js';
import { analyzeFiles } from '../../../src/pipeline/analyze-files.js';
import { ipsecOverhead } from '../../../src/report/analysis/ipsec-overhead.js';
import { repoPath } from '../../repo-root.js';
import { requireTool, runTool } from '../../tool.js';
import { NO_KNOWLEDGE, replay } from './replay.js';

interface Interval {
  readonly packets: number;
  readonly bytes: number;
}

/** Frames and bytes in each interval as tshark counts them, one list a filter. */
function countWithTshark(path: string, seconds: number, filters: readonly string[]): Interval[][] {
  const { stdout } = runTool('tshark', ['-r', path, '-q', '-z', `io,stat,${seconds},${filters.join(',')}`]);
  const rows = stdout.split('\n').filter((line) => /<>/.test(line) && /^\|\s*[\d.]/.test(line));
  return filters.map((_, i) =>
    rows.map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      return { packets: Number(cells[2 + 2 * i]), bytes: Number(cells[3 + 2 * i]) };
    }),
  );
}

/** What snapshots say of each interval, without those at the end in which nothing came. */
function intervalsOf(snapshots: readonly LiveSnapshot[], name: ProtectionClass): Interval[] {
  return snapshots.map(({ interval }) => interval.protection[name]);
}

const COMPARED: readonly { file: string; filters: Partial<Record<ProtectionClass, string>> }[] = [
  {
    file: 'captures/migration/ms-ahesp-1500.pcap',
    filters: { ahEsp: 'ah&&esp', notIp: 'arp', clear: '(ip||ipv6)&&!ah&&!esp' },
  },
  { file: 'captures/migration/ms-gcm-1500.pcap', filters: { esp: 'esp', clear: 'ip&&!esp' } },
  { file: 'captures/ipsec/t4-ah-sha256.pcap', filters: { ah: 'ip.proto==51' } },
];

for (const { file, filters } of COMPARED) {
  test(`each second of ${file} has the packets and bytes that tshark counts`, async (t) => {
    if (!requireTool(t, 'tshark')) return;
    const seconds = 0.25;
    const { snapshots } = await replay(repoPath(file), { intervalNs: 250_000_000n, blockFrames: 100 });
    const counted = countWithTshark(repoPath(file), seconds, Object.values(filters));
    Object.keys(filters).forEach((name, i) => {
      const ours = intervalsOf(snapshots, name as ProtectionClass);
      const theirs = counted[i]!;
      assert.ok(theirs.length >= ours.length - 1 && theirs.length > 1);
      for (const [at, amount] of theirs.entries()) {
        assert.deepEqual(ours[at] ?? { packets: 0, bytes: 0 }, amount, `${name}, interval ${at}`);
      }
    });
  });
}

test('the sequence numbers and losses of an SA are those that tshark reads', async (t) => {
  if (!requireTool(t, 'tshark') || !requireTool(t, 'editcap')) return;
  const folder = mkdtempSync(join(tmpdir(), 'tare-live-'));
  try {
    const path = join(folder, 'lossy.pcap');
    // Packets 100 to 119 and 300 are lost.
    runTool('editcap', [repoPath('captures/migration/ms-gcm-1500.pcap'), path, '100-119', '300']);
    const { stdout } = runTool('tshark', [
      '-r',
      path,
      '-Y',
      'esp',
      '-T',
      'fields',
      '-e',
      'esp.spi',
      '-e',
      'esp.sequence',
    ]);
    const bySpi = new Map<string, number[]>();
    for (const line of stdout.trim().split('\n')) {
      const [spi = '', sequence = ''] = line.split('\t');
      bySpi.set(spi, [...(bySpi.get(spi) ?? []), Number(sequence)]);
    }
    const { snapshots } = await replay(path);
    const { count, busiest } = snapshots.at(-1)!.securityAssociations;
    assert.equal(count, bySpi.size);
    for (const sa of busiest) {
      const seen = bySpi.get(sa.spi)!;
      const [lowest, highest] = [Math.min(...seen), Math.max(...seen)];
      assert.equal(sa.sequence.last, highest);
      assert.equal(sa.sequence.missing, highest - lowest + 1 - new Set(seen).size);
      assert.equal(sa.packets, seen.length);
    }
    assert.equal(
      busiest.reduce((lost, { sequence }) => lost + sequence.missing, 0),
      21,
    );
    const lostByInterval = snapshots.flatMap((one) => one.securityAssociations.busiest);
    assert.equal(
      lostByInterval.reduce((lost, { interval }) => lost + interval.missing, 0),
      21,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('overhead and goodput add up to what the report at the end says', async () => {
  const { snapshots, summary } = await replay(repoPath('captures/migration/ms-clear-40mbit.pcap.gz'));
  const last = snapshots.at(-1)!.total;
  assert.equal(last.ipsecBytes, ipsecOverhead(summary).bytes);
  const repeated = summary.flows.reduce((total, flow) => total + flow.retransmittedBytes, 0);
  assert.equal(last.goodputBytes, summary.bytes.payload.bytes - repeated);
  assert.equal(last.ipsecCertainty, 'measured');

  const closed = await replay(repoPath('captures/migration/ms-gcm-1500.pcap'));
  const total = closed.snapshots.at(-1)!.total;
  const reported = ipsecOverhead(closed.summary);
  assert.notEqual(total.ipsecCertainty, 'measured');
  // Padding is estimated for each second anew: half a byte a packet is no difference.
  assert.ok(Math.abs(total.ipsecBytes - reported.bytes) < total.packets / 2);
});

test('a migration is followed while it runs: passes, bytes, how far it is, and its end', async () => {
  const path = repoPath('captures/migration/ms-clear-40mbit.pcap.gz');
  const { snapshots, summary } = await replay(path, { intervalNs: 50_000_000n });
  const [recorded] = summary.migrations;
  assert.ok(recorded !== undefined);
  const seen = snapshots.flatMap(({ migrations }) => migrations);
  const { source, destination, destinationPort } = recorded.connections[0]!;
  for (const migration of seen) {
    assert.deepEqual(
      [migration.id, migration.source, migration.destination, migration.destinationPort],
      [1, source, destination, destinationPort],
    );
  }
  const shares = seen.filter(({ stage }) => stage === 'precopy').map(({ passShare }) => passShare ?? -1);
  assert.ok(shares.length > 10);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  const end = seen.at(-1)!;
  assert.equal(end.state, 'ended');
  assert.equal(end.iteration, recorded.iterations.length);
  assert.equal(end.streamBytes, recorded.streamBytes);
  const memory = recorded.blocks.reduce((total, { bytes }) => total + bytes, 0);
  assert.equal(end.memoryBytes, memory);
  const sent = seen.reduce((bits, { rateBps }) => bits + rateBps * 0.05, 0);
  assert.ok(Math.abs(sent / 8 - recorded.streamBytes) < 1000);
});

test('findings are there as soon as what they say was seen', async () => {
  const { snapshots, summary } = await replay(repoPath('captures/ipsec/t4-ah-sha256.pcap'));
  const ids = (list: readonly { id: string }[]) => [...new Set(list.map(({ id }) => id))].toSorted();
  assert.ok(summary.findings.length > 0);
  assert.deepEqual(ids(snapshots.at(-1)!.findings), ids(summary.findings));
});

test('keys open what is captured', async () => {
  const { importSecurityAssociations } = await import(
    '../../../src/ipsec/import/import-security-associations.js'
  );
  const text = readFileSync(repoPath('captures/migration/ms-gcm-1500.xfrm'), 'utf8');
  const { associations } = importSecurityAssociations(text, 'ms-gcm-1500.xfrm');
  const knowledge = { ...NO_KNOWLEDGE, associations };
  const path = repoPath('captures/migration/ms-gcm-1500.pcap');
  const { snapshots, summary } = await replay(path, { knowledge });
  const { total, migrations, securityAssociations } = snapshots.at(-1)!;
  assert.equal(total.ipsecCertainty, 'measured');
  assert.equal(total.ipsecBytes, ipsecOverhead(summary).bytes);
  assert.equal(migrations.length, summary.migrations.length);
  for (const { integrity, packets } of securityAssociations.busiest)
    assert.equal(integrity.verified, packets);
});

test('a snapshot is plain data, and one without a packet says zero', () => {
  const monitor = new LiveMonitor({ ...NO_KNOWLEDGE, path: 'eth1', startNs: 5n, mtuBytes: 1500 });
  const drops = { kernel: 1, interface: 2 };
  const snapshot = monitor.snapshot(1_000_000_005n, drops, 3);
  assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
  assert.equal(snapshot.intervalNs, 1e9);
  assert.deepEqual(snapshot.drops, drops);
  assert.equal(snapshot.notAnalysed, 3);
  assert.equal(snapshot.interval.bytes, 0);
  assert.deepEqual(snapshot.securityAssociations, { count: 0, busiest: [] });
  const summary = monitor.finish({ format: 'pcapng', linkTypes: [], reportedDrops: 0, error: null });
  assert.deepEqual(summary.inputs[0]?.path, 'eth1');
  assert.deepEqual(summary.inputs[0]?.mtu, { bytes: 1500, certainty: 'measured' });
});

test('copies that the kernel shows of decapsulated packets are told once a link has shown that it has them', async () => {
  const path = repoPath('captures/ipsec/tun4-natt-cbc-sha256.pcap');
  const { summary } = await replay(path, { blockFrames: 16 });
  const asFile = await analyzeFiles({ ...NO_KNOWLEDGE, paths: [path], workers: 1 });
  assert.equal(asFile.protection.clear.packets, 0);
  const missed = summary.protection.clear.packets;
  assert.ok(missed > 0 && missed <= 16, `${missed} copies were taken for clear packets`);
  const large = summary.frames.superFrames - asFile.frames.superFrames;
  assert.equal(
    summary.frames.decapsulatedCopies + missed + large,
    asFile.frames.decapsulatedCopies,
    'every other copy was told',
  );
});
