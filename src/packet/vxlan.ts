import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';

/*
 *  0       1          4     7
 *  | flags | reserved | VNI | reserved |      (RFC 7348 section 5; flag I = 0x08)
 */
export const VXLAN_PORT = 4789;
/** Default of Linux's driver when no port is given. */
export const VXLAN_PORT_LINUX = 8472;
const UDP_HEADER_BYTES = 8;
const VXLAN_BYTES = 8;
const VNI_PRESENT = 0x08;

/** UDP and VXLAN header, an Ethernet frame behind them. All that is not inner IP belongs to `other`. */
export function decodeVxlan(c: Cursor): number {
  if (!c.has(UDP_HEADER_BYTES + VXLAN_BYTES, ErrorLayer.vxlan)) return Next.stop;
  const flags = c.data[c.offset + UDP_HEADER_BYTES]!;
  if ((flags & VNI_PRESENT) === 0) return c.takeRest(Layer.other);
  c.linkLayer = Layer.other;
  c.take(Layer.other, UDP_HEADER_BYTES + VXLAN_BYTES);
  return Next.ethernet;
}
