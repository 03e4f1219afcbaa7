import { isIPv4, isIPv6 } from 'node:net';

/**
 * An IPv4 or IPv6 address of which only the bits set in `mask` count. Plain data: structured-cloneable.
 * A full mask is a plain address.
 */
export interface AddressPattern {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** As long as `bytes`. */
  readonly mask: Uint8Array;
}

/**
 * Bytes of an address in text form; IPv6 zones (`%eth0`) are dropped.
 * @returns null if the text is no address
 */
export function parseIpAddress(text: string): AddressPattern | null {
  if (isIPv4(text)) return pattern(4, Uint8Array.from(text.split('.'), Number));
  const address = text.replace(/%.*$/, '');
  return isIPv6(address) ? pattern(6, parseIpv6(address)) : null;
}

function pattern(family: 4 | 6, bytes: Uint8Array): AddressPattern {
  return { family, bytes, mask: new Uint8Array(bytes.length).fill(0xff) };
}

/** @param text valid IPv6 text (RFC 4291 section 2.2) */
function parseIpv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const left = ipv6Groups(head);
  const right = tail === undefined ? [] : ipv6Groups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(left, 0);
  bytes.set(right, 16 - right.length);
  return bytes;
}

function ipv6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** True if every bit of the mask is set: one single address. */
export function isSingleAddress(address: AddressPattern): boolean {
  return address.mask.every((byte) => byte === 0xff);
}

/** True if no bit counts: any address of the family. */
export function isAnyAddress(address: AddressPattern): boolean {
  return address.mask.every((byte) => byte === 0);
}

/** True if the address at `offset` of `data` matches. The caller has checked that it lies inside `data`. */
export function matchesAddress(address: AddressPattern, data: Uint8Array, offset: number): boolean {
  const { bytes, mask } = address;
  for (let i = 0; i < bytes.length; i++) {
    if (((data[offset + i]! ^ bytes[i]!) & mask[i]!) !== 0) return false;
  }
  return true;
}

/** Text of a single address: dotted, or IPv6 as RFC 5952 writes it. Masked bits are shown as they are stored. */
export function formatIpAddress(address: AddressPattern): string {
  if (address.family === 4) return address.bytes.join('.');
  return compressIpv6(address.bytes);
}

function compressIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
