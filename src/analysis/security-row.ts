import type { PacketBatch } from '../packet/packet-batch.js';
import { ipHeaderBytes, isIpInIp } from './ip-header.js';

const ESP = 50;

/**
 * Protocol number behind the AH or ESP header `header` of the batch.
 * @returns -1 if it is not known: closed ESP
 */
export function nextHeaderOf(batch: PacketBatch, header: number): number {
  const { security } = batch;
  const { data } = batch.block;
  if (security.protocol[header] !== ESP) return data[security.offset[header]!]!;
  if (security.opened[header] === 0) return -1;
  return data[security.end[header]! - security.icvBytes[header]! - 1]!;
}

/** Bytes of IP header that tunnel mode put around what row `row` carries: one IP header for each tunnel, 0 if none. */
export function tunnelBytesOf(batch: PacketBatch, row: number): number {
  const { security } = batch;
  let bytes = 0;
  for (let header = batch.securityStart[row]!; header < batch.securityStart[row + 1]!; header++) {
    if (!isIpInIp(nextHeaderOf(batch, header))) continue;
    bytes += ipHeaderBytes(batch.block.data, security.ipOffset[header]!);
  }
  return bytes;
}
