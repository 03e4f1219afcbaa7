import { inspect } from 'node:util';

/**
 * Secret bytes that cannot be printed by accident: `console.log`, `util.inspect`, template strings and `JSON.stringify` show
 * the length alone, and `structuredClone` drops them. Only `bytes()` gives them out.
 */
export class KeyMaterial {
  readonly #bytes: Uint8Array;

  /** @param bytes copied, so that the caller may wipe its own */
  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The secret itself, for cryptography and key files alone. Not a copy. */
  bytes(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return `[secret: ${this.#bytes.length} bytes]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
