import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnalysisSummary } from '../../src/analysis/analysis-summary.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import fc from '../fast-check.js';
import { repoPath } from '../repo-root.js';
import { NO_KNOWLEDGE, replay } from '../unit/monitor/replay.js';

/** Clear and protected, fragments, both IP versions, broken packets, a migration. */
const CAPTURES = [
  'captures/ipsec/t4-gcm16.pcap',
  'captures/ipsec/t4-ah-esp-cbc-sha1.pcap',
  'captures/ipsec/t6-ah-esp.pcap',
  'captures/ipsec/tun4-natt-cbc-sha256.pcap',
  'captures/hostile/fragments.pcap',
  'captures/hostile/ah-nested.pcap',
  'captures/hostile/ipv6-extensions.pcap',
  'captures/migration-variants/xbzrle.pcap.gz',
];

const cut = fc.record({
  file: fc.constantFrom(...CAPTURES),
  intervalMs: fc.integer({ min: 50, max: 5000 }),
  blockFrames: fc.integer({ min: 1, max: 3000 }),
});

test('what snapshots add up to is what the report says, however often they are taken', async () => {
  await fc.assert(
    fc.asyncProperty(cut, async ({ file, intervalMs, blockFrames }) => {
      const intervalNs = BigInt(intervalMs) * 1_000_000n;
      const { snapshots, summary } = await replay(repoPath(file), { intervalNs, blockFrames });
      const { total } = snapshots.at(-1)!;
      assert.deepEqual(total.protection, summary.protection);
      assert.deepEqual([total.packets, total.bytes], [summary.wire.packets, summary.wire.bytes]);
      for (const name of Object.keys(summary.protection) as (keyof typeof summary.protection)[]) {
        const sum = { packets: 0, bytes: 0 };
        for (const { interval } of snapshots) {
          sum.packets += interval.protection[name].packets;
          sum.bytes += interval.protection[name].bytes;
        }
        assert.deepEqual(sum, summary.protection[name]);
      }
      const spans = snapshots.reduce((ns, snapshot) => ns + snapshot.intervalNs, 0);
      const [first, last] = [snapshots[0]!, snapshots.at(-1)!];
      assert.equal(spans, Number(BigInt(last.timeNs) - BigInt(first.startNs)));
    }),
    { numRuns: 20 },
  );
});

test('the report at the end is that of the file, however many snapshots were taken', async () => {
  const files = CAPTURES.filter((file) => !file.includes('tun4'));
  const reports = new Map<string, AnalysisSummary>();
  for (const file of files) {
    const paths = [repoPath(file)];
    reports.set(file, await analyzeFiles({ ...NO_KNOWLEDGE, paths, workers: 1 }));
  }
  await fc.assert(
    fc.asyncProperty(
      cut.filter(({ file }) => files.includes(file)),
      async ({ file, intervalMs, blockFrames }) => {
        const intervalNs = BigInt(intervalMs) * 1_000_000n;
        const { summary } = await replay(repoPath(file), { intervalNs, blockFrames });
        const { inputs: _, ...expected } = reports.get(file)!;
        const { inputs: __, ...actual } = summary;
        assert.deepEqual(actual, expected);
      },
    ),
    { numRuns: 20 },
  );
});
