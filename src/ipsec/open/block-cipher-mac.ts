import { type Cipher, createCipheriv } from 'node:crypto';
import type { Mac } from './mac.js';
import { type MacMessage, MESSAGE_START } from './mac-message.js';

const BLOCK = 16;

/**
 * The CBC-MACs with AES-128 of IPsec: AES-XCBC-MAC-96 (RFC 3566) and AES-CMAC-96 (RFC 4494, RFC 4493). They differ in how
 * the keys come about: the chain runs under `chainKey`, and one of two masks goes into the last block, depending on
 * whether that one had to be filled up with 10...0.
 *
 * One CBC cipher lives as long as the SA, as starting one costs more than running it. It chains on from the packet before;
 * adding its last cipher text block to the first block makes up for that.
 */
export class BlockCipherMac implements Mac {
  readonly #chain: Cipher;
  readonly #wholeMask: Uint8Array;
  readonly #filledMask: Uint8Array;
  readonly #icvBytes: number;
  readonly #last = new Uint8Array(BLOCK);

  private constructor(chainKey: Uint8Array, wholeMask: Uint8Array, filledMask: Uint8Array, icvBytes: number) {
    this.#chain = createCipheriv('aes-128-cbc', chainKey, new Uint8Array(BLOCK));
    this.#chain.setAutoPadding(false);
    this.#wholeMask = wholeMask;
    this.#filledMask = filledMask;
    this.#icvBytes = icvBytes;
  }

  /** AES-XCBC-MAC: three keys, each the encryption of a constant (RFC 3566 section 4). */
  static xcbc(key: Uint8Array, icvBytes: number): BlockCipherMac {
    const derive = (constant: number) => encryptBlock(key, new Uint8Array(BLOCK).fill(constant));
    return new BlockCipherMac(derive(1), derive(2), derive(3), icvBytes);
  }

  /** AES-CMAC: masks by doubling in GF(2^128) (RFC 4493 section 2.3). */
  static cmac(key: Uint8Array, icvBytes: number): BlockCipherMac {
    const wholeMask = double(encryptBlock(key, new Uint8Array(BLOCK)));
    return new BlockCipherMac(key, wholeMask, double(wholeMask), icvBytes);
  }

  verify(message: MacMessage, data: Uint8Array, icvOffset: number): boolean {
    const { bytes, length } = message;
    const end = this.#fillLastBlock(bytes, length);
    xorBlock(bytes, MESSAGE_START, this.#last);
    const chained = this.#chain.update(bytes.subarray(MESSAGE_START, end));
    const tag = chained.length - BLOCK;
    let difference = 0;
    for (let i = 0; i < this.#icvBytes; i++) difference |= chained[tag + i]! ^ data[icvOffset + i]!;
    for (let i = 0; i < BLOCK; i++) this.#last[i] = chained[tag + i]!;
    return difference === 0;
  }

  /** @returns end of the last block */
  #fillLastBlock(bytes: Uint8Array, length: number): number {
    const messageEnd = MESSAGE_START + length;
    const missing = length === 0 ? BLOCK : -length & (BLOCK - 1);
    const end = messageEnd + missing;
    if (missing > 0) {
      bytes[messageEnd] = 0x80;
      bytes.fill(0, messageEnd + 1, end);
    }
    xorBlock(bytes, end - BLOCK, missing > 0 ? this.#filledMask : this.#wholeMask);
    return end;
  }
}

function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', key, null);
  cipher.setAutoPadding(false);
  return Uint8Array.from(cipher.update(block));
}

function double(block: Uint8Array): Uint8Array {
  const doubled = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7));
  if (block[0]! & 0x80) doubled[BLOCK - 1]! ^= 0x87;
  return doubled;
}

function xorBlock(bytes: Uint8Array, offset: number, block: Uint8Array): void {
  for (let i = 0; i < BLOCK; i++) bytes[offset + i]! ^= block[i]!;
}
