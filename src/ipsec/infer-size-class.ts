import { type AhSuite, type CipherName, ESP_SUITES, type EspSuite } from './suite-table.js';

/**
 * ESP suites that nobody can tell apart by lengths, nor by whether the payload is readable. Names are sorted from common to
 * rare.
 */
export interface SizeClass {
  readonly ivBytes: number;
  readonly icvBytes: number;
  readonly alignBytes: number;
  /** The payload is in the clear: NULL encryption or GMAC. */
  readonly readable: boolean;
  /** IVs are counters with every common implementation (GCM, CCM, CTR, GMAC, ChaCha20), not random as with CBC. */
  readonly counterIv: boolean;
  readonly suites: readonly EspSuite[];
  /** Share of deployments, before any packet was seen. All classes add up to 1. */
  readonly prior: number;
}

/*
 * How common algorithms are. Rough, and only to break ties: defaults of strongSwan, Libreswan and the cloud gateways are
 * AES-GCM-16 or AES-CBC with SHA-256; SHA-1 lives on in older set-ups (and RFC 8221 section 5 keeps it as MUST- for now).
 */
const CIPHER_WEIGHT: Readonly<Record<CipherName, number>> = {
  'aes-gcm': 0.4,
  'aes-cbc': 0.4,
  'chacha20-poly1305': 0.08,
  '3des-cbc': 0.04,
  null: 0.04,
  'aes-ctr': 0.01,
  'aes-ccm': 0.01,
  'camellia-cbc': 0.005,
  'aes-gmac': 0.01,
  'des-cbc': 0.002,
};

const INTEGRITY_WEIGHT: Readonly<Record<string, number>> = {
  sha256: 0.45,
  sha1: 0.3,
  sha512: 0.08,
  sha384: 0.06,
  md5: 0.03,
  sha256_96: 0.02,
  aesxcbc: 0.02,
  aescmac: 0.01,
  none: 0.01,
  rmd160: 0.002,
  sha1_160: 0.002,
  md5_128: 0.001,
};

const ICV_WEIGHT: Readonly<Record<number, number>> = { 16: 0.96, 12: 0.01, 8: 0.03 };

function suiteWeight(suite: EspSuite): number {
  const cipher = CIPHER_WEIGHT[suite.cipher];
  if (suite.combinedMode) return (cipher * (ICV_WEIGHT[suite.icvBytes] ?? 0.01)) / 3;
  return (cipher * integrityWeight(suite.name.split('-')[1] ?? 'none')) / 3;
}

function integrityWeight(name: string): number {
  return INTEGRITY_WEIGHT[name] ?? 0.001;
}

function buildSizeClasses(): SizeClass[] {
  const groups = groupBy(ESP_SUITES, classKey);
  const weights = [...groups.values()].map((suites) =>
    suites.reduce((sum, suite) => sum + suiteWeight(suite), 0),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return [...groups.values()].map((suites, i) => {
    const [first] = suites as [EspSuite];
    return {
      ivBytes: first.ivBytes,
      icvBytes: first.icvBytes,
      alignBytes: first.alignBytes,
      readable: isReadable(first),
      counterIv: first.ivBytes > 0 && first.blockBytes === 1,
      suites: suites.toSorted((a, b) => suiteWeight(b) - suiteWeight(a)),
      prior: weights[i]! / total,
    };
  });
}

function isReadable(suite: EspSuite): boolean {
  return suite.cipher === 'null' || suite.cipher === 'aes-gmac';
}

function classKey(suite: EspSuite): string {
  return `${suite.ivBytes} ${suite.icvBytes} ${suite.alignBytes} ${isReadable(suite)}`;
}

/** Items by key, in order of first appearance. */
export function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Every class that `ESP_SUITES` makes. */
export const SIZE_CLASSES: readonly SizeClass[] = buildSizeClasses();

/** How common AH algorithms are, by the same rough weights. */
export function ahSuiteWeight(suite: AhSuite): number {
  return integrityWeight(suite.name);
}
