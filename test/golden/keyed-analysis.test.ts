import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AnalysisSummary } from '../../src/analysis/analysis-summary.js';
import { importSecurityAssociations } from '../../src/ipsec/import/import-security-associations.js';
import type { SecurityAssociation } from '../../src/ipsec/security-association.js';
import { analyzeFiles } from '../../src/pipeline/analyze-files.js';
import { repoPath } from '../repo-root.js';

/** Captures with the kernel's keys beside them. */
const KEYED = ['captures/ipsec', 'captures/migration'].flatMap((folder) =>
  readdirSync(repoPath(folder))
    .filter(
      (name) => name.endsWith('.pcap') && existsSync(repoPath(`${folder}/${name.replace('.pcap', '.xfrm')}`)),
    )
    .map((name) => `${folder}/${name}`),
);

function keysOf(capture: string): readonly SecurityAssociation[] {
  const path = repoPath(capture.replace('.pcap', '.xfrm'));
  return importSecurityAssociations(readFileSync(path, 'utf8'), path).associations;
}

function analyze(capture: string, associations: readonly SecurityAssociation[]): Promise<AnalysisSummary> {
  return analyzeFiles({
    paths: [repoPath(capture)],
    associations,
    assumedEsp: null,
    assumedAh: null,
    workers: 1,
  });
}

function totalOf(summary: AnalysisSummary): number {
  return Object.values(summary.bytes).reduce((sum, { bytes }) => sum + bytes, 0);
}

test('there are captures with keys', () => {
  assert.equal(KEYED.length, 12);
});

for (const capture of KEYED) {
  const keys = keysOf(capture);

  test(`${capture}: with the kernel's keys every AH and ESP packet verifies, fragmented ones too`, async () => {
    const summary = await analyze(capture, keys);
    assert.equal(summary.securityAssociations.length, keys.length);
    for (const { packets, integrity, suite } of summary.securityAssociations) {
      assert.deepEqual(integrity, { verified: packets, failed: 0, unchecked: 0 });
      assert.equal(suite.certainty, 'measured');
    }
    for (const { certainty } of Object.values(summary.bytes)) assert.equal(certainty, 'measured');
    assert.equal(totalOf(summary), summary.wire.bytes);
  });

  test(`${capture}: without keys the true suites are among the candidates, and nothing is called measured`, async () => {
    const summary = await analyze(capture, []);
    assert.equal(totalOf(summary), summary.wire.bytes);
    for (const { protocol, spi, suite, integrity, packets } of summary.securityAssociations) {
      const truth = keys.find((sa) => sa.protocol === protocol && sa.spi === Number(spi));
      const names = suite.candidates.flatMap(({ name, alternatives }) => [name, ...(alternatives ?? [])]);
      assert.ok(names.includes(truth!.suite.name), `${truth!.suite.name} is not among ${names.join(' ')}`);
      assert.notEqual(suite.certainty, 'measured');
      assert.equal(integrity.unchecked, packets);
    }
  });
}
