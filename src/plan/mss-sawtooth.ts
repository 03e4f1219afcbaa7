import { pathMtu, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import type { ProtectionStack } from '../ipsec/protection-stack.js';
import { frameBytes, packetCost, paddingOf } from './packet-cost.js';

/** What a full segment of one MSS costs. */
export interface MssPoint {
  readonly mssBytes: number;
  /** Ethernet frame without check sequence. */
  readonly frameBytes: number;
  readonly paddingBytes: number;
  /** Payload / frame, 0 to 1. */
  readonly efficiency: number;
  /** Whether Linux would send it: the segment is within the path MTU. */
  readonly fits: boolean;
}

/**
 * Efficiency of full segments for each MSS in [fromMss, toMss]. Within a cipher block every further byte of payload takes
 * the place of a byte of padding; the next one opens a new block and costs a whole one: a saw-tooth.
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
  return Array.from({ length: toMss - fromMss + 1 }, (_, i) => {
    const mssBytes = fromMss + i;
    const bytes = frameBytes(cost, mssBytes);
    return {
      mssBytes,
      frameBytes: bytes,
      paddingBytes: paddingOf(cost, mssBytes),
      efficiency: mssBytes / bytes,
      fits: mssBytes <= largest,
    };
  });
}
