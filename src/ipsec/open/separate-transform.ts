import { createDecipheriv, createSecretKey, type Decipher, type KeyObject } from 'node:crypto';
import type { EspSuite } from '../suite-table.js';
import { type EspTransform, NO_ESN } from './esp-transform.js';
import type { Mac } from './mac.js';
import type { MacMessage } from './mac-message.js';

const ESP_HEADER_BYTES = 8;

/** Decrypts ESP payloads without looking at ICVs. */
interface PayloadCipher {
  /** Where the plain text begins in what `decrypt` returns. */
  readonly plainOffset: number;
  /** @returns null if the length is not that of whole blocks */
  decrypt(data: Uint8Array, ivOffset: number, end: number): Uint8Array | null;
}

/** A cipher and an algorithm for the ICV side by side, the ICV over the cipher text (RFC 4303 section 3.3.2.1). */
export class SeparateTransform implements EspTransform {
  readonly #cipher: PayloadCipher | null;
  readonly #mac: Mac | null;
  readonly #message: MacMessage;
  readonly isClear: boolean;
  readonly canVerify: boolean;
  readonly plainOffset: number;

  /** @param cipher null for NULL encryption */
  constructor(cipher: PayloadCipher | null, mac: Mac | null, message: MacMessage) {
    this.#cipher = cipher;
    this.#mac = mac;
    this.#message = message;
    this.isClear = cipher === null;
    this.canVerify = mac !== null;
    this.plainOffset = cipher === null ? 0 : cipher.plainOffset;
  }

  /** The high half of an extended sequence number counts behind the trailer (RFC 4303 section 2.2.1). */
  verify(data: Uint8Array, espOffset: number, icvOffset: number, sequenceHigh: number): boolean {
    const message = this.#message;
    message.start(icvOffset - espOffset + 4);
    message.append(data, espOffset, icvOffset);
    if (sequenceHigh !== NO_ESN) message.appendUint32(sequenceHigh);
    return this.#mac!.verify(message, data, icvOffset);
  }

  decrypt(data: Uint8Array, espOffset: number, icvOffset: number): Uint8Array | null {
    return this.#cipher === null ? null : this.#cipher.decrypt(data, espOffset + ESP_HEADER_BYTES, icvOffset);
  }
}

/** @returns null for NULL encryption */
export function createPayloadCipher(suite: EspSuite, key: Uint8Array): PayloadCipher | null {
  switch (suite.cipher) {
    case 'aes-cbc':
      return new CbcCipher(`aes-${suite.keyBits}-cbc`, key, suite.blockBytes);
    case 'camellia-cbc':
      return new CbcCipher(`camellia-${suite.keyBits}-cbc`, key, suite.blockBytes);
    case '3des-cbc':
      return new CbcCipher('des-ede3-cbc', key, suite.blockBytes);
    case 'des-cbc':
      // OpenSSL 3 hides DES; 3DES with one key thrice is the same function.
      return new CbcCipher('des-ede3-cbc', Buffer.concat([key, key, key]), suite.blockBytes);
    case 'aes-ctr':
      return new CtrCipher(key);
    default:
      return null;
  }
}

/**
 * CBC with the IV in front of the cipher text (RFC 3602, RFC 2451). One decipher lives as long as the SA, as starting one costs
 * more than running it: what it chains on from the packet before spoils just the first block that goes in, and that is the IV.
 */
class CbcCipher implements PayloadCipher {
  readonly #decipher: Decipher;
  readonly plainOffset: number;

  constructor(algorithm: string, key: Uint8Array, blockBytes: number) {
    this.#decipher = createDecipheriv(algorithm, createSecretKey(key), new Uint8Array(blockBytes));
    this.#decipher.setAutoPadding(false);
    this.plainOffset = blockBytes;
  }

  decrypt(data: Uint8Array, ivOffset: number, end: number): Uint8Array | null {
    if ((end - ivOffset) % this.plainOffset !== 0) return null;
    return this.#decipher.update(data.subarray(ivOffset, end));
  }
}

const CTR_NONCE_BYTES = 4;
const CTR_IV_BYTES = 8;

/** Counter blocks are nonce, IV and a counter from 1 (RFC 3686 section 4). */
class CtrCipher implements PayloadCipher {
  readonly #algorithm: string;
  readonly #key: KeyObject;
  readonly #counter = new Uint8Array(16);
  readonly plainOffset = 0;

  constructor(keyAndNonce: Uint8Array) {
    const keyBytes = keyAndNonce.length - CTR_NONCE_BYTES;
    this.#algorithm = `aes-${keyBytes * 8}-ctr`;
    this.#key = createSecretKey(keyAndNonce.subarray(0, keyBytes));
    this.#counter.set(keyAndNonce.subarray(keyBytes));
    this.#counter[15] = 1;
    createDecipheriv(this.#algorithm, this.#key, this.#counter);
  }

  decrypt(data: Uint8Array, ivOffset: number, end: number): Uint8Array | null {
    const counter = this.#counter;
    for (let i = 0; i < CTR_IV_BYTES; i++) counter[CTR_NONCE_BYTES + i] = data[ivOffset + i]!;
    const decipher = createDecipheriv(this.#algorithm, this.#key, counter);
    return decipher.update(data.subarray(ivOffset + CTR_IV_BYTES, end));
  }
}
