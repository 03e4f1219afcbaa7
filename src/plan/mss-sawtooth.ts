import { pathMtu, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import type { ProtectionStack } from '../ipsec/protection-stack.js';
import { datagramBytes, packetCost, paddingOf } from './packet-cost.js';
import { costSegments, datagramMtu, MAX_DATAGRAM_BYTES } from './transfer.js';

/** What a full segment of one MSS costs. */
export interface MssPoint {
  readonly mssBytes: number;
  /** Ethernet frame without check sequence; of a segment that is fragmented, all its frames. */
  readonly frameBytes: number;
  readonly paddingBytes: number;
  /** Payload / `frameBytes`, 0 to 1. */
  readonly efficiency: number;
  /** Whether Linux would send it: the segment is within the path MTU. */
  readonly fits: boolean;
  /** The packet does not fit the link in one piece. */
  readonly fragmented: boolean;
}

/**
 * Efficiency of full segments for each MSS in [fromMss, toMss]. Within a cipher block every further byte of payload takes
 * the place of a byte of padding; the next one opens a new block and costs a whole one: a saw-tooth. Behind the largest that
 * fits the link it falls: each segment takes headers for another fragment. MSSs beyond what an IP packet holds are left out.
 * @throws RangeError as `pathMtu`, and if the range is empty or starts below 1
 */
export function mssSawtooth(
  stack: ProtectionStack,
  linkMtuBytes: number,
  fromMss: number,
  toMss: number,
  family: 4 | 6 = 4,
  tcpOptionBytes: number = TCP_TIMESTAMP_BYTES,
): MssPoint[] {
  if (!Number.isInteger(fromMss) || !Number.isInteger(toMss) || fromMss < 1 || toMss < fromMss) {
    throw new RangeError(
      `MSS ${fromMss} to ${toMss}: give two whole numbers, the smaller one first, from 1 on`,
    );
  }
  const largest = tcpMss(pathMtu(stack, family, linkMtuBytes), family, tcpOptionBytes);
  const cost = packetCost(stack, family, tcpOptionBytes);
  const mtuBytes = datagramMtu(stack, linkMtuBytes);
  let last = toMss;
  while (last >= fromMss && datagramBytes(cost, last) > MAX_DATAGRAM_BYTES) last--;
  return Array.from({ length: last - fromMss + 1 }, (_, i) => {
    const mssBytes = fromMss + i;
    const { wireBytes, fragmented } = costSegments(cost, mtuBytes, mssBytes, mssBytes);
    return {
      mssBytes,
      frameBytes: wireBytes,
      paddingBytes: paddingOf(cost, mssBytes),
      efficiency: mssBytes / wireBytes,
      fits: mssBytes <= largest,
      fragmented,
    };
  });
}
