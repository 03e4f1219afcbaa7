import type { DetectorType, FindingContext } from './detector.js';
import type { Finding } from './finding.js';
import type { SaCase } from './sa-finding.js';
import { findJumps, findRepetitions, findReusedIvs, findReusedNumbers } from './sa-sequence-rules.js';
import { findNullEncryption, findUnauthenticated, findWeakAlgorithm } from './sa-suite-rules.js';
import { findUnknownSpis, findUnrekeyed, findWrapping, findWrongIcvs } from './sa-use-rules.js';
import { SaWatch, saKey, type WatchedSas } from './sa-watch.js';

const RULES: readonly ((subject: SaCase) => Finding[])[] = [
  findWrongIcvs,
  findNullEncryption,
  findUnauthenticated,
  findWeakAlgorithm,
  findRepetitions,
  findReusedNumbers,
  findReusedIvs,
  findJumps,
  findWrapping,
  findUnknownSpis,
  findUnrekeyed,
];

/** What is wrong with an SA, its algorithms, its numbers, its packets. */
export const securityAssociations: DetectorType = {
  ids: [
    'icv-failed',
    'keys-do-not-fit',
    'esp-null',
    'esp-unauthenticated',
    'weak-algorithm',
    'replayed-packets',
    'packets-seen-twice',
    'sequence-reused',
    'nonce-reuse',
    'sequence-jump',
    'sequence-near-wrap',
    'unknown-spi',
    'reserved-spi',
    'sa-not-rekeyed',
  ],
  looksFor: 'ESP without encryption, weak algorithms, wrong ICVs, replays, reused nonces, SAs used too long',
  create: (fileIndex) => new SaWatch(fileIndex, applyRules),
};

function applyRules(watched: WatchedSas, context: FindingContext): Finding[] {
  return context.summary.securityAssociations.flatMap((sa) => {
    const subject = {
      sa,
      watched: watched.get(saKey(sa)) ?? { numbers: null, failed: null, unjudged: 0 },
      context,
    };
    return RULES.flatMap((rule) => rule(subject));
  });
}
