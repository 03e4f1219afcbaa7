import { createCipheriv, createHmac } from 'node:crypto';
import {
  SecurityAssociation,
  type SecurityAssociationFields,
} from '../../../../src/ipsec/security-association.js';
import type { AhSuite, EspSuite, IntegrityName } from '../../../../src/ipsec/suite-table.js';

/*
 * Builds ESP and AH packets step by step as the RFCs tell, sharing nothing with the code under test but suite sizes: plain
 * one-shot calls, and where OpenSSL offers a mode ready-made that the opener uses (CCM, CTR), that mode out of single AES blocks.
 */

/** 0, 1, 2...: what the bundled captures have for keys too. */
export function testKey(bytes: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => first + i);
}

/** An SA with test keys for the suite; `fields` override. */
export function testAssociation(
  suite: EspSuite | AhSuite,
  fields: Partial<SecurityAssociationFields> = {},
): SecurityAssociation {
  const cipherKeyBytes = suite.protocol === 'esp' ? suite.keyBits / 8 + suite.saltBytes : 0;
  const integrityKeyBytes = suite.integrityKeyBytes + (suite.protocol === 'ah' ? suite.saltBytes : 0);
  return new SecurityAssociation({
    suite,
    spi: 0x100,
    encryptionKey: cipherKeyBytes > 0 ? testKey(cipherKeyBytes, 1) : null,
    integrityKey: integrityKeyBytes > 0 ? testKey(integrityKeyBytes, 0x40) : null,
    ...fields,
  });
}

export interface EspContent {
  readonly payload: Uint8Array;
  readonly nextHeader: number;
  readonly sequence: bigint;
  readonly iv: Uint8Array;
  /** Default: the least that RFC 4303 section 2.4 asks for, 1, 2, 3... */
  readonly padding?: Uint8Array;
  /** What the pad length field says, if not the truth. */
  readonly padLength?: number;
}

export function leastPadding(payloadBytes: number, alignBytes: number): Uint8Array {
  const padBytes = (alignBytes - ((payloadBytes + 2) % alignBytes)) % alignBytes;
  return Uint8Array.from({ length: padBytes }, (_, i) => i + 1);
}

/** One ESP packet, from the SPI to the ICV (RFC 4303). */
export function buildEsp(sa: SecurityAssociation, content: EspContent): Buffer {
  const suite = sa.suite as EspSuite;
  const padding = content.padding ?? leastPadding(content.payload.length, suite.alignBytes);
  const plain = Buffer.concat([
    content.payload,
    padding,
    Uint8Array.of(content.padLength ?? padding.length, content.nextHeader),
  ]);
  const spi = uint32(sa.spi);
  const low = uint32(Number(content.sequence & 0xffff_ffffn));
  const high = sa.esn ? uint32(Number(content.sequence >> 32n)) : Buffer.alloc(0);
  if (suite.combinedMode) {
    const sealed = seal(sa, plain, content.iv, Buffer.concat([spi, high, low]));
    return Buffer.concat([spi, low, content.iv, sealed]);
  }
  const body = Buffer.concat([spi, low, content.iv, encrypt(sa, plain, content.iv)]);
  if (sa.integrityKey === null) return Buffer.concat([body, Buffer.alloc(suite.icvBytes, 0xa5)]);
  const icv = computeMac(suite.integrity, sa.integrityKey.bytes(), Buffer.concat([body, high]));
  return Buffer.concat([body, icv.subarray(0, suite.icvBytes)]);
}

function encrypt(sa: SecurityAssociation, plain: Buffer, iv: Uint8Array): Buffer {
  const suite = sa.suite as EspSuite;
  const key = Buffer.from(sa.encryptionKey?.bytes() ?? []);
  const name = { 'aes-cbc': 'aes', 'camellia-cbc': 'camellia' }[suite.cipher as string];
  if (name !== undefined) return cbc(`${name}-${suite.keyBits}-cbc`, key, iv, plain);
  switch (suite.cipher) {
    case '3des-cbc':
      return cbc('des-ede3-cbc', key, iv, plain);
    case 'des-cbc':
      return cbc('des-ede3-cbc', Buffer.concat([key, key, key]), iv, plain);
    case 'aes-ctr': {
      const start = Buffer.concat([key.subarray(-4), iv, uint32(1)]);
      return counterMode(key.subarray(0, -4), start, plain);
    }
    default:
      return plain;
  }
}

