import { hashBytes } from '../packet/byte-hash.js';
import { LinkType } from '../packet/link.js';
import type { PacketBatch } from '../packet/packet-batch.js';

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
