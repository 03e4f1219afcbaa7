import { type Cursor, ErrorLayer, Next } from './cursor.js';
import { Layer } from './layers.js';
import { PacketFlag } from './packet-batch.js';

/*
 *  0               8               16             17        18         19      20           24
 *  | initiator SPI | responder SPI | next payload | version | exchange | flags | message id | length |
 *  (RFC 2408 section 3.1, RFC 7296 section 3.1)
 */
export const IKE_HEADER_BYTES = 28;

/** An IKE header as it stands in the packet. */
export interface IkeHeader {
  /** 1 or 2. */
  majorVersion: number;
  minorVersion: number;
  exchangeType: number;
  flags: number;
  messageId: number;
  /** Bytes of the whole message. */
  length: number;
}

/** IKE behind a UDP header or a non-ESP marker: all of it is payload. */
export function decodeIke(c: Cursor): number {
  const there = c.end - c.offset;
  if (!c.has(IKE_HEADER_BYTES, ErrorLayer.ike)) return Next.stop;
  const version = c.data[c.offset + 17]!;
  if (version >> 4 !== 1 && version >> 4 !== 2) return c.valueError(ErrorLayer.ike, version);
  const length = c.view.getUint32(c.offset + 24);
  if (length < IKE_HEADER_BYTES) return c.lengthError(ErrorLayer.ike, IKE_HEADER_BYTES, length);
  if (length > there) return c.lengthError(ErrorLayer.ike, length, there);
  c.flags |= PacketFlag.ike;
  c.batch.payloadOffset[c.row] = c.offset;
  c.batch.payloadLength[c.row] = length;
  c.take(Layer.payload, length);
  return c.takeRest(Layer.other);
}

/** Parses the IKE header at `offset`. @returns null if it does not fit into `data` */
export function parseIkeHeader(data: Uint8Array, offset: number): IkeHeader | null {
  if (offset + IKE_HEADER_BYTES > data.length) return null;
  const view = new DataView(data.buffer, data.byteOffset + offset, IKE_HEADER_BYTES);
  const version = view.getUint8(17);
  return {
    majorVersion: version >> 4,
    minorVersion: version & 15,
    exchangeType: view.getUint8(18),
    flags: view.getUint8(19),
    messageId: view.getUint32(20),
    length: view.getUint32(24),
  };
}
