import { type CipherGCMTypes, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Mac } from './mac.js';
import { type MacMessage, MESSAGE_START } from './mac-message.js';

const TAG_OPTIONS = { authTagLength: 16 } as const;
const SALT_BYTES = 4;
const IV_BYTES = 8;
const TAG_BYTES = 16;

/** AES-GMAC under one key and salt (RFC 4543): GCM without plain text. */
export class Gmac {
  readonly #cipher: CipherGCMTypes;
  readonly #key: KeyObject;
  /** Salt, then the IV of the packet (RFC 4543 section 3.2). */
  readonly #nonce = new Uint8Array(SALT_BYTES + IV_BYTES);

  /** @param keyAndSalt AES key with the 4-byte salt behind it */
  constructor(keyAndSalt: Uint8Array) {
    const keyBytes = keyAndSalt.length - SALT_BYTES;
    this.#cipher = `aes-${(keyBytes * 8) as 128 | 192 | 256}-gcm`;
    this.#key = createSecretKey(keyAndSalt.subarray(0, keyBytes));
    this.#nonce.set(keyAndSalt.subarray(keyBytes));
    createDecipheriv(this.#cipher, this.#key, this.#nonce, TAG_OPTIONS);
  }

  /** True if the tag at `tagOffset` of `data` belongs to `authenticated`. */
  verify(authenticated: Uint8Array, data: Uint8Array, ivOffset: number, tagOffset: number): boolean {
    for (let i = 0; i < IV_BYTES; i++) this.#nonce[SALT_BYTES + i] = data[ivOffset + i]!;
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonce, TAG_OPTIONS);
    decipher.setAuthTag(data.subarray(tagOffset, tagOffset + TAG_BYTES));
    decipher.setAAD(authenticated);
    try {
      decipher.final();
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * AES-GMAC in AH: IV and tag lie side by side in the ICV field (RFC 4543 section 4). Both are zero in the message, for
 * RFC 4302 section 3.3.3.1 wants the whole field zero.
 */
export class GmacMac implements Mac {
  readonly #gmac: Gmac;

  /** @param keyAndSalt AES key with the 4-byte salt behind it */
  constructor(keyAndSalt: Uint8Array) {
    this.#gmac = new Gmac(keyAndSalt);
  }

  verify(message: MacMessage, data: Uint8Array, icvOffset: number): boolean {
    const authenticated = message.bytes.subarray(MESSAGE_START, MESSAGE_START + message.length);
    return this.#gmac.verify(authenticated, data, icvOffset, icvOffset + IV_BYTES);
  }
}
