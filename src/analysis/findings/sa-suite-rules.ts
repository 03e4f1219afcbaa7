import { AH_SUITES, type AhSuite, ESP_SUITES, type EspSuite } from '../../ipsec/suite-table.js';
import type { Finding, Severity } from './finding.js';
import { type SaCase, saFinding } from './sa-finding.js';

/** A suite concluded from lengths counts if it is this likely. */
const SURE = 0.9;

interface Rating {
  readonly severity: Severity;
  readonly why: string;
}

/** What RFC 8221 says of ciphers: sections 5 and 6. */
const WEAK_CIPHERS: Readonly<Partial<Record<EspSuite['cipher'], Rating>>> = {
  'des-cbc': { severity: 'high', why: 'DES keys are found by trying them all (RFC 8221: MUST NOT)' },
  '3des-cbc': {
    severity: 'medium',
    why: 'blocks of 64 bits repeat within one SA of some gigabytes, which gives away plain text (RFC 8221: SHOULD NOT)',
  },
};

const WEAK_INTEGRITY: Readonly<Partial<Record<EspSuite['integrity'], Rating>>> = {
  'hmac-md5': { severity: 'medium', why: 'MD5 is broken as a hash (RFC 8221: MUST NOT)' },
  'hmac-sha1': { severity: 'low', why: 'SHA-1 is on its way out (RFC 8221: MUST-)' },
  'hmac-ripemd160': { severity: 'low', why: 'RIPEMD-160 is no algorithm of RFC 8221' },
};

type Suite = EspSuite | AhSuite;

/**
 * The suites that an SA may have: one if it is known or given, those with the same sizes if it was concluded from lengths.
 * Empty if nothing is sure enough to accuse anybody.
 */
export function possibleSuites({ sa }: Pick<SaCase, 'sa'>): Suite[] {
  const [best] = sa.suite.candidates;
  if (best === undefined || best.likelihood < SURE) return [];
  const all: readonly Suite[] = sa.protocol === 'esp' ? ESP_SUITES : AH_SUITES;
  const names = [best.name, ...(best.alternatives ?? [])];
  return names.flatMap((name) => all.find((suite) => suite.name === name) ?? []);
}

/** Does every suite that the SA may have encrypt nothing? */
function isReadable(suites: readonly Suite[]): boolean {
  return (
    suites.length > 0 &&
    suites.every((suite) => suite.protocol === 'esp' && ['null', 'aes-gmac'].includes(suite.cipher))
  );
}

/** ESP that anybody can read (RFC 2410, 4543). */
export function findNullEncryption(subject: SaCase): Finding[] {
  const suites = possibleSuites(subject);
  if (!isReadable(suites)) return [];
  return [
    saFinding(subject, {
      id: 'esp-null',
      severity: 'high',
      title: 'ESP without encryption',
      facts: `carries ${subject.sa.packets} packets in plain text: ${describeSuite(subject)}.`,
      meaning:
        'The packets look protected and can be read by anybody on the way: this ESP authenticates only.',
      remedy: 'Configure a cipher that encrypts, such as aes128gcm16 or aes256gcm16, at both ends.',
    }),
  ];
}

/** ESP with encryption and no ICV, neither its own nor that of an AH around it (RFC 8221 section 4). */
export function findUnauthenticated(subject: SaCase): Finding[] {
  const { sa, context } = subject;
  const suites = possibleSuites(subject);
  if (sa.protocol !== 'esp' || suites.length === 0 || suites.some(({ icvBytes }) => icvBytes > 0)) return [];
  const hasAh = context.summary.securityAssociations.some(
    ({ protocol, source, destination }) =>
      protocol === 'ah' && source === sa.source && destination === sa.destination,
  );
  if (hasAh) return [];
  return [
    saFinding(subject, {
      id: 'esp-unauthenticated',
      severity: 'high',
      title: 'ESP without authentication',
      facts: `has no ICV, and no AH covers it: ${describeSuite(subject)}.`,
      meaning:
        'Packets can be changed on the way without anybody noticing, and from how the receiver reacts their content can be worked out (RFC 8221 section 4).',
      remedy: 'Configure a combined-mode cipher such as aes128gcm16, or add an integrity algorithm.',
    }),
  ];
}

/** Algorithms that RFC 8221 advises against. */
export function findWeakAlgorithm(subject: SaCase): Finding[] {
  const suites = possibleSuites(subject);
  const ratings = [commonRating(suites, cipherRating), commonRating(suites, integrityRating)];
  const found = ratings.filter((rating) => rating !== null);
  const [worst] = found.toSorted((a, b) => rank(b) - rank(a));
  if (worst === undefined) return [];
  return [
    saFinding(subject, {
      id: 'weak-algorithm',
      severity: worst.severity,
      title: 'Weak or outdated algorithm',
      facts: `uses ${describeSuite(subject)}: ${found.map(({ why }) => why).join('; ')}.`,
      meaning: 'The protection is weaker than that of any suite recommended today.',
      remedy: 'Configure aes128gcm16, aes256gcm16 or chacha20poly1305 at both ends.',
    }),
  ];
}

/** The mildest rating; null if one of the suites has none. */
function commonRating(suites: readonly Suite[], rate: (suite: Suite) => Rating | null): Rating | null {
  const ratings = suites.map(rate);
  if (ratings.some((rating) => rating === null)) return null;
  return ratings.filter((rating) => rating !== null).toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

function rank({ severity }: Rating): number {
  return ['low', 'medium', 'high'].indexOf(severity);
}

function cipherRating(suite: Suite): Rating | null {
  return suite.protocol === 'esp' ? (WEAK_CIPHERS[suite.cipher] ?? null) : null;
}

function integrityRating(suite: Suite): Rating | null {
  return WEAK_INTEGRITY[suite.integrity] ?? null;
}

/** `aes128-sha1`, `null-sha256 as lengths and content tell` */
function describeSuite({ sa: { suite } }: SaCase): string {
  const { name, certainty } = suite;
  if (certainty === 'measured') return `${name}`;
  const isGiven = suite.candidates[0]?.alternatives === undefined;
  return isGiven ? `${name}, as given` : `${name} or alike, as its packets tell`;
}
