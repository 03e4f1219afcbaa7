/**
 * What one TCP segment of any length costs behind a stack, as a formula.
 *
 * Theory of operation: headers, IVs and ICVs do not depend on the length, and every rounding in a stack is to a power of two.
 * Nested roundings of that kind collapse into one: the frame grows by `alignBytes` at a time, the largest of the stack's
 * alignments. So two numbers say it all: how much a frame without padding adds, and where the steps are. Both are read off
 * `stackSizes` at set-up; a property test holds the formula against `stackSizes` for every suite, mode and length.
 */
import { TCP_HEADER_BYTES } from '../ipsec/path-mtu.js';
import {
  ETHERNET_HEADER_BYTES,
  familiesAlong,
  isCarrier,
  MIN_FRAME_BYTES,
  type ProtectionStack,
  type StackSizes,
  stackSizes,
} from '../ipsec/protection-stack.js';
import { emptyTotals, type LayerTotals, PLAN_LAYERS } from './layer-totals.js';

export interface PacketCost {
  readonly family: 4 | 6;
  /** Behind the stack. */
  readonly outerFamily: 4 | 6;
  readonly tcpOptionBytes: number;
  /** Everything in a frame but payload and padding, by owner. */
  readonly fixed: LayerTotals;
  /** Sum of `fixed`. */
  readonly fixedBytes: number;
  /** Payload + padding + `phaseBytes` is a multiple of this; 1 without ESP. */
  readonly alignBytes: number;
  readonly phaseBytes: number;
  /** Padding that is there at every length: in ESP around ESP. */
  readonly constantPadBytes: number;
}

/**
 * @param linkHeaderBytes Ethernet's 14 unless told
 * @throws RangeError as `stackSizes`
 */
export function packetCost(
  stack: ProtectionStack,
  family: 4 | 6,
  tcpOptionBytes: number,
  linkHeaderBytes = ETHERNET_HEADER_BYTES,
): PacketCost {
  const sizesOf = (payloadBytes: number): StackSizes =>
    stackSizes(
      { family, transportHeaderBytes: TCP_HEADER_BYTES + tcpOptionBytes, payloadBytes },
      stack,
      linkHeaderBytes,
    );
  const aligns = stack.map((step) =>
    !isCarrier(step) && step.suite.protocol === 'esp' ? step.suite.alignBytes : 1,
  );
  const alignBytes = Math.max(1, ...aligns);
  let edge = 0;
  while (alignBytes > 1 && sizesOf(edge + 1).total === sizesOf(edge).total) edge++;
  const sizes = sizesOf(edge);
  const fixed = emptyTotals();
  for (const layer of PLAN_LAYERS) fixed[layer] = sizes[layer];
  fixed.payload = 0;
  fixed.espPadding = 0;
  return {
    family,
    outerFamily: familiesAlong(stack, family).at(-1)!,
    tcpOptionBytes,
    fixed,
    fixedBytes: sizes.total - edge - sizes.espPadding,
    alignBytes,
    phaseBytes: (alignBytes - (edge % alignBytes)) % alignBytes,
    constantPadBytes: sizes.espPadding,
  };
}

/** ESP padding of a segment. */
export function paddingOf(cost: PacketCost, payloadBytes: number): number {
  const rest = (payloadBytes + cost.phaseBytes) % cost.alignBytes;
  return cost.constantPadBytes + (rest === 0 ? 0 : cost.alignBytes - rest);
}

/** Frame of a segment as its sender's capture holds it: not filled up, without check sequence. */
export function bareFrameBytes(cost: PacketCost, payloadBytes: number): number {
  return cost.fixedBytes + payloadBytes + paddingOf(cost, payloadBytes);
}

/** Frame of a segment, filled up to Ethernet's 60 bytes, without check sequence. */
export function frameBytes(cost: PacketCost, payloadBytes: number): number {
  return Math.max(MIN_FRAME_BYTES, bareFrameBytes(cost, payloadBytes));
}

/** The IP datagram of a segment. */
export function datagramBytes(cost: PacketCost, payloadBytes: number): number {
  return bareFrameBytes(cost, payloadBytes) - cost.fixed.link;
}
