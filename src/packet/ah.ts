import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { MAX_SECURITY_HEADERS, PacketError, PacketFlag } from './packet-batch.js';

/*
 *  0             1            2          4     8          12
 *  | next header | length - 2 | reserved | SPI | sequence | ICV + padding       (RFC 4302 section 2; length in words)
 */
export const AH_FIXED_BYTES = 12;
export const IPPROTO_AH = 51;

/** AH. Its ICV is checked before anything behind it is decrypted, because it covers the cipher text. */
export function decodeAh(c: Cursor): number {
  // Set even if the header turns out bad: the packet claims to be protected and is no clear traffic.
  c.flags |= PacketFlag.ah;
  if (!c.has(AH_FIXED_BYTES, ErrorLayer.ah)) return Next.stop;
  const { data, view, offset, batch } = c;
  const bytes = (data[offset + 1]! + 2) * 4;
  const there = c.end - offset;
  if (bytes < AH_FIXED_BYTES) return c.lengthError(ErrorLayer.ah, AH_FIXED_BYTES, bytes);
  if (bytes > there) return c.lengthError(ErrorLayer.ah, bytes, there);
  if (c.securityFull)
    return c.fail(PacketError.nesting, ErrorLayer.ah, MAX_SECURITY_HEADERS, MAX_SECURITY_HEADERS + 1);
  const nextHeader = data[offset]!;
  batch.protocol[c.row] = nextHeader;

  const { security } = batch;
  const i = security.count++;
  security.row[i] = c.row;
  security.protocol[i] = IPPROTO_AH;
  security.ipOffset[i] = c.ipOffset;
  security.offset[i] = offset;
  security.end[i] = c.end;
  security.spi[i] = view.getUint32(offset + 4);
  security.sequence[i] = view.getUint32(offset + 8);
  security.icvBytes[i] = Math.min(bytes - AH_FIXED_BYTES, 255);
  security.integrity[i] =
    c.opener !== null && c.end <= c.limit ? c.opener.verifyAh(data, c.ipOffset, offset, c.end) : 0;
  c.take(Layer.ah, bytes);
  return nextHeader;
}
