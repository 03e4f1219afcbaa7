import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 *  0      1      2          4                          8
 *  | type | code | checksum | id, sequence / MTU / ... | data or the packet that caused it   (RFC 792, RFC 4443)
 */
export const ICMP_HEADER_BYTES = 8;
export const IPPROTO_ICMP = 1;
export const IPPROTO_ICMPV6 = 58;
const UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
const V6_PACKET_TOO_BIG = 2;

/** ICMP and ICMPv6. */
export function decodeIcmp(c: Cursor, protocol: number): number {
  if (!c.has(ICMP_HEADER_BYTES, ErrorLayer.icmp)) return Next.stop;
  const { batch, row, data, offset } = c;
  const type = data[offset]!;
  c.flags |= PacketFlag.icmp;
  const tooBig =
    protocol === IPPROTO_ICMP
      ? type === UNREACHABLE && data[offset + 1] === FRAGMENTATION_NEEDED
      : type === V6_PACKET_TOO_BIG;
  if (tooBig) c.flags |= PacketFlag.packetTooBig;
  batch.transportOffset[row] = offset;
  c.take(Layer.transport, ICMP_HEADER_BYTES);
  batch.payloadOffset[row] = c.offset;
  batch.payloadLength[row] = c.end - c.offset;
  return c.takeRest(Layer.payload);
}

/** MTU that a packet-too-big message names: 16 bits in ICMP (RFC 1191), 32 in ICMPv6 (RFC 4443 section 3.2). */
export function packetTooBigMtu(data: Uint8Array, transportOffset: number, isV6: boolean): number {
  const low = (data[transportOffset + 6]! << 8) | data[transportOffset + 7]!;
  if (!isV6) return low;
  return ((data[transportOffset + 4]! << 24) | (data[transportOffset + 5]! << 16) | low) >>> 0;
}