function cbc(algorithm: string, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, key, iv);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

/** @returns cipher text and ICV */
function seal(sa: SecurityAssociation, plain: Buffer, iv: Uint8Array, header: Buffer): Buffer {
  const suite = sa.suite as EspSuite;
  const material = Buffer.from(sa.encryptionKey!.bytes());
  const key = material.subarray(0, suite.keyBits / 8);
  const nonce = Buffer.concat([material.subarray(suite.keyBits / 8), iv]);
  const { icvBytes } = suite;
  switch (suite.cipher) {
    case 'aes-ccm':
      return ccm(key, nonce, header, plain, icvBytes);
    case 'aes-gmac': {
      const cipher = createCipheriv(`aes-${suite.keyBits as 128}-gcm`, key, nonce);
      cipher.setAAD(Buffer.concat([header, iv, plain]));
      cipher.final();
      return Buffer.concat([plain, cipher.getAuthTag()]);
    }
    case 'chacha20-poly1305': {
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      cipher.setAAD(header, { plaintextLength: plain.length });
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    }
    default: {
      const cipher = createCipheriv(`aes-${suite.keyBits as 128}-gcm`, key, nonce);
      cipher.setAAD(header);
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([sealed, cipher.getAuthTag().subarray(0, icvBytes)]);
    }
  }
}

/** RFC 3610 section 2 out of AES blocks. */
function ccm(key: Buffer, nonce: Buffer, header: Buffer, plain: Buffer, icvBytes: number): Buffer {
  const lengthBytes = 15 - nonce.length;
  const length = uint32(plain.length).subarray(4 - lengthBytes);
  const flags = 64 + ((icvBytes - 2) / 2) * 8 + (lengthBytes - 1);
  const headerLength = Buffer.from([header.length >> 8, header.length]);
  const blocks = Buffer.concat([
    Uint8Array.of(flags),
    nonce,
    length,
    fillBlock(Buffer.concat([headerLength, header])),
    fillBlock(plain),
  ]);
  let mac: Buffer = Buffer.alloc(16);
  for (let i = 0; i < blocks.length; i += 16) mac = aesBlock(key, xor(mac, blocks.subarray(i, i + 16)));
  const counter = (n: number) =>
    Buffer.concat([Uint8Array.of(lengthBytes - 1), nonce, uint32(n).subarray(4 - lengthBytes)]);
  const icv = xor(mac, aesBlock(key, counter(0))).subarray(0, icvBytes);
  return Buffer.concat([counterMode(key, counter(1), plain), icv]);
}

function fillBlock(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((16 - (data.length % 16)) % 16)]);
}

/** Counts up in the last four bytes. */
function counterMode(key: Buffer, firstCounter: Buffer, data: Buffer): Buffer {
  const counter = Buffer.from(firstCounter);
  const blocks: Buffer[] = [];
  for (let i = 0; i < data.length; i += 16) {
    blocks.push(xor(data.subarray(i, i + 16), aesBlock(key, counter)));
    counter.writeUInt32BE(counter.readUInt32BE(12) + 1, 12);
  }
  return Buffer.concat(blocks);
}

function aesBlock(key: Uint8Array, block: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
  cipher.setAutoPadding(false);
  return cipher.update(block);
}

/** As long as the shorter one. */
function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.subarray(0, b.length).map((byte, i) => byte ^ b[i]!));
}

/** The whole MAC of a message, before truncation. Not for GMAC. */
export function computeMac(integrity: IntegrityName, key: Uint8Array, message: Uint8Array): Buffer {
  if (integrity === 'aes-xcbc') return xcbc(key, message);
  if (integrity === 'aes-cmac') return cmac(key, message);
  return createHmac(integrity.replace('hmac-', ''), key).update(message).digest();
}

