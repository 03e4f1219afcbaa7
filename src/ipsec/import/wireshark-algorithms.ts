import type { CipherName, IntegrityName } from '../suite-table.js';

/**
 * The algorithm names of Wireshark's ESP SA table (epan/dissectors/packet-ipsec.c), read off Wireshark 4.0's library and the
 * development source. A table in which one name is unknown to the running Wireshark is not loaded at all.
 */

export interface WiresharkCipher {
  readonly name: string;
  readonly cipher: CipherName;
  /** Salt at the end of the key. */
  readonly saltBytes: number;
  /** ICV of combined-mode ciphers; null where the authentication column gives it. */
  readonly icvBytes: number | null;
  /** True for what Wireshark 4.0 does not have yet. */
  readonly after40: boolean;
}

function cipher(
  name: string,
  cipherName: CipherName,
  saltBytes: number,
  icvBytes: number | null,
  after40 = false,
): WiresharkCipher {
  return { name, cipher: cipherName, saltBytes, icvBytes, after40 };
}

export const WIRESHARK_CIPHERS: readonly WiresharkCipher[] = [
  cipher('NULL', 'null', 0, null),
  cipher('TripleDES-CBC [RFC2451]', '3des-cbc', 0, null),
  cipher('AES-CBC [RFC3602]', 'aes-cbc', 0, null),
  cipher('AES-CTR [RFC3686]', 'aes-ctr', 4, null),
  cipher('DES-CBC [RFC2405]', 'des-cbc', 0, null),
  cipher('AES-GCM with 8 octet ICV [RFC4106]', 'aes-gcm', 4, 8),
  cipher('AES-GCM with 12 octet ICV [RFC4106]', 'aes-gcm', 4, 12),
  cipher('AES-GCM with 16 octet ICV [RFC4106]', 'aes-gcm', 4, 16),
  // Without ICV length, from before Wireshark 2.6; strongSwan's save-keys plugin wrote it so.
  cipher('AES-GCM [RFC4106]', 'aes-gcm', 4, null),
  cipher('ChaCha20 with Poly1305 [RFC7634]', 'chacha20-poly1305', 4, 16, true),
];

export interface WiresharkIntegrity {
  readonly name: string;
  readonly integrity: IntegrityName;
  readonly icvBytes: number;
}

function integrity(name: string, integrityName: IntegrityName, icvBytes: number): WiresharkIntegrity {
  return { name, integrity: integrityName, icvBytes };
}

export const WIRESHARK_INTEGRITIES: readonly WiresharkIntegrity[] = [
  integrity('NULL', 'none', 0),
  integrity('HMAC-SHA-1-96 [RFC2404]', 'hmac-sha1', 12),
  integrity('HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]', 'hmac-sha256', 12),
  integrity('HMAC-SHA-256-128 [RFC4868]', 'hmac-sha256', 16),
  integrity('HMAC-SHA-384-192 [RFC4868]', 'hmac-sha384', 24),
  integrity('HMAC-SHA-512-256 [RFC4868]', 'hmac-sha512', 32),
  integrity('HMAC-MD5-96 [RFC2403]', 'hmac-md5', 12),
  integrity('MAC-RIPEMD-160-96 [RFC2857]', 'hmac-ripemd160', 12),
  integrity('ANY 64 bit authentication [no checking]', 'unknown', 8),
  integrity('ANY 96 bit authentication [no checking]', 'unknown', 12),
  integrity('ANY 128 bit authentication [no checking]', 'unknown', 16),
  integrity('ANY 192 bit authentication [no checking]', 'unknown', 24),
  integrity('ANY 256 bit authentication [no checking]', 'unknown', 32),
];

/** Names Wireshark has and Tare has no suite for: they may be shown in messages. */
export const WIRESHARK_UNSUPPORTED: readonly string[] = [
  'CAST5-CBC [RFC2144]',
  'BLOWFISH-CBC [RFC2451]',
  'TWOFISH-CBC',
  'AES-GCM with IIV and 16 octet ICV [RFC4106 & RFC8750]',
  'ChaCha20 with Poly1305 and IIV [RFC7634 & RFC8750]',
];
