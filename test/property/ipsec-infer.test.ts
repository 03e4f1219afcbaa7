import assert from 'node:assert/strict';
import { test } from 'node:test';
import { espSizes } from '../../src/ipsec/encapsulation-size.js';
import { espSuiteCandidates, explainsLength } from '../../src/ipsec/infer-esp-suite.js';
import {
  addEspLength,
  addEspPacket,
  mergeSuiteEvidence,
  newSuiteEvidence,
  type SuiteEvidence,
} from '../../src/ipsec/infer-evidence.js';
import { ESP_SUITES } from '../../src/ipsec/suite-table.js';
import fc from '../fast-check.js';

/** Evidence from packets of any content, lengths up to and beyond what ESP can have. */
const evidences = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 8, maxLength: 120 }), { maxLength: 6 }),
    fc.array(fc.nat({ max: 70_000 })),
  )
  .map(([packets, lengths]) => {
    const evidence = newSuiteEvidence();
    for (const packet of packets) addEspPacket(evidence, packet, 0, packet.length);
    for (const length of lengths) addEspLength(evidence, length);
    return evidence;
  });

function merged(...parts: SuiteEvidence[]): SuiteEvidence {
  const [first, ...rest] = parts.map((part) => structuredClone(part)) as [SuiteEvidence, ...SuiteEvidence[]];
  for (const part of rest) mergeSuiteEvidence(first, part);
  return first;
}

test('merging evidence is associative, and empty evidence changes nothing', () => {
  fc.assert(
    fc.property(evidences, evidences, evidences, (a, b, c) => {
      assert.deepEqual(merged(merged(a, b), c), merged(a, merged(b, c)));
      assert.deepEqual(merged(a, newSuiteEvidence()), a);
      assert.deepEqual(merged(newSuiteEvidence(), a), a);
    }),
  );
});

test('likelihoods lie between 0 and 1 and add up to less than 1', () => {
  fc.assert(
    fc.property(evidences, (evidence) => {
      const candidates = espSuiteCandidates(evidence);
      assert.ok(candidates.every(({ likelihood }) => likelihood > 0 && likelihood < 1));
      assert.ok(candidates.reduce((sum, { likelihood }) => sum + likelihood, 0) < 1);
      for (const { padding } of candidates) {
        assert.ok(padding.minBytes <= padding.expectedBytes && padding.expectedBytes <= padding.maxBytes);
      }
    }),
  );
});

test('a suite always explains the lengths it makes', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ESP_SUITES), fc.nat({ max: 9000 }), (suite, payload) => {
      assert.ok(explainsLength(suite, espSizes(suite, payload).total - 8));
    }),
  );
});

test('with lengths of all residues, the alignment that is ranked first is the true one', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('aes128-sha1', 'aes256gcm16', '3des-sha1'),
      fc.nat({ max: 100 }),
      (name, start) => {
        const suite = ESP_SUITES.find((candidate) => candidate.name === name)!;
        const evidence = newSuiteEvidence();
        for (let i = 0; i < 64; i++) addEspLength(evidence, espSizes(suite, start + i * 5).total - 8);
        assert.equal(espSuiteCandidates(evidence)[0]!.alignBytes, suite.alignBytes);
      },
    ),
  );
});
