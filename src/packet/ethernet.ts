import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';

/*
 *  0        6        12         14
 *  | dst    | src    | type     | ...            IEEE 802.3
 *                    | 8100 TCI | type           IEEE 802.1Q, 802.1ad: any number of tags
 */

export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  qinq: 0x88a8,
  qinqOld: 0x9100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
} as const;

const HEADER_BYTES = 14;
const VLAN_TAG_BYTES = 4;
const MPLS_LABEL_BYTES = 4;
const PPPOE_HEADER_BYTES = 6;
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/** Ethernet with whatever tags and labels stand before the network layer. */
export function decodeEthernet(c: Cursor): number {
  if (!c.has(HEADER_BYTES, ErrorLayer.ethernet)) return Next.stop;
  const type = c.view.getUint16(c.offset + 12);
  c.take(c.linkLayer, HEADER_BYTES);
  return followEtherType(c, type);
}

/** What an EtherType announces. */
export function followEtherType(c: Cursor, etherType: number): number {
  let type = etherType;
  while (type === EtherType.vlan || type === EtherType.qinq || type === EtherType.qinqOld) {
    if (!c.countHeader() || !c.has(VLAN_TAG_BYTES, ErrorLayer.vlan)) return Next.stop;
    type = c.view.getUint16(c.offset + 2);
    c.take(c.linkLayer, VLAN_TAG_BYTES);
  }
  switch (type) {
    case EtherType.ipv4:
      return Next.ipv4;
    case EtherType.ipv6:
      return Next.ipv6;
    case EtherType.arp:
      return Next.arp;
    case EtherType.mpls:
    case EtherType.mplsMulticast:
      return decodeMpls(c);
    case EtherType.pppoeSession:
      return decodePppoe(c);
    default:
      return c.takeRest(Layer.other);
  }
}

/** MPLS label stack (RFC 3032). What follows is told by the first nibble, as routers do (RFC 4928). */
function decodeMpls(c: Cursor): number {
  let bottom = false;
  while (!bottom) {
    if (!c.countHeader() || !c.has(MPLS_LABEL_BYTES, ErrorLayer.mpls)) return Next.stop;
    bottom = (c.data[c.offset + 2]! & 1) === 1;
    c.take(c.linkLayer, MPLS_LABEL_BYTES);
  }
  if (!c.has(1, ErrorLayer.mpls)) return Next.stop;
  const version = c.data[c.offset]! >> 4;
  if (version === 4) return Next.ipv4;
  if (version === 6) return Next.ipv6;
  return c.takeRest(Layer.other);
}

/** PPPoE session (RFC 2516) with the PPP protocol field behind it. */
function decodePppoe(c: Cursor): number {
  if (!c.has(PPPOE_HEADER_BYTES + 2, ErrorLayer.pppoe)) return Next.stop;
  const versionAndType = c.data[c.offset]!;
  if (versionAndType !== 0x11) return c.valueError(ErrorLayer.pppoe, versionAndType);
  const length = c.view.getUint16(c.offset + 4);
  const there = c.end - c.offset - PPPOE_HEADER_BYTES;
  if (length < 2 || length > there) return c.lengthError(ErrorLayer.pppoe, Math.max(length, 2), there);
  const protocol = c.view.getUint16(c.offset + PPPOE_HEADER_BYTES);
  c.shrink(c.offset + PPPOE_HEADER_BYTES + length, c.linkLayer);
  c.take(c.linkLayer, PPPOE_HEADER_BYTES + 2);
  if (protocol === PPP_IPV4) return Next.ipv4;
  if (protocol === PPP_IPV6) return Next.ipv6;
  return c.takeRest(Layer.other);
}
