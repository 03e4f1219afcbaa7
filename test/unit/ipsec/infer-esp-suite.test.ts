import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { espSizes } from '../../../src/ipsec/encapsulation-size.js';
import { importSecurityAssociations } from '../../../src/ipsec/import/import-security-associations.js';
import { ahSuiteCandidates } from '../../../src/ipsec/infer-ah-suite.js';
import { espSuiteCandidates } from '../../../src/ipsec/infer-esp-suite.js';
import {
  addEspLength,
  addEspPacket,
  newSuiteEvidence,
  type SuiteEvidence,
} from '../../../src/ipsec/infer-evidence.js';
import { parseEspSuite } from '../../../src/ipsec/suite.js';
import { repoPath } from '../../repo-root.js';
import { espPacketsOf } from './esp-packets-of.js';

/** Evidence by SPI, and sizes of the AHs in front. */
function observe(capture: string): { evidence: Map<number, SuiteEvidence>; ahBytes: Set<number> } {
  const evidence = new Map<number, SuiteEvidence>();
  const ahBytes = new Set<number>();
  for (const { data, spi, espOffset, end, ahBytes: bytes } of espPacketsOf(capture)) {
    if (bytes > 0) ahBytes.add(bytes);
    if (spi < 0) continue;
    const state = evidence.get(spi) ?? newSuiteEvidence();
    evidence.set(spi, state);
    addEspPacket(state, data, espOffset, end);
  }
  return { evidence, ahBytes };
}

function lengthsOnly(full: SuiteEvidence): SuiteEvidence {
  const evidence = newSuiteEvidence();
  full.lengthCounts.forEach((count, slot) => {
    for (let i = 0; i < count; i++) addEspLength(evidence, slot * 4);
  });
  return evidence;
}

const CAPTURES = [
  'captures/ipsec/t4-ah-esp-cbc-sha1',
  'captures/ipsec/t4-cbc-sha1',
  'captures/ipsec/t4-cbc-sha256',
  'captures/ipsec/t4-chacha',
  'captures/ipsec/t4-esn-gcm16',
  'captures/ipsec/t4-gcm16',
  'captures/ipsec/t4-null-sha256',
  'captures/ipsec/t6-ah-esp',
  'captures/ipsec/tun4-natt-cbc-sha256',
  'captures/migration/ms-ahesp-1500',
  'captures/migration/ms-gcm-1500',
];

for (const capture of CAPTURES) {
  test(`without keys, both directions of ${capture} rank the true suite's size class first`, () => {
    const xfrm = readFileSync(repoPath(`${capture}.xfrm`), 'utf8');
    const { associations } = importSecurityAssociations(xfrm, capture);
    const { evidence, ahBytes } = observe(`${capture}.pcap`);
    assert.equal(evidence.size, 2);
    for (const [spi, state] of evidence) {
      const truth = associations.find((sa) => sa.protocol === 'esp' && sa.spi === spi)!.suite.name;
      const [first, ...others] = espSuiteCandidates(state, { coveredByAh: ahBytes.size > 0 });
      assert.ok(first!.names.includes(truth), `${truth}: ${first!.names}`);
      assert.ok(first!.likelihood > 0.7 && first!.likelihood < 1);
      assert.ok(others.every(({ likelihood }) => likelihood <= first!.likelihood));
      assert.equal(first!.certainty, 'inferred');
    }
  });
}

test('lengths alone find the class of every capture but NULL encryption, which looks like GCM', () => {
  for (const capture of CAPTURES.filter((name) => !name.includes('null'))) {
    const { associations } = importSecurityAssociations(
      readFileSync(repoPath(`${capture}.xfrm`), 'utf8'),
      capture,
    );
    const { evidence, ahBytes } = observe(`${capture}.pcap`);
    for (const [spi, state] of evidence) {
      const truth = associations.find((sa) => sa.protocol === 'esp' && sa.spi === spi)!.suite.name;
      const [first] = espSuiteCandidates(lengthsOnly(state), { coveredByAh: ahBytes.size > 0 });
      assert.ok(first!.names.includes(truth), `${capture}: ${first!.names}`);
    }
  }
  const { evidence } = observe('captures/ipsec/t4-null-sha256.pcap');
  const candidates = espSuiteCandidates(lengthsOnly(evidence.get(0x100)!));
  assert.ok(candidates[0]!.names.includes('aes128gcm16'));
  assert.ok(candidates.some(({ names }) => names.includes('null-sha256')));
});

