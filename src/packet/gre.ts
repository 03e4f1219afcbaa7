import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { followEtherType } from './ethernet.js';
import { Layer } from './layers.js';

/*
 *  0              2
 *  | C R K S..ver | protocol | [checksum, reserved] | [key] | [sequence]      (RFC 2784, RFC 2890)
 */
const FIXED_BYTES = 4;
const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const VERSION = 0x0007;
const TRANSPARENT_ETHERNET = 0x6558;

/** GRE version 0. Version 1 (PPTP, RFC 2637) and source routing (RFC 1701) are not followed. */
export function decodeGre(c: Cursor): number {
  if (!c.has(FIXED_BYTES, ErrorLayer.gre)) return Next.stop;
  const flags = c.view.getUint16(c.offset);
  const protocol = c.view.getUint16(c.offset + 2);
  if ((flags & (VERSION | ROUTING)) !== 0) return c.takeRest(Layer.other);
  let bytes = FIXED_BYTES;
  if ((flags & CHECKSUM) !== 0) bytes += 4;
  if ((flags & KEY) !== 0) bytes += 4;
  if ((flags & SEQUENCE) !== 0) bytes += 4;
  if (!c.has(bytes, ErrorLayer.gre)) return Next.stop;
  c.take(Layer.other, bytes);
  c.linkLayer = Layer.other;
  if (protocol === TRANSPARENT_ETHERNET) return Next.ethernet;
  return followEtherType(c, protocol);
}
