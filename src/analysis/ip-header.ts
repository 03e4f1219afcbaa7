/** Does an IPv6 header stand at `offset`? */
export function isIpv6At(data: Uint8Array, offset: number): boolean {
  return data[offset]! >> 4 === 6;
}

/** Bytes of the IP header at `offset`, IPv6 extension headers not counted. */
export function ipHeaderBytes(data: Uint8Array, offset: number): number {
  return isIpv6At(data, offset) ? 40 : (data[offset]! & 15) * 4;
}

/**
 * Protocol of the payload of the IP header at `offset`, IPv6 extension headers passed over as far as they lie before
 * `end`.
 */
export function ipProtocol(data: Uint8Array, offset: number, end: number): number {
  if (!isIpv6At(data, offset)) return data[offset + 9]!;
  let next = data[offset + 6]!;
  let at = offset + 40;
  while ((next === 0 || next === 43 || next === 60) && at + 2 <= end) {
    next = data[at]!;
    at += (data[at + 1]! + 1) * 8;
  }
  return next;
}

/** Is this protocol number an IP header: IPv4 or IPv6 in a tunnel? */
export function isIpInIp(protocol: number): boolean {
  return protocol === 4 || protocol === 41;
}
