/** Unsigned 16-bit integer. */
export function readUint16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

/** Unsigned 32-bit integer. */
export function readUint32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

/** Unsigned 64-bit integer; exact up to 2^53, and rounded beyond, where no size or offset of a real guest lies. */
export function readUint64(data: Uint8Array, at: number): number {
  return readUint32(data, at) * 0x1_0000_0000 + readUint32(data, at + 4);
}
