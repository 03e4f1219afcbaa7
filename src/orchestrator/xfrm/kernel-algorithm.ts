import type { AhSuite, CipherName, EspSuite, IntegrityName } from '../../ipsec/suite-table.js';

/** A part of an SA's key material, and the words of `ip xfrm state add` around it. */
export interface KernelAlgorithm {
  /** `aead`, `enc` or `auth-trunc`. */
  readonly keyword: string;
  /** Name in the kernel's crypto API. */
  readonly name: string;
  /** Salt included. */
  readonly keyBytes: number;
  /** ICV on the wire in bits; null for `enc`, which takes none. */
  readonly icvBits: number | null;
}

/** `ealg_list`, `aead_list` in net/xfrm/xfrm_algo.c. DES is left out: no kernel should be asked for it any more. */
const CIPHER_NAMES: Readonly<Partial<Record<CipherName, string>>> = {
  'aes-cbc': 'cbc(aes)',
  'aes-ctr': 'rfc3686(ctr(aes))',
  'camellia-cbc': 'cbc(camellia)',
  '3des-cbc': 'cbc(des3_ede)',
  null: 'ecb(cipher_null)',
  'aes-gcm': 'rfc4106(gcm(aes))',
  'aes-ccm': 'rfc4309(ccm(aes))',
  'aes-gmac': 'rfc4543(gcm(aes))',
  'chacha20-poly1305': 'rfc7539esp(chacha20,poly1305)',
};

/** `aalg_list`. */
const INTEGRITY_NAMES: Readonly<Partial<Record<IntegrityName, string>>> = {
  none: 'digest_null',
  'hmac-md5': 'hmac(md5)',
  'hmac-sha1': 'hmac(sha1)',
  'hmac-sha256': 'hmac(sha256)',
  'hmac-sha384': 'hmac(sha384)',
  'hmac-sha512': 'hmac(sha512)',
  'aes-xcbc': 'xcbc(aes)',
  'aes-cmac': 'cmac(aes)',
};

/**
 * What Linux calls the algorithms of a suite.
 * @returns null if Linux has no such algorithm in ESP or AH
 */
export function kernelAlgorithms(suite: EspSuite | AhSuite): KernelAlgorithm[] | null {
  const icvBits = suite.icvBytes * 8;
  if (suite.protocol === 'ah') return authentication(suite.integrity, suite.integrityKeyBytes, icvBits);
  const name = CIPHER_NAMES[suite.cipher];
  if (name === undefined) return null;
  const keyBytes = suite.keyBits / 8 + suite.saltBytes;
  if (suite.combinedMode) return [{ keyword: 'aead', name, keyBytes, icvBits }];
  const integrity = authentication(suite.integrity, suite.integrityKeyBytes, icvBits);
  return integrity && [...integrity, { keyword: 'enc', name, keyBytes, icvBits: null }];
}

function authentication(
  integrity: IntegrityName,
  keyBytes: number,
  icvBits: number,
): KernelAlgorithm[] | null {
  const name = INTEGRITY_NAMES[integrity];
  return name === undefined ? null : [{ keyword: 'auth-trunc', name, keyBytes, icvBits }];
}
