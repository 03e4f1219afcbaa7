/** Room in front of the message: the inner block of an HMAC goes there (RFC 2104; SHA-512 has the longest, 128 bytes). */
export const MESSAGE_START = 128;
/** Room behind it: a block cipher's MAC fills up the last block. */
const TAIL_BYTES = 16;

/**
 * Where the input of a MAC is put together before it is computed: authenticated bytes rarely lie side by side in a packet
 * (ESN high half, cleared mutable fields), and one call into node:crypto costs more than copying a packet. One for all SAs.
 *
 * The message lies at `bytes[MESSAGE_START .. MESSAGE_START + length)`. A MAC may overwrite it.
 */
export class MacMessage {
  bytes: Uint8Array = new Uint8Array(MESSAGE_START + 65_536 + TAIL_BYTES);
  /** Bytes of the message so far. */
  length = 0;

  /** Forgets the message and makes room for one of up to `capacity` bytes. */
  start(capacity: number): void {
    const needed = MESSAGE_START + capacity + TAIL_BYTES;
    if (this.bytes.length < needed) this.bytes = new Uint8Array(needed);
    this.length = 0;
  }

  /** Appends `data[from, to)`. */
  append(data: Uint8Array, from: number, to: number): void {
    this.bytes.set(data.subarray(from, to), MESSAGE_START + this.length);
    this.length += to - from;
  }

  /** Appends a 32-bit number in network order. */
  appendUint32(value: number): void {
    writeUint32(this.bytes, MESSAGE_START + this.length, value);
    this.length += 4;
  }
}

/** Puts a 32-bit number down in network order. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** A 32-bit number in network order. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}
