/**
 * Every ESP and AH algorithm combination Tare knows, as data, under the names strongSwan gives them in proposals
 * (`aes128gcm16`, `aes256-sha384`). Sizes are bytes on the wire and exact; each comes from the RFC named beside it.
 *
 * Salts (GCM, CCM, GMAC, ChaCha20) and the CTR nonce are key material agreed by IKE, and never on the wire.
 */

/** Encryption in ESP. `aes-gmac` and `null` leave the payload readable. */
export type CipherName =
  | 'aes-cbc'
  | 'aes-ctr'
  | 'aes-gcm'
  | 'aes-ccm'
  | 'aes-gmac'
  | 'camellia-cbc'
  | 'chacha20-poly1305'
  | '3des-cbc'
  | 'des-cbc'
  | 'null';

/**
 * Authentication. `none`: no ICV of its own (combined-mode ciphers bring theirs). `unknown`: an ICV of known length by
 * an algorithm the source of the SA did not name (Wireshark's "ANY n bit authentication"); it cannot be verified.
 */
export type IntegrityName =
  | 'none'
  | 'unknown'
  | 'hmac-md5'
  | 'hmac-sha1'
  | 'hmac-sha256'
  | 'hmac-sha384'
  | 'hmac-sha512'
  | 'hmac-ripemd160'
  | 'aes-xcbc'
  | 'aes-cmac'
  | 'aes-gmac';

/** One combination of encryption and authentication for ESP (RFC 4303). */
export interface EspSuite {
  readonly protocol: 'esp';
  /** strongSwan's name, lower case: `aes128-sha256`, `aes128gcm16`, `aes128` (without authentication). */
  readonly name: string;
  readonly cipher: CipherName;
  /** Key length proper, without salt; 0 for NULL encryption. 3DES counts its parity bits: 192. */
  readonly keyBits: number;
  /** Salt or nonce appended to the key in key material; never on the wire. */
  readonly saltBytes: number;
  /** Explicit IV in each packet. */
  readonly ivBytes: number;
  /** Block of the cipher as ESP pads it; 1 for stream-like modes, GCM included (RFC 4106 section 3.2). */
  readonly blockBytes: number;
  /** What payload + padding + 2 is a multiple of: max(blockBytes, 4) (RFC 4303 section 2.4). */
  readonly alignBytes: number;
  /** ICV on the wire, after truncation. 0 without authentication. */
  readonly icvBytes: number;
  /** True if the cipher makes the ICV itself (GCM, CCM, GMAC, ChaCha20-Poly1305). */
  readonly combinedMode: boolean;
  /** `none` with combined-mode ciphers. */
  readonly integrity: IntegrityName;
  readonly integrityKeyBytes: number;
  /** The defining RFC numbers: cipher first, then integrity. */
  readonly rfcs: readonly number[];
}

/** One authentication algorithm for AH (RFC 4302). */
export interface AhSuite {
  readonly protocol: 'ah';
  /** strongSwan's name: `sha256`, `aesxcbc`, `aes128gmac`. */
  readonly name: string;
  readonly integrity: IntegrityName;
  readonly integrityKeyBytes: number;
  /** Salt appended to the key (GMAC); never on the wire. */
  readonly saltBytes: number;
  /** IV that leads the ICV field: 8 for GMAC (RFC 4543 section 4), else 0. Counted in `icvBytes`. */
  readonly ivBytes: number;
  /** ICV field before padding, IV included. */
  readonly icvBytes: number;
  readonly rfcs: readonly number[];
}

interface CipherRow {
  readonly name: string;
  readonly cipher: CipherName;
  readonly keyBits: number;
  readonly saltBytes: number;
  readonly ivBytes: number;
  readonly blockBytes: number;
  readonly rfc: number;
}

interface CombinedRow extends CipherRow {
  readonly icvBytes: number;
}

interface IntegrityRow {
  readonly name: string;
  readonly integrity: IntegrityName;
  readonly keyBytes: number;
  readonly icvBytes: number;
  readonly rfc: number;
}

function cipherRow(
  name: string,
  cipher: CipherName,
  keyBits: number,
  saltBytes: number,
  ivBytes: number,
  blockBytes: number,
  rfc: number,
): CipherRow {
  return { name, cipher, keyBits, saltBytes, ivBytes, blockBytes, rfc };
}

function integrityRow(
  name: string,
  integrity: IntegrityName,
  keyBytes: number,
  icvBytes: number,
  rfc: number,
): IntegrityRow {
  return { name, integrity, keyBytes, icvBytes, rfc };
}

const AES_KEY_BITS = [128, 192, 256] as const;

/** Ciphers that need an integrity algorithm beside them. */
const CIPHERS: readonly CipherRow[] = [
  ...AES_KEY_BITS.map((bits) => cipherRow(`aes${bits}`, 'aes-cbc', bits, 0, 16, 16, 3602)),
  ...AES_KEY_BITS.map((bits) => cipherRow(`aes${bits}ctr`, 'aes-ctr', bits, 4, 8, 1, 3686)),
  ...AES_KEY_BITS.map((bits) => cipherRow(`camellia${bits}`, 'camellia-cbc', bits, 0, 16, 16, 4312)),
  cipherRow('3des', '3des-cbc', 192, 0, 8, 8, 2451),
  cipherRow('des', 'des-cbc', 64, 0, 8, 8, 2405),
  cipherRow('null', 'null', 0, 0, 0, 1, 2410),
];

