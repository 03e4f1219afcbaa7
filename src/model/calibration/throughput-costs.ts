import { pathMtu, tcpMss } from '../../ipsec/path-mtu.js';
import { parseAhSuite, parseEspSuite } from '../../ipsec/suite.js';
import { stackOf } from '../../plan/rows.js';
import type { PacketCosts } from './calibration.js';

/** TCP throughput of one connection, processor-bound, at two link MTUs; transport mode, IPv4, MSS from the path MTU. */
export interface MeasuredThroughput {
  /** strongSwan's name; null: none. */
  readonly esp: string | null;
  readonly ah: string | null;
  readonly points: readonly { readonly mtu: number; readonly mbps: number }[];
}

/**
 * Acknowledgements for each segment where one core does everything: 583 for 3653 segments in captures/migration/ms-gcm-1500, 593 for
 * 3371 in ms-clear-1500.
 */
const ACKS_PER_SEGMENT = 1 / 6;
/** Packets that are handled for each segment: itself, sent and received, and so much of an acknowledgement. */
const PACKETS_PER_SEGMENT = 2 * (1 + ACKS_PER_SEGMENT);
/** Bytes of payload are handled by the sender and by the receiver. */
const SIDES = 2;

/**
 * Costs of one packet and of one byte in one direction, from the throughput between two hosts that share one core: in the time of a
 * segment the core sends and receives it, and sends and receives a sixth of an acknowledgement. Sending and receiving cannot
 * be told apart so, and are taken as equal.
 * @returns costs of TCP with the suite; those of TCP in the clear must be taken off
 */
export function costsOfThroughput(measured: MeasuredThroughput): PacketCosts {
  const [small, large] = measured.points.map(({ mtu, mbps }) => {
    const mss = mssAt(measured, mtu);
    return { mss, segmentNs: (mss * 8000) / mbps };
  });
  if (small === undefined || large === undefined || small.mss === large.mss) {
    throw new RangeError('give throughput at two MTUs');
  }
  const byteNs = (large.segmentNs - small.segmentNs) / (large.mss - small.mss);
  const packetNs = small.segmentNs - byteNs * small.mss;
  return { packetNs: packetNs / PACKETS_PER_SEGMENT, byteNs: byteNs / SIDES };
}

function mssAt({ esp, ah }: MeasuredThroughput, mtu: number): number {
  const stack = stackOf({
    esp: esp === null ? null : parseEspSuite(esp),
    ah: ah === null ? null : parseAhSuite(ah),
    mode: 'transport',
  });
  return tcpMss(pathMtu(stack, 4, mtu), 4);
}

/** @param factor for a machine that is slower */
export function minus(costs: PacketCosts, clear: PacketCosts, factor = 1): PacketCosts {
  return {
    packetNs: Math.max(0, costs.packetNs - clear.packetNs) * factor,
    byteNs: Math.max(0, costs.byteNs - clear.byteNs) * factor,
  };
}
