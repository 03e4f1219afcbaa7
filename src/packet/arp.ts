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
