import type { AddressPattern } from './ip-address.js';
import { KeyMaterial } from './key-material.js';
import type { AhSuite, EspSuite } from './suite-table.js';

/** What the SA wraps; null where the source of the SA does not say (Wireshark's table). */
export type IpsecMode = 'transport' | 'tunnel' | 'beet';

/** Ports of the UDP header in front of ESP (RFC 3948). 0 where unknown. */
export interface UdpEncapsulation {
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Fields of an SA. What is left out takes the default named there. */
export interface SecurityAssociationFields {
  readonly suite: EspSuite | AhSuite;
  readonly spi: number;
  /** Which bits of `spi` count; default all. Less only for wildcards of Wireshark's table. */
  readonly spiMask?: number;
  /** 4 or 6; null (default): either. */
  readonly family?: 4 | 6 | null;
  /** Null (default): any address. */
  readonly source?: AddressPattern | null;
  readonly destination?: AddressPattern | null;
  readonly mode?: IpsecMode | null;
  /** ESP: key of the cipher, salt or nonce appended as in RFC 4106 section 8.1 and in Linux. Default null: unknown. */
  readonly encryptionKey?: Uint8Array | null;
  readonly integrityKey?: Uint8Array | null;
  /** Extended sequence numbers (RFC 4303 section 2.2.1). Default false. */
  readonly esn?: boolean;
  /** High half of the extended sequence number when the SA was read. Default 0. */
  readonly sequenceHigh?: number;
  /** Low half at that moment. Default 0. */
  readonly sequenceLow?: number;
  readonly udpEncap?: UdpEncapsulation | null;
  /** AH over IPv4 padded to 4 as in RFC 4302, not to 8 as Linux does without `flag align4`. Default false. */
  readonly align4?: boolean;
}

/**
 * What `exportForWorker` gives and `fromWorker` takes: plain data that `structuredClone` carries over. **Holds keys in the
 * clear**; meant for `postMessage` alone.
 */
export type ExportedSecurityAssociation = Required<SecurityAssociationFields>;

/**
 * One direction of a protected flow (RFC 4301 section 4.1): how ESP or AH with one SPI is built, with its keys if known.
 * Immutable. Printing or serialising it never shows a key.
 */
export class SecurityAssociation {
  readonly protocol: 'esp' | 'ah';
  /** 50 or 51. */
  readonly protocolNumber: number;
  readonly suite: EspSuite | AhSuite;
  readonly spi: number;
  readonly spiMask: number;
  readonly family: 4 | 6 | null;
  readonly source: AddressPattern | null;
  readonly destination: AddressPattern | null;
  readonly mode: IpsecMode | null;
  readonly encryptionKey: KeyMaterial | null;
  readonly integrityKey: KeyMaterial | null;
  readonly esn: boolean;
  readonly sequenceHigh: number;
  readonly sequenceLow: number;
  readonly udpEncap: UdpEncapsulation | null;
  readonly align4: boolean;

  /** @throws RangeError if a key does not fit the suite; the message names lengths, never bytes */
  constructor(fields: SecurityAssociationFields) {
    this.suite = fields.suite;
    this.protocol = fields.suite.protocol;
    this.protocolNumber = fields.suite.protocol === 'esp' ? 50 : 51;
    this.spi = fields.spi >>> 0;
    this.spiMask = (fields.spiMask ?? 0xffff_ffff) >>> 0;
    this.source = fields.source ?? null;
    this.destination = fields.destination ?? null;
    this.family = fields.family ?? this.destination?.family ?? this.source?.family ?? null;
    this.mode = fields.mode ?? null;
    this.esn = fields.esn ?? false;
    this.sequenceHigh = (fields.sequenceHigh ?? 0) >>> 0;
    this.sequenceLow = (fields.sequenceLow ?? 0) >>> 0;
    this.udpEncap = fields.udpEncap ?? null;
    this.align4 = fields.align4 ?? false;
    this.encryptionKey = secret(fields.encryptionKey, encryptionKeyBytes(fields.suite), 'encryption');
    const integrityBytes = exactIntegrityKeyBytes(fields.suite);
    this.integrityKey = secret(fields.integrityKey, integrityBytes, 'authentication');
  }

  /** ICV on the wire in bits, after truncation. */
  get icvBits(): number {
    return this.suite.icvBytes * 8;
  }

  /** True if every key that the suite needs is there. */
  get hasKeys(): boolean {
    const { suite } = this;
    const needsCipherKey = suite.protocol === 'esp' && suite.keyBits > 0;
    if (needsCipherKey && this.encryptionKey === null) return false;
    return suite.integrityKeyBytes === 0 || this.integrityKey !== null;
  }

  /** Plain data with the keys in the clear, to hand to a worker thread and to nobody else. */
  exportForWorker(): ExportedSecurityAssociation {
    return {
      suite: this.suite,
      spi: this.spi,
      spiMask: this.spiMask,
      family: this.family,
      source: this.source,
      destination: this.destination,
      mode: this.mode,
      encryptionKey: this.encryptionKey === null ? null : this.encryptionKey.bytes().slice(),
      integrityKey: this.integrityKey === null ? null : this.integrityKey.bytes().slice(),
      esn: this.esn,
      sequenceHigh: this.sequenceHigh,
      sequenceLow: this.sequenceLow,
      udpEncap: this.udpEncap,
      align4: this.align4,
    };
  }

  /** The SA that `exportForWorker` was called on. */
  static fromWorker(exported: ExportedSecurityAssociation): SecurityAssociation {
    return new SecurityAssociation(exported);
  }
}

/** Bytes of cipher key and salt an SA with this suite holds; 0 if it has none. */
export function encryptionKeyBytes(suite: EspSuite | AhSuite): number {
  return suite.protocol === 'esp' ? suite.keyBits / 8 + suite.saltBytes : 0;
}

/** HMAC takes keys of any length (RFC 2104); block-cipher MACs do not. */
function exactIntegrityKeyBytes(suite: EspSuite | AhSuite): number | null {
  if (suite.integrity.startsWith('hmac-') || suite.integrity === 'unknown') return null;
  return suite.integrityKeyBytes + (suite.protocol === 'ah' ? suite.saltBytes : 0);
}

function secret(
  key: Uint8Array | null | undefined,
  expectedBytes: number | null,
  what: string,
): KeyMaterial | null {
  if (key === null || key === undefined) return null;
  if (expectedBytes !== null && key.length !== expectedBytes) {
    throw new RangeError(
      `${what} key has ${key.length} bytes, the suite takes ${expectedBytes} (salt included)`,
    );
  }
  return key.length === 0 ? null : new KeyMaterial(key);
}
