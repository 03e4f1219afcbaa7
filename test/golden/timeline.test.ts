import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AnalysisSummary, ProtectionClass } from '../../src/analysis/analysis-summary.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { repoPath } from '../repo-root.js';

interface ExpectedTimelines {
  intervalMs: number;
  /** Wire bytes of AH and ESP, by class and by the interval's number since 1970. */
  captures: Record<string, Record<string, Record<string, number>>>;
}

const expected: ExpectedTimelines = JSON.parse(
  readFileSync(repoPath('test/golden/expected/timeline.json'), 'utf8'),
);

const CAPTURES = ['captures/ipsec', 'captures/migration'].flatMap((folder) =>
  readdirSync(repoPath(folder))
    .filter((name) => /\.pcap(\.gz)?$/.test(name))
    .map((name) => `${folder}/${name}`),
);

function keysOf(capture: string): readonly SecurityAssociation[] {
  const path = repoPath(capture.replace(/\.pcap(\.gz)?$/, '.xfrm'));
  return existsSync(path) ? importSecurityAssociations(readFileSync(path, 'utf8'), path).associations : [];
}

function analyze(capture: string, associations: readonly SecurityAssociation[]): Promise<AnalysisSummary> {
  const nothingAssumed = { assumedEsp: null, assumedAh: null };
  return analyzeFiles({ paths: [repoPath(capture)], associations, ...nothingAssumed, workers: 1 });
}

function classesOf({ timeline }: AnalysisSummary): [ProtectionClass, number[]][] {
  assert.ok(timeline !== null);
  return Object.entries(timeline.byClass) as [ProtectionClass, number[]][];
}

/** As in `ExpectedTimelines`. */
function protectedBytesOverTime(summary: AnalysisSummary): Record<string, Record<string, number>> {
  const { startNs, intervalNs } = summary.timeline!;
  const byClass: Record<string, Record<string, number>> = {};
  for (const [kind, bytes] of classesOf(summary)) {
    if (kind !== 'ah' && kind !== 'esp' && kind !== 'ahEsp') continue;
    for (const [i, amount] of bytes.entries()) {
      if (amount === 0) continue;
      const ms = Number(BigInt(startNs) / 1_000_000n) + (i * intervalNs) / 1e6;
      const interval = String(Math.floor(ms / expected.intervalMs));
      byClass[kind] ??= {};
      byClass[kind][interval] = (byClass[kind][interval] ?? 0) + amount;
    }
  }
  return byClass;
}

for (const capture of CAPTURES) {
  const keys = keysOf(capture);
  for (const associations of keys.length === 0 ? [[]] : [[], keys]) {
    const how = associations.length === 0 ? 'without keys' : 'with keys';
    test(`${capture}, ${how}: the time line's bytes by class are those of the whole capture, none below zero`, async () => {
      const summary = await analyze(capture, associations);
      for (const [kind, bytes] of classesOf(summary)) {
        const total = bytes.reduce((sum, amount) => sum + amount, 0);
        assert.equal(total, summary.protection[kind].bytes, kind);
        assert.ok(bytes.every((amount) => amount >= 0));
      }
    });
    const inTshark = expected.captures[capture];
    if (inTshark === undefined) continue;
    test(`${capture}, ${how}: AH and ESP over time, fragments included, are what tshark finds`, async () => {
      assert.deepEqual(protectedBytesOverTime(await analyze(capture, associations)), inTshark);
    });
  }
}

test('captures of fragments of ESP in UDP show nothing in the clear', async () => {
  const { timeline, fragmentation } = await analyze('captures/ipsec/tun4-natt-cbc-sha256.pcap', []);
  assert.equal(fragmentation.fragments, 4);
  assert.ok(timeline!.byClass.clear.every((bytes) => bytes === 0));
});
