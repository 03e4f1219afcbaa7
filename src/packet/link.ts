import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { decodeEthernet, followEtherType } from './ethernet.js';
import { PacketError } from './packet-batch.js';

/** LINKTYPE_ values with a decoder (https://www.tcpdump.org/linktypes.html). */
export const LinkType = {
  bsdLoopback: 0,
  ethernet: 1,
  /** Raw IP as some systems number it. */
  rawBsd: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
  linuxCooked2: 276,
} as const;

const COOKED_BYTES = 16;
const COOKED2_BYTES = 20;
const LOOPBACK_BYTES = 4;
const AF_INET = 2;
/** AF_INET6 of NetBSD/OpenBSD, FreeBSD, Darwin, Linux. */
const AF_INET6 = [24, 28, 30, 10];

/** The link header of a frame. */
export function decodeLink(c: Cursor, linkType: number): number {
  switch (linkType) {
    case LinkType.ethernet:
      return decodeEthernet(c);
    case LinkType.linuxCooked:
      return decodeCooked(c, COOKED_BYTES, 14);
    case LinkType.linuxCooked2:
      return decodeCooked(c, COOKED2_BYTES, 0);
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
      return decodeRaw(c);
    case LinkType.ipv4:
      return Next.ipv4;
    case LinkType.ipv6:
      return Next.ipv6;
    case LinkType.bsdLoopback:
    case LinkType.loop:
      return decodeLoopback(c);
    default:
      return c.fail(PacketError.linkType, ErrorLayer.frame, 0, linkType);
  }
}

/** Linux cooked v1 (protocol in bytes 14-15) and v2 (in bytes 0-1). */
function decodeCooked(c: Cursor, headerBytes: number, protocolAt: number): number {
  if (!c.has(headerBytes, ErrorLayer.cooked)) return Next.stop;
  const type = c.view.getUint16(c.offset + protocolAt);
  c.take(c.linkLayer, headerBytes);
  return followEtherType(c, type);
}

/** Raw IP: the version nibble tells which. */
function decodeRaw(c: Cursor): number {
  if (!c.has(1, ErrorLayer.frame)) return Next.stop;
  const version = c.data[c.offset]! >> 4;
  if (version === 4) return Next.ipv4;
  if (version === 6) return Next.ipv6;
  return c.valueError(ErrorLayer.frame, version);
}

/** BSD loopback: an address family in the byte order of the machine that captured (NULL) or of the network (LOOP). */
function decodeLoopback(c: Cursor): number {
  if (!c.has(LOOPBACK_BYTES, ErrorLayer.loopback)) return Next.stop;
  const bigEndian = c.view.getUint32(c.offset);
  const family = bigEndian <= 0xffff ? bigEndian : c.view.getUint32(c.offset, true);
  if (family === AF_INET) {
    c.take(c.linkLayer, LOOPBACK_BYTES);
    return Next.ipv4;
  }
  if (AF_INET6.includes(family)) {
    c.take(c.linkLayer, LOOPBACK_BYTES);
    return Next.ipv6;
  }
  return c.valueError(ErrorLayer.loopback, family);
}
