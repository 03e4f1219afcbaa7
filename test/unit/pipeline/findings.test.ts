import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DETECTORS } from '../../../src/analysis/findings/detectors.js';
import type { Finding } from '../../../src/analysis/findings/finding.js';
import { analyzeFiles } from '../../../src/pipeline/analyze-files.js';
import { repoPath } from '../../repo-root.js';

async function findingsOf(paths: readonly string[], chunkBytes?: number): Promise<Finding[]> {
  const { findings } = await analyzeFiles({
    paths,
    associations: [],
    assumedEsp: null,
    assumedAh: null,
    workers: chunkBytes === undefined ? 1 : 2,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
  });
  return findings;
}

const CAPTURES = ['suspicious', 'ipsec', 'hostile'].flatMap((folder) =>
  readdirSync(repoPath(`captures/${folder}`))
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => repoPath(`captures/${folder}/${name}`)),
);

test('captures read in small pieces by two threads give the findings of one piece', async () => {
  for (const path of CAPTURES) {
    const whole = await findingsOf([path]);
    assert.deepEqual(await findingsOf([path], 5000), whole, path);
  }
});

test('several files are one capture: a replay is found across them, each packet with its file', async () => {
  const path = repoPath('captures/ipsec/t4-gcm16.pcap');
  const again = repoPath('captures/suspicious/../ipsec/t4-gcm16.pcap');
  const findings = await findingsOf([path, again]);
  const repeated = findings.filter(({ id }) => id === 'replayed-packets' || id === 'packets-seen-twice');
  assert.equal(repeated.length, 2);
  for (const { evidence } of repeated) assert.equal(evidence.packets[0]!.file, again);
});

test('docs/FINDINGS.md has a section for each finding', () => {
  const text = readFileSync(repoPath('docs/FINDINGS.md'), 'utf8');
  const sections = [...text.matchAll(/^###? (.+)$/gm)].flatMap(([, title]) => title!.split(', '));
  const undocumented = DETECTORS.flatMap((detector) => detector.ids).filter((id) => !sections.includes(id));
  assert.deepEqual(undocumented, []);
});
