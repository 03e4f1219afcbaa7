import { formatAddress } from '../analysis/format-address.js';

const SLOTS = 4096;

/**
 * Text of the addresses in packets. Few addresses make up most traffic: those seen last are remembered, so that a packet
 * costs a lookup.
 */
export class AddressText {
  readonly #keys: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #texts: string[] = new Array(SLOTS).fill('');

  /** @param byteLength 4 or 16; the bytes lie inside `data` */
  at(data: Uint8Array, offset: number, byteLength: 4 | 16): string {
    let hash: number = byteLength;
    for (let i = 0; i < byteLength; i++) hash = (Math.imul(hash, 31) + data[offset + i]!) | 0;
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const key = this.#keys[slot];
    if (key !== undefined && isSame(key, data, offset, byteLength)) return this.#texts[slot]!;
    const bytes = data.slice(offset, offset + byteLength);
    const text = formatAddress(bytes);
    this.#keys[slot] = bytes;
    this.#texts[slot] = text;
    return text;
  }
}

function isSame(key: Uint8Array, data: Uint8Array, offset: number, byteLength: number): boolean {
  if (key.length !== byteLength) return false;
  for (let i = 0; i < byteLength; i++) if (key[i] !== data[offset + i]) return false;
  return true;
}
