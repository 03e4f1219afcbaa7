import { readFileSync } from 'node:fs';
import { repoPath } from '../../repo-root.js';

/** A whole ESP packet: `data[espOffset .. end)`. */
export interface EspPacket {
  readonly data: Uint8Array;
  readonly spi: number;
  readonly espOffset: number;
  readonly end: number;
  /** Bytes of the AH in front of it, 0 if there is none. */
  readonly ahBytes: number;
}

/**
 * The unfragmented ESP packets of a bundled capture (microsecond pcap, little endian, Ethernet), and a packet without ESP
 * behind an AH with `spi` -1. As simple as it can be, so that tests of `ipsec/` need no decoder.
 */
export function espPacketsOf(capture: string): EspPacket[] {
  const data = readFileSync(repoPath(capture));
  const packets: EspPacket[] = [];
  for (let record = 24; record < data.length; record += 16 + data.readUInt32LE(record + 8)) {
    const packet = espPacketAt(data, record + 16 + 14);
    if (packet !== null) packets.push(packet);
  }
  return packets;
}

function espPacketAt(data: Buffer, ip: number): EspPacket | null {
  const isIpv6 = data[ip]! >> 4 === 6;
  if (!isIpv6 && (data[ip]! >> 4 !== 4 || (data.readUInt16BE(ip + 6) & 0x3fff) !== 0)) return null;
  let protocol = data[ip + (isIpv6 ? 6 : 9)]!;
  let offset = ip + (isIpv6 ? 40 : 20);
  const end = isIpv6 ? offset + data.readUInt16BE(ip + 4) : ip + data.readUInt16BE(ip + 2);
  let ahBytes = 0;
  if (protocol === 51) {
    ahBytes = (data[offset + 1]! + 2) * 4;
    protocol = data[offset]!;
    offset += ahBytes;
  }
  if (protocol === 17 && data.readUInt16BE(offset) === 4500) {
    offset += 8;
    protocol = 50;
  }
  if (protocol !== 50) return ahBytes > 0 ? { data, spi: -1, espOffset: offset, end, ahBytes } : null;
  return { data, spi: data.readUInt32BE(offset), espOffset: offset, end, ahBytes };
}
