import { readFileSync } from 'node:fs';

/** Where AH and ESP lie in the frames of a capture. */
export interface SecurityPacket {
  readonly frameNumber: number;
  /** One frame. */
  readonly data: Uint8Array;
  readonly ipOffset: number;
  /** First header behind IP (and behind UDP 4500). */
  readonly offset: number;
  /** 50 or 51. */
  readonly protocol: number;
  readonly end: number;
}

/**
 * A walk through a little-endian Ethernet pcap file, as short as can be: IPv4 and IPv6 without extension headers, ESP in
 * UDP 4500; fragments are passed over. Written apart from the decoder so that errors of one do not hide in the other.
 */
export function walkSecurityPackets(path: string): SecurityPacket[] {
  const file = readFileSync(path);
  const packets: SecurityPacket[] = [];
  let frameNumber = 0;
  for (let at = 24; at + 16 <= file.length; ) {
    const captured = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + 16, at + 16 + captured);
    at += 16 + captured;
    frameNumber++;
    const found = findSecurityHeader(frame);
    if (found !== null) packets.push({ frameNumber, data: frame, ...found });
  }
  return packets;
}

function findSecurityHeader(frame: Buffer): Omit<SecurityPacket, 'frameNumber' | 'data'> | null {
  const ipOffset = 14;
  const etherType = frame.readUInt16BE(12);
  if (etherType === 0x86dd) {
    const end = ipOffset + 40 + frame.readUInt16BE(ipOffset + 4);
    return behindIp(frame, ipOffset, ipOffset + 40, frame[ipOffset + 6]!, end);
  }
  if (etherType !== 0x0800 || (frame.readUInt16BE(ipOffset + 6) & 0x3fff) !== 0) return null;
  const offset = ipOffset + (frame[ipOffset]! & 0x0f) * 4;
  return behindIp(frame, ipOffset, offset, frame[ipOffset + 9]!, ipOffset + frame.readUInt16BE(ipOffset + 2));
}

function behindIp(frame: Buffer, ipOffset: number, offset: number, protocol: number, end: number) {
  if (protocol === 50 || protocol === 51) return { ipOffset, offset, protocol, end };
  if (protocol !== 17 || frame.readUInt16BE(offset + 2) !== 4500) return null;
  if (end - offset < 16 || frame.readUInt32BE(offset + 8) === 0) return null;
  return { ipOffset, offset: offset + 8, protocol: 50, end };
}