/** RFC 3566 section 4. */
function xcbc(key: Uint8Array, message: Uint8Array): Buffer {
  const [k1, k2, k3] = [1, 2, 3].map((n) => aesBlock(key, Buffer.alloc(16, n))) as [Buffer, Buffer, Buffer];
  return chain(k1, message, k2, k3);
}

/** RFC 4493 section 2.4. */
function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const double = (value: bigint) => {
    const shifted = (value << 1n) & ((1n << 128n) - 1n);
    return value >> 127n === 1n ? shifted ^ 0x87n : shifted;
  };
  const l = BigInt(`0x${aesBlock(key, Buffer.alloc(16)).toString('hex')}`);
  const toBlock = (value: bigint) => Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
  return chain(key, message, toBlock(double(l)), toBlock(double(double(l))));
}

function chain(key: Uint8Array, message: Uint8Array, wholeMask: Buffer, filledMask: Buffer): Buffer {
  const lastStart = Math.max(0, Math.ceil(message.length / 16) - 1) * 16;
  let mac: Buffer = Buffer.alloc(16);
  for (let i = 0; i < lastStart; i += 16) mac = aesBlock(key, xor(mac, message.subarray(i, i + 16)));
  const last = Buffer.from(message.subarray(lastStart));
  const isWhole = last.length === 16;
  const filled = isWhole ? last : fillBlock(Buffer.concat([last, Uint8Array.of(0x80)]));
  return aesBlock(key, xor(xor(mac, filled), isWhole ? wholeMask : filledMask));
}

/**
 * AH with its ICV (RFC 4302), for an IP header and extension headers given in the form that the ICV covers: mutable fields
 * zero, length and next header as with the AH inside.
 * @param icvPadding explicit padding behind the ICV
 */
export function buildAh(
  sa: SecurityAssociation,
  headersForIcv: Uint8Array,
  content: { nextHeader: number; sequence: bigint; payload: Uint8Array; icvPadding?: Uint8Array },
): Buffer {
  const { icvBytes } = sa.suite;
  const icvPadding = content.icvPadding ?? new Uint8Array(0);
  const lengthField = (12 + icvBytes + icvPadding.length) / 4 - 2;
  const fixed = Buffer.concat([
    Uint8Array.of(content.nextHeader, lengthField, 0, 0),
    uint32(sa.spi),
    uint32(Number(content.sequence & 0xffff_ffffn)),
  ]);
  const high = sa.esn ? uint32(Number(content.sequence >> 32n)) : Buffer.alloc(0);
  const rest = Buffer.concat([icvPadding, content.payload]);
  const message = Buffer.concat([headersForIcv, fixed, Buffer.alloc(icvBytes), rest, high]);
  const key = sa.integrityKey!.bytes();
  return Buffer.concat([fixed, computeAhIcv(sa.suite as AhSuite, key, message), rest]);
}

function computeAhIcv(suite: AhSuite, key: Uint8Array, message: Buffer): Buffer {
  if (suite.integrity !== 'aes-gmac')
    return computeMac(suite.integrity, key, message).subarray(0, suite.icvBytes);
  const iv = Buffer.from('0102030405060708', 'hex');
  const nonce = Buffer.concat([key.subarray(-4), iv]);
  const cipher = createCipheriv(`aes-${((key.length - 4) * 8) as 128}-gcm`, key.subarray(0, -4), nonce);
  cipher.setAAD(message);
  cipher.final();
  return Buffer.concat([iv, cipher.getAuthTag()]);
}

export const SOURCE4 = [10, 9, 0, 1] as const;
export const DESTINATION4 = [10, 9, 0, 2] as const;

/** 20-byte IPv4 header and more behind it; the checksum stays 0. */
export function ipv4Packet(protocol: number, rest: Uint8Array): Buffer {
  const total = 20 + rest.length;
  const header = [0x45, 0, total >> 8, total & 0xff, 0x12, 0x34, 0, 0, 64, protocol, 0, 0];
  return Buffer.concat([Uint8Array.from([...header, ...SOURCE4, ...DESTINATION4]), rest]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
