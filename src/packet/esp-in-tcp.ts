import { type Cursor, Next } from './cursor.js';
import { ESP_HEADER_BYTES, ESP_TRAILER_BYTES, noteEsp } from './esp.js';
import { IKE_HEADER_BYTES } from './ike.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 * ESP and IKE in TCP (RFC 9329): the stream starts with "IKETCP", then each message has a 16-bit length in front which
 * counts itself; four zero bytes behind it announce IKE. A packet is recognised alone, without the stream around it:
 * messages have to fill the segment exactly. A segment that holds the middle of a message stays TCP payload.
 */
const LENGTH_BYTES = 2;
const NON_ESP_MARKER_BYTES = 4;
const MIN_ESP_BYTES = 12;
const NAT_TRAVERSAL_PORT = 4500;
const STREAM_PREFIX = [0x49, 0x4b, 0x45, 0x54, 0x43, 0x50];

/** Does the segment behind the TCP header at `tcpOffset`, the cursor at its payload, consist of whole messages? */
export function looksLikeEspInTcp(c: Cursor, tcpOffset: number): boolean {
  const { view } = c;
  const ports = view.getUint32(tcpOffset);
  if (ports >>> 16 !== NAT_TRAVERSAL_PORT && (ports & 0xffff) !== NAT_TRAVERSAL_PORT) return false;
  if (c.end > c.limit) return false;
  let at = skipStreamPrefix(c);
  if (at === c.end) return at > c.offset;
  while (at < c.end) {
    const bytes = messageBytes(c, at);
    if (bytes === 0) return false;
    at += bytes;
  }
  return true;
}

/** The messages of one segment: headers and sizes are noted; what an opened ESP packet carries is not followed. */
export function decodeEspInTcp(c: Cursor): number {
  c.flags |= PacketFlag.tcpEncap;
  c.take(Layer.other, skipStreamPrefix(c) - c.offset);
  const segmentEnd = c.end;
  while (c.offset < segmentEnd) {
    const messageEnd = c.offset + messageBytes(c, c.offset);
    c.take(Layer.other, LENGTH_BYTES);
    if (c.view.getUint32(c.offset) === 0) {
      c.flags |= PacketFlag.ike;
      c.take(Layer.other, NON_ESP_MARKER_BYTES);
      c.take(Layer.payload, messageEnd - c.offset);
    } else {
      c.end = messageEnd;
      takeEspMessage(c);
      c.end = segmentEnd;
    }
  }
  return Next.stop;
}

function takeEspMessage(c: Cursor): void {
  const opened = !c.securityFull && noteEsp(c, false);
  c.take(Layer.espHeader, ESP_HEADER_BYTES);
  if (!opened) {
    c.takeRest(Layer.espOpaque);
    return;
  }
  const { ivBytes, icvBytes, padBytes } = c.opener!;
  const payloadBytes = c.end - c.offset - ivBytes - padBytes - ESP_TRAILER_BYTES - icvBytes;
  c.take(Layer.espIv, ivBytes);
  c.take(Layer.payload, payloadBytes);
  c.take(Layer.espPadding, padBytes);
  c.take(Layer.espTrailer, ESP_TRAILER_BYTES);
  c.take(Layer.espIcv, icvBytes);
}

function skipStreamPrefix(c: Cursor): number {
  if (c.end - c.offset < STREAM_PREFIX.length) return c.offset;
  for (let i = 0; i < STREAM_PREFIX.length; i++) {
    if (c.data[c.offset + i] !== STREAM_PREFIX[i]) return c.offset;
  }
  return c.offset + STREAM_PREFIX.length;
}

/** Bytes of the message at `at`, its length field included; 0 if there is no whole plausible message. */
function messageBytes(c: Cursor, at: number): number {
  if (at + LENGTH_BYTES + MIN_ESP_BYTES > c.end) return 0;
  const bytes = c.view.getUint16(at);
  if (bytes < LENGTH_BYTES + MIN_ESP_BYTES || at + bytes > c.end) return 0;
  const isIke = c.view.getUint32(at + LENGTH_BYTES) === 0;
  if (isIke && bytes < LENGTH_BYTES + NON_ESP_MARKER_BYTES + IKE_HEADER_BYTES) return 0;
  return bytes;
}
