import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { stopAtFragment } from './ipv4.js';
import { Layer } from './layers.js';

/*
 *  0                 4                6             7           8      24
 *  | ver|class|label | payload length | next header | hop limit | src  | dst      (RFC 8200)
 */
const HEADER_BYTES = 40;
const FRAGMENT_HEADER_BYTES = 8;

/** Extension headers that share the shape next header, length in 8-byte units without the first. */
export const Ipv6Extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  noNextHeader: 59,
  destinationOptions: 60,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;

/** The fixed IPv6 header; extension headers are steps of their own, because AH and ESP stand among them. */
export function decodeIpv6(c: Cursor): number {
  if (!c.has(HEADER_BYTES, ErrorLayer.ipv6)) return Next.stop;
  const { data, view, offset } = c;
  const version = data[offset]! >> 4;
  if (version !== 6) return c.valueError(ErrorLayer.ipv6, version);
  const there = c.end - offset - HEADER_BYTES;
  const nextHeader = data[offset + 6]!;
  let payloadBytes = view.getUint16(offset + 4);
  // 0 with something behind it is a jumbogram (RFC 2675) or a frame that segmentation offload has still to cut.
  if (payloadBytes === 0 && nextHeader !== Ipv6Extension.noNextHeader) payloadBytes = there;
  if (payloadBytes > there) return c.lengthError(ErrorLayer.ipv6, payloadBytes, there);

  const outermost = c.ipHeaders === 0;
  c.enterIp(true);
  c.shrink(offset + HEADER_BYTES + payloadBytes, outermost ? c.linkLayer : Layer.other);
  c.batch.protocol[c.row] = nextHeader;
  c.take(c.ipLayer, HEADER_BYTES);
  return nextHeader;
}

/** Hop-by-hop, routing, destination options, mobility, HIP, shim6: all have the same shape. */
export function decodeIpv6Extension(c: Cursor): number {
  if (!c.has(8, ErrorLayer.ipv6Extension)) return Next.stop;
  const nextHeader = c.data[c.offset]!;
  const bytes = (c.data[c.offset + 1]! + 1) * 8;
  const there = c.end - c.offset;
  if (bytes > there) return c.lengthError(ErrorLayer.ipv6Extension, bytes, there);
  c.batch.protocol[c.row] = nextHeader;
  c.take(c.ipLayer, bytes);
  return nextHeader;
}

/**
 * Fragment header:  | next header | reserved | offset:13, res:2, M:1 | identification |
 * An atomic fragment (offset 0, no more; RFC 6946) is a whole datagram.
 */
export function decodeIpv6Fragment(c: Cursor): number {
  if (!c.has(FRAGMENT_HEADER_BYTES, ErrorLayer.fragment)) return Next.stop;
  const header = c.offset;
  const nextHeader = c.data[header]!;
  const field = c.view.getUint16(header + 2);
  c.batch.protocol[c.row] = nextHeader;
  c.take(c.ipLayer, FRAGMENT_HEADER_BYTES);
  if ((field & 0xfff9) === 0) return nextHeader;
  return stopAtFragment(c, header, field >> 3 === 0);
}
