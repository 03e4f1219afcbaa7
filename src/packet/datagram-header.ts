import { type DatagramSlot, MAX_DATAGRAM_BYTES } from './datagram-slot.js';
import { internetChecksum } from './ip-checksum.js';
import type { PacketBatch } from './packet-batch.js';

const IPV6_HEADER_BYTES = 40;

/** Keeps the IP header of the first fragment, in `row`: of IPv6 what stands before the fragment header. */
export function keepHeader(slot: DatagramSlot, batch: PacketBatch, row: number, isV6: boolean): void {
  if (slot.headerBytes > 0) return;
  const { data } = batch.block;
  const ip = batch.ipOffset[row]!;
  const header = batch.fragmentOffset[row]!;
  if (!isV6) {
    slot.putHeader(data, ip, ip + (data[ip]! & 15) * 4);
    return;
  }
  slot.putHeader(data, ip, header);
  slot.nextHeader = data[header]!;
  slot.nextHeaderAt = lastNextHeaderAt(data, ip, header) - ip;
}

/** Offset of the next-header byte of what stands right before the fragment header. */
function lastNextHeaderAt(data: Uint8Array, ip: number, fragmentHeader: number): number {
  let at = ip + 6;
  let extension = ip + IPV6_HEADER_BYTES;
  while (extension < fragmentHeader) {
    at = extension;
    extension += (data[extension + 1]! + 1) * 8;
  }
  return at;
}

/** Makes the header at the start of `data` that of a whole datagram of `totalBytes`. */
export function mendHeader(data: Uint8Array, slot: DatagramSlot, totalBytes: number): void {
  if (slot.header[0]! >> 4 === 6) {
    writeUint16(data, 4, Math.min(totalBytes - IPV6_HEADER_BYTES, MAX_DATAGRAM_BYTES));
    data[slot.nextHeaderAt] = slot.nextHeader;
    return;
  }
  writeUint16(data, 2, Math.min(totalBytes, MAX_DATAGRAM_BYTES));
  writeUint16(data, 6, 0);
  writeUint16(data, 10, 0);
  writeUint16(data, 10, internetChecksum(data, 0, slot.headerBytes));
}

function writeUint16(data: Uint8Array, offset: number, value: number): void {
  data[offset] = value >> 8;
  data[offset + 1] = value;
}
