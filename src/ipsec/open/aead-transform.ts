import {
  type CipherCCMTypes,
  type CipherGCMTypes,
  createDecipheriv,
  createSecretKey,
  type DecipherCCM,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import type { EspSuite } from '../suite-table.js';
import { type EspTransform, NO_ESN } from './esp-transform.js';
import { writeUint32 } from './mac-message.js';

const ESP_HEADER_BYTES = 8;
const IV_BYTES = 8;

/**
 * Combined mode: GCM (RFC 4106), CCM (RFC 4309), ChaCha20-Poly1305 (RFC 7634). The three share their layout: an 8-byte IV
 * with the salt before it is the nonce, SPI and sequence number are the additional authenticated data.
 */
export class AeadTransform implements EspTransform {
  readonly isClear = false;
  readonly canVerify = true;
  readonly plainOffset = 0;
  readonly #algorithm: string;
  readonly #isCcm: boolean;
  readonly #key: KeyObject;
  readonly #icvBytes: number;
  readonly #options: { readonly authTagLength: number };
  readonly #saltBytes: number;
  readonly #nonce: Uint8Array;
  /** SPI, ESN high, ESN low (RFC 4106 section 5). */
  readonly #esnHeader = new Uint8Array(12);
  #plain: Uint8Array | null = null;

  /** @param keyAndSalt key with the salt behind it (RFC 4106 section 8.1) */
  constructor(suite: EspSuite, keyAndSalt: Uint8Array) {
    const keyBytes = keyAndSalt.length - suite.saltBytes;
    this.#algorithm = algorithmName(suite);
    this.#isCcm = suite.cipher === 'aes-ccm';
    this.#key = createSecretKey(keyAndSalt.subarray(0, keyBytes));
    this.#icvBytes = suite.icvBytes;
    this.#options = { authTagLength: suite.icvBytes };
    this.#saltBytes = suite.saltBytes;
    this.#nonce = new Uint8Array(suite.saltBytes + IV_BYTES);
    this.#nonce.set(keyAndSalt.subarray(keyBytes));
    this.#start();
  }

  verify(data: Uint8Array, espOffset: number, icvOffset: number, sequenceHigh: number): boolean {
    const ivOffset = espOffset + ESP_HEADER_BYTES;
    const cipherOffset = ivOffset + IV_BYTES;
    for (let i = 0; i < IV_BYTES; i++) this.#nonce[this.#saltBytes + i] = data[ivOffset + i]!;
    this.#plain = null;
    try {
      const decipher = this.#start();
      decipher.setAuthTag(data.subarray(icvOffset, icvOffset + this.#icvBytes));
      const header = this.#header(data, espOffset, sequenceHigh);
      if (this.#isCcm) decipher.setAAD(header, { plaintextLength: icvOffset - cipherOffset });
      else (decipher as DecipherGCM).setAAD(header);
      const plain = decipher.update(data.subarray(cipherOffset, icvOffset));
      decipher.final();
      this.#plain = plain;
      return true;
    } catch {
      return false;
    }
  }

  decrypt(): Uint8Array | null {
    return this.#plain;
  }

  #header(data: Uint8Array, espOffset: number, sequenceHigh: number): Uint8Array {
    if (sequenceHigh === NO_ESN) return data.subarray(espOffset, espOffset + ESP_HEADER_BYTES);
    const header = this.#esnHeader;
    for (let i = 0; i < 4; i++) {
      header[i] = data[espOffset + i]!;
      header[i + 8] = data[espOffset + i + 4]!;
    }
    writeUint32(header, 4, sequenceHigh);
    return header;
  }

  #start(): DecipherGCM | DecipherCCM {
    return this.#isCcm
      ? createDecipheriv(this.#algorithm as CipherCCMTypes, this.#key, this.#nonce, this.#options)
      : createDecipheriv(this.#algorithm as CipherGCMTypes, this.#key, this.#nonce, this.#options);
  }
}

function algorithmName(suite: EspSuite): string {
  if (suite.cipher === 'chacha20-poly1305') return suite.cipher;
  return `aes-${suite.keyBits}-${suite.cipher === 'aes-ccm' ? 'ccm' : 'gcm'}`;
}
