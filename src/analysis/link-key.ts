import { LinkType } from '../packet/link.js';
import type { PacketBatch } from '../packet/packet-batch.js';

/** FNV-1a over `data[start..end)`. */
export function hashBytes(data: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ data[i]!, 0x01000193);
  return value >>> 0;
}

/**
 * What two frames share that came over the same link from the same neighbour: a hash of the MAC addresses, or of packet
 * type, interface and address in cooked captures. 0 where the link has no addresses.
 */
export function linkKey(batch: PacketBatch, row: number): number {
  const { block } = batch;
  const start = block.offset[row]!;
  const captured = block.capturedLength[row]!;
  switch (block.linkType[row]) {
    case LinkType.ethernet:
      return captured < 12 ? 0 : hashBytes(block.data, start, start + 12);
    case LinkType.linuxCooked:
      return captured < 14 ? 0 : hashBytes(block.data, start, start + 14);
    case LinkType.linuxCooked2:
      return captured < 20 ? 0 : hashBytes(block.data, start + 4, start + 20);
    default:
      return 0;
  }
}