test('AES-GCM-16 and ChaCha20-Poly1305 are offered together: lengths cannot tell them apart', () => {
  const { evidence } = observe('captures/ipsec/t4-chacha.pcap');
  const [first] = espSuiteCandidates(evidence.get(0x100)!);
  assert.ok(first!.names.includes('aes256gcm16') && first!.names.includes('chacha20poly1305'));
  assert.equal(first!.names[0], 'aes128gcm16');
});

test('padding is estimated within 10 % of what tshark counts', () => {
  const golden = JSON.parse(readFileSync(repoPath('test/golden/expected/esp-sizes.json'), 'utf8')).captures;
  for (const name of ['t4-cbc-sha1', 't4-cbc-sha256', 't4-gcm16', 't4-null-sha256', 'tun4-natt-cbc-sha256']) {
    const rows: [number, number, number][] = golden[name].espBytesPadBytesCount;
    const counted = rows.reduce((sum, [, pad, count]) => sum + pad * count, 0);
    let estimated = 0;
    for (const state of observe(`captures/ipsec/${name}.pcap`).evidence.values()) {
      const mode = name.startsWith('tun') ? 'tunnel' : 'transport';
      const [first] = espSuiteCandidates(state, { mode, innerFamily: 4 });
      estimated += first!.padding.expectedBytes * state.packets;
    }
    assert.ok(Math.abs(estimated - counted) <= counted * 0.1, `${name}: ${estimated} for ${counted}`);
  }
});

test('one odd length excludes nothing for good, but no length fits a class that cannot make it', () => {
  const suite = parseEspSuite('aes128-sha256');
  const evidence = newSuiteEvidence();
  for (const payload of [32, 33, 100, 500, 1438]) addEspLength(evidence, espSizes(suite, payload).total - 8);
  addEspLength(evidence, espSizes(suite, 32).total - 8 + 4);
  addEspLength(evidence, 1001);
  assert.equal(evidence.unalignedLengths, 1);
  const cbc = espSuiteCandidates(evidence).find(({ names }) => names.includes('aes128-sha256'));
  assert.ok(cbc === undefined || cbc.likelihood < 0.1);
  assert.ok(espSuiteCandidates(evidence)[0]!.alignBytes === 4);
});

test('nothing seen, nothing inferred', () => {
  assert.deepEqual(espSuiteCandidates(newSuiteEvidence()), []);
});

test('the size of an AH names the hashes it may be', () => {
  const names = (bytes: number, family: 4 | 6) => ahSuiteCandidates(bytes, family)[0]?.names.slice(0, 2);
  assert.deepEqual([...observe('captures/ipsec/t4-ah-sha256.pcap').ahBytes], [32]);
  assert.deepEqual([...observe('captures/ipsec/t6-ah-esp.pcap').ahBytes], [32]);
  assert.deepEqual([...observe('captures/ipsec/t4-ah-esp-cbc-sha1.pcap').ahBytes], [24]);
  assert.deepEqual(names(24, 4), ['sha1', 'md5']);
  assert.deepEqual(names(32, 4), ['sha256', 'md5_128']);
  assert.deepEqual(names(28, 4), ['sha256', 'md5_128']);
  assert.equal(ahSuiteCandidates(28, 4)[0]!.alignBytes, 4);
  assert.equal(ahSuiteCandidates(32, 4)[0]!.paddingBytes, 4);
  assert.deepEqual(ahSuiteCandidates(28, 6), []);
  assert.deepEqual(ahSuiteCandidates(1020, 4), []);
  assert.ok(ahSuiteCandidates(24, 4).every(({ likelihood }) => likelihood > 0 && likelihood < 1));
});
