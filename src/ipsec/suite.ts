import {
  AH_SUITES,
  type AhSuite,
  type CipherName,
  ESP_SUITES,
  type EspSuite,
  type IntegrityName,
} from './suite-table.js';

/** A suite name that Tare does not know. `suggestions` are the closest names, nearest first. */
export class SuiteNameError extends Error {
  override readonly name = 'SuiteNameError';
  readonly suggestions: readonly string[];

  constructor(message: string, suggestions: readonly string[]) {
    super(message);
    this.suggestions = suggestions;
  }
}

const ESP_BY_NAME = new Map(ESP_SUITES.map((suite) => [suite.name, suite]));
const AH_BY_NAME = new Map(AH_SUITES.map((suite) => [suite.name, suite]));

/** Other spellings strongSwan takes, and the one used here. */
const TOKEN_ALIASES: Readonly<Record<string, string>> = {
  aes: 'aes128',
  sha: 'sha1',
  sha2_256: 'sha256',
  sha2_256_96: 'sha256_96',
  sha2_384: 'sha384',
  sha2_512: 'sha512',
  camellia: 'camellia128',
  aesgmac: 'aes128gmac',
  chacha20poly1305compat: 'chacha20poly1305',
};

/** Key exchange and sequence number keywords of a proposal: nothing that a packet's size depends on. */
const NOT_PART_OF_A_SUITE = /^(modp\w+|ecp\d+\w*|curve\d+|x25519|x448|ke\d+_\w+|mlkem\d+|prf\w+|noesn|esn)$/;

function canonicalToken(token: string): string {
  const aead = /^(aes\d*)(gcm|ccm)(64|96|128)$/.exec(token);
  if (aead !== null) return `${canonicalToken(aead[1]!)}${aead[2]}${Number(aead[3]) / 8}`;
  const bareAead = /^(aes\d*)(gcm|ccm)$/.exec(token);
  if (bareAead !== null) return `${canonicalToken(bareAead[1]!)}${bareAead[2]}16`;
  return TOKEN_ALIASES[token] ?? token.replace(/^aes(gcm|ccm|ctr|gmac)/, 'aes128$1');
}

function canonicalName(text: string): string {
  const tokens = text.trim().toLowerCase().replace(/!$/, '').split('-');
  const kept = tokens.filter((token) => !NOT_PART_OF_A_SUITE.test(token)).map(canonicalToken);
  const withoutNone = kept.length > 1 ? kept.filter((token, i) => i === 0 || token !== 'none') : kept;
  return withoutNone.join('-');
}

/**
 * The ESP suite of a strongSwan proposal such as `aes128-sha256`, `aes256gcm16-modp2048` or `chacha20poly1305`. Key exchange
 * groups and `esn` are passed over: they change no size. A cipher alone (`aes128`, or `aes128-none`) is ESP without
 * authentication, as in strongSwan.
 * @throws SuiteNameError naming the closest suites
 */
export function parseEspSuite(text: string): EspSuite {
  const suite = ESP_BY_NAME.get(canonicalName(text));
  if (suite !== undefined) return suite;
  throw unknownSuite('ESP', text, [...ESP_BY_NAME.keys()], 'aes128gcm16, aes128-sha256 or chacha20poly1305');
}

/**
 * The AH algorithm of a strongSwan proposal such as `sha256` or `aesxcbc`.
 * @throws SuiteNameError naming the closest algorithms
 */
export function parseAhSuite(text: string): AhSuite {
  const suite = AH_BY_NAME.get(canonicalName(text));
  if (suite !== undefined) return suite;
  throw unknownSuite('AH', text, [...AH_BY_NAME.keys()], 'sha256, sha1 or aesxcbc');
}

function unknownSuite(protocol: string, text: string, names: string[], examples: string): SuiteNameError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  const suggestions = closestNames(canonicalName(text), names);
  const hint = suggestions.length > 0 ? `did you mean ${suggestions.join(', ')}?` : `try ${examples}`;
  return new SuiteNameError(`unknown ${protocol} suite ${JSON.stringify(shown)}: ${hint}`, suggestions);
}

/** Up to three names within a third of the text's length in edits. */
function closestNames(text: string, names: readonly string[]): string[] {
  if (text.length > 40) return [];
  const limit = Math.max(2, Math.ceil(text.length / 3));
  return names
    .map((name) => ({ name, distance: editDistance(text, name) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substitution = previous[j]! + (a[i] === b[j] ? 0 : 1);
      current.push(Math.min(substitution, previous[j + 1]! + 1, current[j]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** An ESP suite given by its parts. */
export interface EspSuiteParts {
  readonly cipher: CipherName;
  readonly keyBits: number;
  /** `none` with combined-mode ciphers. */
  readonly integrity: IntegrityName;
  /** ICV on the wire. */
  readonly icvBytes: number;
}

/**
 * The suite with these parts. Truncations outside the table (`hmac(sha256)` to 160 bits) make a suite of their own, named
 * `aes128-sha256_160`.
 * @returns null if there is no such cipher or key length, or the ICV is longer than what the algorithm computes
 */
export function espSuiteOf(parts: EspSuiteParts): EspSuite | null {
  const { cipher, keyBits, integrity, icvBytes } = parts;
  const sameCipher = ESP_SUITES.filter((suite) => suite.cipher === cipher && suite.keyBits === keyBits);
  const exact = sameCipher.find((suite) => suite.integrity === integrity && suite.icvBytes === icvBytes);
  if (exact !== undefined) return exact;
  const base = sameCipher.find((suite) => suite.integrity === integrity && !suite.combinedMode);
  if (base !== undefined && isPossibleIcv(integrity, icvBytes)) {
    return { ...base, icvBytes, name: `${base.name.replace(/_\d+$/, '')}_${icvBytes * 8}` };
  }
  const plain = sameCipher[0];
  if (integrity !== 'unknown' || plain === undefined || plain.combinedMode) return null;
  const name = `${plain.name.split('-')[0]}-unknown_${icvBytes * 8}`;
  return { ...plain, name, icvBytes, integrity, integrityKeyBytes: 0, rfcs: plain.rfcs.slice(0, 1) };
}

/** The AH suite with this algorithm and ICV; other truncations are named like `sha256_160`. Null if impossible. */
export function ahSuiteOf(integrity: IntegrityName, icvBytes: number): AhSuite | null {
  const exact = AH_SUITES.find((suite) => suite.integrity === integrity && suite.icvBytes === icvBytes);
  if (exact !== undefined) return exact;
  const base = AH_SUITES.find((suite) => suite.integrity === integrity);
  if (base === undefined || !isPossibleIcv(integrity, icvBytes)) return null;
  return { ...base, icvBytes, name: `${base.name.replace(/_\d+$/, '')}_${icvBytes * 8}` };
}

const DIGEST_BYTES: Readonly<Partial<Record<IntegrityName, number>>> = {
  'hmac-md5': 16,
  'hmac-sha1': 20,
  'hmac-sha256': 32,
  'hmac-sha384': 48,
  'hmac-sha512': 64,
  'hmac-ripemd160': 20,
  'aes-xcbc': 16,
  'aes-cmac': 16,
};

function isPossibleIcv(integrity: IntegrityName, icvBytes: number): boolean {
  return Number.isInteger(icvBytes) && icvBytes > 0 && icvBytes <= (DIGEST_BYTES[integrity] ?? 0);
}
