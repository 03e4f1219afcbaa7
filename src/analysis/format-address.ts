import { formatIpAddress } from '../ipsec/ip-address.js';

/** Text of an address: dotted (4 bytes), or IPv6 as RFC 5952 writes it (16 bytes, network order). */
export function formatAddress(bytes: Uint8Array): string {
  return formatIpAddress({ family: bytes.length === 4 ? 4 : 6, bytes, mask: bytes });
}

/** Text of the address in `words`, big-endian 32-bit words, from `at` on: one word is IPv4, four are IPv6. */
export function formatAddressWords(words: Int32Array, at: number, count: 1 | 4): string {
  const bytes = new Uint8Array(count * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setInt32(i * 4, words[at + i]!);
  return formatAddress(bytes);
}
