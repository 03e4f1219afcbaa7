/** What a transform of an IKE proposal is for (RFC 7296 section 3.3.2). */
export type IkeTransformKind = 'encryption' | 'prf' | 'integrity' | 'group' | 'authentication';

/** One algorithm of a proposal, in the terms of both versions of IKE. */
export interface IkeTransform {
  readonly kind: IkeTransformKind;
  /** Number in the registry of its version. */
  readonly id: number;
  /** Null if it is none that is known. */
  readonly name: string | null;
  /** What RFC 8247 or its predecessors forbid or advise against; null if nothing. */
  readonly weakness: string | null;
}

type Row = readonly [name: string, weakness?: string];
type Registry = Readonly<Record<number, Row>>;

const MUST_NOT = 'RFC 8247: MUST NOT';
const SHOULD_NOT = 'RFC 8247: SHOULD NOT';
const DEPRECATED = 'RFC 9395: deprecated';
const DES: Row = ['DES', MUST_NOT];
const TRIPLE_DES: Row = ['3DES', 'RFC 8247: MAY, outdated'];

/** Diffie-Hellman groups have one registry for both versions (RFC 3526, 5114, 5903, 8031). */
const GROUPS: Registry = {
  1: ['MODP-768 (group 1)', MUST_NOT],
  2: ['MODP-1024 (group 2)', SHOULD_NOT],
  5: ['MODP-1536 (group 5)', SHOULD_NOT],
  14: ['MODP-2048 (group 14)'],
  15: ['MODP-3072 (group 15)'],
  16: ['MODP-4096 (group 16)'],
  17: ['MODP-6144 (group 17)'],
  18: ['MODP-8192 (group 18)'],
  19: ['ECP-256 (group 19)'],
  20: ['ECP-384 (group 20)'],
  21: ['ECP-521 (group 21)'],
  22: ['MODP-1024 with a subgroup (group 22)', MUST_NOT],
  23: ['MODP-2048 with a subgroup (group 23)', SHOULD_NOT],
  24: ['MODP-2048 with a subgroup (group 24)', SHOULD_NOT],
  31: ['Curve25519 (group 31)'],
  32: ['Curve448 (group 32)'],
};

/** IKEv2: registries of RFC 7296 section 3.3.2 and their additions, by transform type. */
const VERSION_2: Readonly<Record<number, { kind: IkeTransformKind; registry: Registry }>> = {
  1: {
    kind: 'encryption',
    registry: {
      1: DES,
      2: DES,
      3: TRIPLE_DES,
      4: ['RC5', DEPRECATED],
      5: ['IDEA', DEPRECATED],
      6: ['CAST', DEPRECATED],
      7: ['Blowfish', DEPRECATED],
      8: ['3IDEA', DEPRECATED],
      9: DES,
      11: ['NULL', 'no encryption'],
      12: ['AES-CBC'],
      13: ['AES-CTR'],
      14: ['AES-CCM-8'],
      15: ['AES-CCM-12'],
      16: ['AES-CCM-16'],
      18: ['AES-GCM-8'],
      19: ['AES-GCM-12'],
      20: ['AES-GCM-16'],
      23: ['Camellia-CBC'],
      28: ['ChaCha20-Poly1305'],
    },
  },
  2: {
    kind: 'prf',
    registry: {
      1: ['PRF-HMAC-MD5', MUST_NOT],
      2: ['PRF-HMAC-SHA1'],
      3: ['PRF-HMAC-TIGER', DEPRECATED],
      4: ['PRF-AES128-XCBC'],
      5: ['PRF-HMAC-SHA2-256'],
      6: ['PRF-HMAC-SHA2-384'],
      7: ['PRF-HMAC-SHA2-512'],
      8: ['PRF-AES128-CMAC'],
    },
  },
  3: {
    kind: 'integrity',
    registry: {
      1: ['HMAC-MD5-96', MUST_NOT],
      2: ['HMAC-SHA1-96'],
      3: ['DES-MAC', MUST_NOT],
      4: ['KPDK-MD5', MUST_NOT],
      5: ['AES-XCBC-96'],
      12: ['HMAC-SHA2-256-128'],
      13: ['HMAC-SHA2-384-192'],
      14: ['HMAC-SHA2-512-256'],
    },
  },
  4: { kind: 'group', registry: GROUPS },
};

/** IKEv1: attributes of a phase 1 transform (RFC 2409 appendix A). */
const VERSION_1: Readonly<Record<number, { kind: IkeTransformKind; registry: Registry }>> = {
  1: {
    kind: 'encryption',
    registry: {
      1: DES,
      2: ['IDEA', DEPRECATED],
      3: ['Blowfish', DEPRECATED],
      4: ['RC5', DEPRECATED],
      5: TRIPLE_DES,
      6: ['CAST', DEPRECATED],
      7: ['AES-CBC'],
      8: ['Camellia-CBC'],
    },
  },
  2: {
    kind: 'integrity',
    registry: {
      1: ['MD5', MUST_NOT],
      2: ['SHA1'],
      3: ['TIGER', DEPRECATED],
      4: ['SHA2-256'],
      5: ['SHA2-384'],
      6: ['SHA2-512'],
    },
  },
  3: {
    kind: 'authentication',
    registry: {
      1: ['pre-shared key'],
      2: ['DSS signatures'],
      3: ['RSA signatures'],
      65001: ['XAUTH with pre-shared key'],
    },
  },
  4: { kind: 'group', registry: GROUPS },
};

/**
 * What a transform means.
 * @param type transform type (version 2) or attribute type (version 1)
 * @returns null for types that say nothing about strength: extended sequence numbers, lifetimes, key lengths
 */
export function ikeTransform(version: 1 | 2, type: number, id: number): IkeTransform | null {
  const entry = (version === 2 ? VERSION_2 : VERSION_1)[type];
  if (entry === undefined) return null;
  const [name = null, weakness = null] = entry.registry[id] ?? [];
  return { kind: entry.kind, id, name, weakness };
}
