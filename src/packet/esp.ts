import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { MAX_SECURITY_HEADERS, PacketError, PacketFlag } from './packet-batch.js';

/*
 *  0     4          8
 *  | SPI | sequence | IV | payload | padding | pad length | next header | ICV        (RFC 4303 section 2)
 */
export const ESP_HEADER_BYTES = 8;
export const ESP_TRAILER_BYTES = 2;
/** Header and trailer: RFC 4303 aligns the trailer's end to 4 bytes, so nothing shorter exists. */
const MIN_BYTES = 12;
export const IPPROTO_ESP = 50;

/** ESP that has the rest of the surrounding payload. With a key it is opened and what is inside follows. */
export function decodeEsp(c: Cursor, inUdp: boolean): number {
  // Set even if the header turns out bad: the packet claims to be protected and is no clear traffic.
  c.flags |= PacketFlag.esp;
  const there = c.end - c.offset;
  if (there < MIN_BYTES) return c.lengthError(ErrorLayer.esp, MIN_BYTES, there);
  if (!c.has(ESP_HEADER_BYTES, ErrorLayer.esp)) return Next.stop;
  if (c.securityFull)
    return c.fail(PacketError.nesting, ErrorLayer.esp, MAX_SECURITY_HEADERS, MAX_SECURITY_HEADERS + 1);
  const opened = noteEsp(c, inUdp);
  c.batch.protocol[c.row] = IPPROTO_ESP;
  c.take(Layer.espHeader, ESP_HEADER_BYTES);
  if (!opened) return c.takeRest(Layer.espOpaque);

  const opener = c.opener!;
  const { ivBytes, icvBytes, padBytes, nextHeader } = opener;
  c.charge(Layer.espIcv, icvBytes);
  c.charge(Layer.espTrailer, ESP_TRAILER_BYTES);
  c.charge(Layer.espPadding, padBytes);
  c.end -= icvBytes + ESP_TRAILER_BYTES + padBytes;
  c.limit = c.end;
  c.take(Layer.espIv, ivBytes);
  c.batch.protocol[c.row] = nextHeader;
  return nextHeader;
}

/** Adds the ESP at the cursor to the security headers, opening it if that is possible. @returns whether it is open */
export function noteEsp(c: Cursor, inUdp: boolean): boolean {
  const { batch, offset, view, opener } = c;
  const { security } = batch;
  const i = security.count++;
  c.flags |= PacketFlag.esp;
  security.row[i] = c.row;
  security.protocol[i] = IPPROTO_ESP;
  security.ipOffset[i] = c.ipOffset;
  security.offset[i] = offset;
  security.end[i] = c.end;
  security.spi[i] = view.getUint32(offset);
  security.sequence[i] = view.getUint32(offset + 4);
  if (inUdp) security.udpEncap[i] = 1;
  if (opener === null || c.end > c.limit) return false;
  const opened = opener.openEsp(c.data, c.ipOffset, offset, c.end);
  security.integrity[i] = opener.integrity;
  if (!opened) return false;
  c.flags |= PacketFlag.decrypted;
  security.opened[i] = 1;
  security.ivBytes[i] = opener.ivBytes;
  security.icvBytes[i] = opener.icvBytes;
  security.padBytes[i] = opener.padBytes;
  return true;
}
