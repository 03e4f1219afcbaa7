import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 *  0      2       4     5     6     8          (RFC 826)
 *  | htype | ptype | hlen| plen| oper| sha spa tha tpa
 */
const FIXED_BYTES = 8;

/** ARP; Ethernet padding behind it belongs to the link. */
export function decodeArp(c: Cursor): number {
  if (!c.has(FIXED_BYTES, ErrorLayer.arp)) return Next.stop;
  c.flags |= PacketFlag.arp;
  const length = FIXED_BYTES + 2 * (c.data[c.offset + 4]! + c.data[c.offset + 5]!);
  const there = c.end - c.offset;
  if (length > there) return c.lengthError(ErrorLayer.arp, length, there);
  c.shrink(c.offset + length, c.linkLayer);
  return c.takeRest(Layer.other);
}

/** An ARP message between IPv4 addresses on a link with 6-byte addresses. */
export interface ArpMessage {
  /** 1 request, 2 reply; anything else there may be. */
  operation: number;
  /** Offsets of the addresses: 6 bytes, 4 bytes, 4 bytes. */
  senderMac: number;
  senderIp: number;
  targetIp: number;
}

const MAC_BYTES = 6;
const IPV4_BYTES = 4;
const PROTOCOL_IPV4 = 0x0800;

/**
 * Reads the ARP message at `offset`. For rare rows: it allocates.
 * @returns null if it is not all before `end`, or for other addresses
 */
export function readArp(data: Uint8Array, offset: number, end: number): ArpMessage | null {
  if (offset + FIXED_BYTES + 2 * (MAC_BYTES + IPV4_BYTES) > end) return null;
  if (data[offset + 4] !== MAC_BYTES || data[offset + 5] !== IPV4_BYTES) return null;
  if (((data[offset + 2]! << 8) | data[offset + 3]!) !== PROTOCOL_IPV4) return null;
  const senderMac = offset + FIXED_BYTES;
  return {
    operation: (data[offset + 6]! << 8) | data[offset + 7]!,
    senderMac,
    senderIp: senderMac + MAC_BYTES,
    targetIp: senderMac + MAC_BYTES + IPV4_BYTES + MAC_BYTES,
  };
}