const INTEGRITIES: readonly IntegrityRow[] = [
  integrityRow('sha1', 'hmac-sha1', 20, 12, 2404),
  integrityRow('sha256', 'hmac-sha256', 32, 16, 4868),
  integrityRow('sha384', 'hmac-sha384', 48, 24, 4868),
  integrityRow('sha512', 'hmac-sha512', 64, 32, 4868),
  // What Linux took hmac(sha256) to mean before 2.6.33, and still does without an explicit truncation length.
  integrityRow('sha256_96', 'hmac-sha256', 32, 12, 4868),
  integrityRow('md5', 'hmac-md5', 16, 12, 2403),
  integrityRow('aesxcbc', 'aes-xcbc', 16, 12, 3566),
  integrityRow('aescmac', 'aes-cmac', 16, 12, 4494),
  integrityRow('sha1_160', 'hmac-sha1', 20, 20, 4595),
  integrityRow('md5_128', 'hmac-md5', 16, 16, 4595),
  // strongSwan has no name for it; this is Linux's and ipsec-tools' spelling.
  integrityRow('rmd160', 'hmac-ripemd160', 20, 12, 2857),
];

/** Ciphers that authenticate too. */
const COMBINED: readonly CombinedRow[] = [
  ...AES_KEY_BITS.flatMap((bits) =>
    [16, 12, 8].map((icvBytes) => ({
      ...cipherRow(`aes${bits}gcm${icvBytes}`, 'aes-gcm', bits, 4, 8, 1, 4106),
      icvBytes,
    })),
  ),
  ...AES_KEY_BITS.flatMap((bits) =>
    [16, 12, 8].map((icvBytes) => ({
      ...cipherRow(`aes${bits}ccm${icvBytes}`, 'aes-ccm', bits, 3, 8, 1, 4309),
      icvBytes,
    })),
  ),
  ...AES_KEY_BITS.map((bits) => ({
    ...cipherRow(`aes${bits}gmac`, 'aes-gmac', bits, 4, 8, 1, 4543),
    icvBytes: 16,
  })),
  { ...cipherRow('chacha20poly1305', 'chacha20-poly1305', 256, 4, 8, 1, 7634), icvBytes: 16 },
];

function combinedSuite(row: CombinedRow): EspSuite {
  const { rfc, ...cipher } = row;
  return {
    protocol: 'esp',
    ...cipher,
    alignBytes: Math.max(row.blockBytes, 4),
    combinedMode: true,
    integrity: 'none',
    integrityKeyBytes: 0,
    rfcs: [rfc],
  };
}

/** Joins a cipher and an integrity algorithm; `null` integrity is strongSwan's plain `aes128`. */
function pairedSuite(row: CipherRow, integrity: IntegrityRow | null): EspSuite {
  const { rfc, ...cipher } = row;
  return {
    protocol: 'esp',
    ...cipher,
    name: integrity === null ? row.name : `${row.name}-${integrity.name}`,
    alignBytes: Math.max(row.blockBytes, 4),
    icvBytes: integrity?.icvBytes ?? 0,
    combinedMode: false,
    integrity: integrity?.integrity ?? 'none',
    integrityKeyBytes: integrity?.keyBytes ?? 0,
    rfcs: integrity === null ? [rfc] : [rfc, integrity.rfc],
  };
}

/**
 * All ESP suites. A cipher's plain name (`aes128`, `3des`) is the suite without ESP authentication, which RFC 4303 section
 * 2.8 permits (AH may authenticate instead); there is no `null` alone, which RFC 4303 section 3.2 forbids.
 */
export const ESP_SUITES: readonly EspSuite[] = [
  ...COMBINED.map(combinedSuite),
  ...CIPHERS.flatMap((cipher) => INTEGRITIES.map((integrity) => pairedSuite(cipher, integrity))),
  ...CIPHERS.filter((cipher) => cipher.cipher !== 'null').map((cipher) => pairedSuite(cipher, null)),
];

/** All AH algorithms. */
export const AH_SUITES: readonly AhSuite[] = [
  ...INTEGRITIES.map(
    (row): AhSuite => ({
      protocol: 'ah',
      name: row.name,
      integrity: row.integrity,
      integrityKeyBytes: row.keyBytes,
      saltBytes: 0,
      ivBytes: 0,
      icvBytes: row.icvBytes,
      rfcs: [row.rfc],
    }),
  ),
  ...AES_KEY_BITS.map(
    (bits): AhSuite => ({
      protocol: 'ah',
      name: `aes${bits}gmac`,
      integrity: 'aes-gmac',
      integrityKeyBytes: bits / 8,
      saltBytes: 4,
      ivBytes: 8,
      icvBytes: 24,
      rfcs: [4543],
    }),
  ),
];
