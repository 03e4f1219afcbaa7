import { ICMP_HEADER_BYTES, IPPROTO_ICMP, IPPROTO_ICMPV6 } from './icmp.js';
import { IPPROTO_TCP } from './tcp.js';

/*
 *  0                8                                                    (RFC 792, RFC 4443)
 *  | ICMP header    | beginning of the packet that the message is about
 *
 *  A redirect names the router to use from now on: in ICMP in bytes 4-7, in ICMPv6 behind the header, before the destination it
 *  is for (RFC 4861 section 4.5); the packet is in option 4 there.
 */
const REDIRECT = 5;
const V6_REDIRECT = 137;
const V6_REDIRECT_BYTES = ICMP_HEADER_BYTES + 32;
const REDIRECTED_HEADER = 4;
const REDIRECTED_HEADER_BYTES = 8;
const IPPROTO_UDP = 17;

/** Beginning of a packet that an ICMP message is about. Offsets are into the data it was read from. */
export interface QuotedPacket {
  isV6: boolean;
  /** Offsets of the addresses. */
  source: number;
  destination: number;
  protocol: number;
  /** By its own header, IP header included. */
  totalBytes: number;
  /** IPv4: Don't Fragment; IPv6 is never fragmented on the way. */
  dontFragment: boolean;
  /** TCP and UDP: both ports as one big-endian word; else, or if they were not captured, null. */
  ports: number | null;
  /** TCP: sequence number; else, or if it was not captured, null. */
  sequence: number | null;
}

/**
 * Reads the packet at `at`. For rare rows: it allocates.
 * @returns null if its IP header does not end before `end`
 */
export function readQuoted(data: Uint8Array, at: number, end: number): QuotedPacket | null {
  if (at + 20 > end) return null;
  const isV6 = data[at]! >> 4 === 6;
  const headerBytes = isV6 ? 40 : (data[at]! & 15) * 4;
  if ((!isV6 && data[at]! >> 4 !== 4) || headerBytes < 20 || at + headerBytes > end) return null;
  const protocol = isV6 ? data[at + 6]! : data[at + 9]!;
  const transport = at + headerBytes;
  const hasPorts = (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) && transport + 8 <= end;
  const isFirst = isV6 || (readUint16(data, at + 6) & 0x1fff) === 0;
  return {
    isV6,
    source: isV6 ? at + 8 : at + 12,
    destination: isV6 ? at + 24 : at + 16,
    protocol,
    totalBytes: isV6 ? 40 + readUint16(data, at + 4) : readUint16(data, at + 2),
    dontFragment: isV6 || (data[at + 6]! & 0x40) !== 0,
    ports: hasPorts && isFirst ? readInt32(data, transport) : null,
    sequence: hasPorts && isFirst && protocol === IPPROTO_TCP ? readInt32(data, transport + 4) : null,
  };
}

/** A message to send packets to a destination by way of another router. */
export interface RedirectMessage {
  /** Offset of the router's address. */
  gateway: number;
  addressBytes: 4 | 16;
  quoted: QuotedPacket | null;
}

/**
 * Reads the ICMP message at `icmp`. For rare rows: it allocates.
 * @returns null if it is no redirect, or not all there
 */
export function readRedirect(
  data: Uint8Array,
  icmp: number,
  end: number,
  protocol: number,
): RedirectMessage | null {
  if (protocol === IPPROTO_ICMP && data[icmp] === REDIRECT) {
    const quoted = readQuoted(data, icmp + ICMP_HEADER_BYTES, end);
    return { gateway: icmp + 4, addressBytes: 4, quoted };
  }
  if (protocol !== IPPROTO_ICMPV6 || data[icmp] !== V6_REDIRECT || icmp + V6_REDIRECT_BYTES > end)
    return null;
  const options = icmp + V6_REDIRECT_BYTES;
  return {
    gateway: icmp + ICMP_HEADER_BYTES,
    addressBytes: 16,
    quoted: readRedirectedHeader(data, options, end),
  };
}

function readRedirectedHeader(data: Uint8Array, options: number, end: number): QuotedPacket | null {
  let at = options;
  while (at + 8 <= end) {
    const units = data[at + 1]!;
    if (units === 0) return null;
    if (data[at] === REDIRECTED_HEADER) return readQuoted(data, at + REDIRECTED_HEADER_BYTES, end);
    at += units * 8;
  }
  return null;
}

function readUint16(data: Uint8Array, at: number): number {
  return (data[at]! << 8) | data[at + 1]!;
}

function readInt32(data: Uint8Array, at: number): number {
  return (readUint16(data, at) << 16) | readUint16(data, at + 2);
}
