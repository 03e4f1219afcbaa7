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

/**
 * Addresses with wildcards as Wireshark's SA table writes them: a plain address, `*`, `10.*.0.1`, `3ffe::*` (a group of its
 * own), `fd09::1*` (one hexadecimal digit), `10.9.0.0/16`.
 * @returns undefined if the text is none of these; null for `*`: any address
 */
export function parseAddressPattern(text: string, family: 4 | 6): AddressPattern | null | undefined {
  if (text === '*') return null;
  const [address = '', prefixText] = text.split('/');
  const parsed = family === 4 ? parseIpv4Pattern(address) : parseIpv6Pattern(address);
  if (parsed === undefined || prefixText === undefined) return parsed;
  const prefixBits = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (!(prefixBits <= parsed.bytes.length * 8)) return undefined;
  for (let i = 0; i < parsed.mask.length; i++) {
    const bits = Math.min(8, Math.max(0, prefixBits - i * 8));
    parsed.mask[i]! &= (0xff00 >> bits) & 0xff;
    parsed.bytes[i]! &= parsed.mask[i]!;
  }
  return parsed;
}

function parseIpv4Pattern(text: string): AddressPattern | undefined {
  const octets = text.split('.');
  if (!isIPv4(octets.map((octet) => (octet === '*' ? '0' : octet)).join('.'))) return undefined;
  return {
    family: 4,
    bytes: Uint8Array.from(octets, (octet) => (octet === '*' ? 0 : Number(octet))),
    mask: Uint8Array.from(octets, (octet) => (octet === '*' ? 0 : 0xff)),
  };
}

function parseIpv6Pattern(text: string): AddressPattern | undefined {
  const values = text.replace(/%.*$/, '').replaceAll('*', '0');
  if (!isIPv6(values)) return undefined;
  const wildcards = text.split(':').map((group) => {
    if (group === '*') return 'ffff';
    return group.includes('.') ? group : group.replace(/[^*]/g, '0').replaceAll('*', 'f');
  });
  const masked = wildcards.join(':');
  const mask = isIPv6(masked) ? parseIpv6(masked) : new Uint8Array(16);
  if (text.includes('.')) mask.fill(0, 12);
  return { family: 6, bytes: parseIpv6(values), mask: mask.map((byte) => ~byte) };
}

/**
 * The text that `parseAddressPattern` reads, with `*` for what does not count.
 * @returns null if the mask cuts through an IPv4 octet or an IPv6 digit
 */
export function formatAddressPattern(address: AddressPattern | null): string | null {
  if (address === null || isAnyAddress(address)) return '*';
  if (isSingleAddress(address)) return formatIpAddress(address);
  if (address.family === 4) {
    if (!address.mask.every((byte) => byte === 0 || byte === 0xff)) return null;
    return Array.from(address.bytes, (byte, i) => (address.mask[i] === 0 ? '*' : String(byte))).join('.');
  }
  const digits = Array.from({ length: 32 }, (_, i) => {
    const shift = i % 2 === 0 ? 4 : 0;
    const mask = (address.mask[i >> 1]! >> shift) & 0xf;
    if (mask !== 0 && mask !== 0xf) return null;
    return mask === 0 ? '*' : ((address.bytes[i >> 1]! >> shift) & 0xf).toString(16);
  });
  if (digits.includes(null)) return null;
  return Array.from({ length: 8 }, (_, i) => digits.slice(i * 4, i * 4 + 4).join('')).join(':');
}
