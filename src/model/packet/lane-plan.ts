const SHARED_LANES = 3;
const LANES_PER_CONNECTION = 5;

/** What the lanes of a transfer are for. At equal times the order below decides. */
export const LaneKind = {
  /** A segment that softirq sent reaches the link. */
  softirqSegment: 0,
  /** Softirq at the destination is done with a segment. */
  destinationSoftirq: 1,
  /** Softirq at the source is done with an acknowledgement. */
  sourceSoftirq: 2,
  /** Of a connection: a step of the thread that writes to it. */
  writer: 3,
  /** A segment that the thread sent reaches the link. */
  writerSegment: 4,
  /** A timer of the sender. */
  senderTimer: 5,
  /** A delayed acknowledgement is due. */
  delayedAck: 6,
  /** The thread that reads from it. */
  reader: 7,
} as const;

export function laneCount(connections: number): number {
  return SHARED_LANES + LANES_PER_CONNECTION * connections;
}

/** @param connection 0 for kinds that all connections share */
export function laneOf(kind: number, connection: number): number {
  return kind < SHARED_LANES ? kind : kind + LANES_PER_CONNECTION * connection;
}

/** What each lane is for, and whose it is: two tables with an entry for each lane. */
export function lanePlan(connections: number): { kinds: Uint8Array; connections: Uint16Array } {
  const kinds = new Uint8Array(laneCount(connections));
  const owners = new Uint16Array(kinds.length);
  for (let lane = 0; lane < kinds.length; lane++) {
    const beyond = lane - SHARED_LANES;
    kinds[lane] = beyond < 0 ? lane : SHARED_LANES + (beyond % LANES_PER_CONNECTION);
    owners[lane] = beyond < 0 ? 0 : Math.trunc(beyond / LANES_PER_CONNECTION);
  }
  return { kinds, connections: owners };
}
