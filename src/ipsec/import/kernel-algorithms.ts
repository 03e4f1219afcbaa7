import { ahSuiteOf, espSuiteOf } from '../suite.js';
import type { AhSuite, CipherName, EspSuite, IntegrityName } from '../suite-table.js';

/** Cipher under the kernel's name, with the salt that its key carries at the end. */
export interface KernelCipher {
  readonly cipher: CipherName;
  readonly saltBytes: number;
}

/** Names of `enc` in `ip xfrm state` (`ealg_list` in net/xfrm/xfrm_algo.c), old short ones too. */
const CIPHERS: Readonly<Record<string, KernelCipher>> = {
  'cbc(aes)': { cipher: 'aes-cbc', saltBytes: 0 },
  aes: { cipher: 'aes-cbc', saltBytes: 0 },
  'cbc(des3_ede)': { cipher: '3des-cbc', saltBytes: 0 },
  des3_ede: { cipher: '3des-cbc', saltBytes: 0 },
  'cbc(des)': { cipher: 'des-cbc', saltBytes: 0 },
  des: { cipher: 'des-cbc', saltBytes: 0 },
  'cbc(camellia)': { cipher: 'camellia-cbc', saltBytes: 0 },
  camellia: { cipher: 'camellia-cbc', saltBytes: 0 },
  'rfc3686(ctr(aes))': { cipher: 'aes-ctr', saltBytes: 4 },
  'ecb(cipher_null)': { cipher: 'null', saltBytes: 0 },
  cipher_null: { cipher: 'null', saltBytes: 0 },
};

/** Names of `aead` (`aead_list`). */
const AEADS: Readonly<Record<string, KernelCipher>> = {
  'rfc4106(gcm(aes))': { cipher: 'aes-gcm', saltBytes: 4 },
  'rfc4309(ccm(aes))': { cipher: 'aes-ccm', saltBytes: 3 },
  'rfc4543(gcm(aes))': { cipher: 'aes-gmac', saltBytes: 4 },
  'rfc7539esp(chacha20,poly1305)': { cipher: 'chacha20-poly1305', saltBytes: 4 },
};

interface KernelIntegrity {
  readonly integrity: IntegrityName;
  /** What the kernel truncates to if no length is given (`icv_truncbits` in `aalg_list`): 96 for SHA-256. */
  readonly defaultBits: number;
}

/** Names of `auth` and `auth-trunc` (`aalg_list`). */
const INTEGRITIES: Readonly<Record<string, KernelIntegrity>> = {
  'hmac(md5)': { integrity: 'hmac-md5', defaultBits: 96 },
  md5: { integrity: 'hmac-md5', defaultBits: 96 },
  'hmac(sha1)': { integrity: 'hmac-sha1', defaultBits: 96 },
  sha1: { integrity: 'hmac-sha1', defaultBits: 96 },
  'hmac(sha256)': { integrity: 'hmac-sha256', defaultBits: 96 },
  sha256: { integrity: 'hmac-sha256', defaultBits: 96 },
  'hmac(sha384)': { integrity: 'hmac-sha384', defaultBits: 192 },
  'hmac(sha512)': { integrity: 'hmac-sha512', defaultBits: 256 },
  'hmac(rmd160)': { integrity: 'hmac-ripemd160', defaultBits: 96 },
  rmd160: { integrity: 'hmac-ripemd160', defaultBits: 96 },
  'xcbc(aes)': { integrity: 'aes-xcbc', defaultBits: 96 },
  'cmac(aes)': { integrity: 'aes-cmac', defaultBits: 96 },
  digest_null: { integrity: 'none', defaultBits: 0 },
  'hmac(digest_null)': { integrity: 'none', defaultBits: 0 },
};

export function kernelCipher(name: string): KernelCipher | undefined {
  return Object.hasOwn(CIPHERS, name) ? CIPHERS[name] : undefined;
}

export function kernelAead(name: string): KernelCipher | undefined {
  return Object.hasOwn(AEADS, name) ? AEADS[name] : undefined;
}

export function kernelIntegrity(name: string): KernelIntegrity | undefined {
  return Object.hasOwn(INTEGRITIES, name) ? INTEGRITIES[name] : undefined;
}

/** Key bits that stand for "unknown": any choice gives the same sizes on the wire. */
const ASSUMED_KEY_BITS: Readonly<Partial<Record<CipherName, number>>> = {
  '3des-cbc': 192,
  'des-cbc': 64,
  'chacha20-poly1305': 256,
  null: 0,
};

/** Key length to assume where the key is not shown. */
export function assumedKeyBits(cipher: CipherName): number {
  return ASSUMED_KEY_BITS[cipher] ?? 128;
}

/** Suite of an `aead` with a key of `keyBytes` (salt included; null: not shown). Null if there is no such suite. */
export function aeadSuite(aead: KernelCipher, keyBytes: number | null, icvBits: number): EspSuite | null {
  const keyBits = keyBytes === null ? assumedKeyBits(aead.cipher) : (keyBytes - aead.saltBytes) * 8;
  return espSuiteOf({ cipher: aead.cipher, keyBits, integrity: 'none', icvBytes: icvBits / 8 });
}

/** Suite of `enc` and `auth`. Null if there is no such suite. */
export function pairedSuite(
  cipher: KernelCipher,
  keyBytes: number | null,
  integrity: IntegrityName,
  icvBits: number,
): EspSuite | null {
  const keyBits = keyBytes === null ? assumedKeyBits(cipher.cipher) : (keyBytes - cipher.saltBytes) * 8;
  return espSuiteOf({ cipher: cipher.cipher, keyBits, integrity, icvBytes: icvBits / 8 });
}

/** Suite of an AH state. Null if there is no such suite. */
export function ahSuite(integrity: IntegrityName, icvBits: number): AhSuite | null {
  return ahSuiteOf(integrity, icvBits / 8);
}
