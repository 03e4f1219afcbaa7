const SHARED_LANES = 4;
const LANES_PER_CONNECTION = 5;

/** What the lanes of a transfer are for. At equal times the order below decides. */
export const LaneKind = {
  /** A segment that softirq sent reaches the link. */
  softirqSegment: 0,
  /** Softirq at the destination is done with a segment. */
  destinationSoftirq: 1,
  /** Softirq at the source is done with an acknowledgement. */
  sourceSoftirq: 2,
  /** A sender's own device has sent packets that kept segments waiting. */
  device: 3,
  /** Of a connection: a step of the thread that writes to it. */
  writer: 4,
  /** A segment that the thread sent reaches the link. */
  writerSegment: 5,
  /** A timer of the sender. */
  senderTimer: 6,
  /** A delayed acknowledgement is due. */
  delayedAck: 7,
  /** The thread that reads from it. */
  reader: 8,
} as const;

export function laneCount(connections: number): number {
  return SHARED_LANES + LANES_PER_CONNECTION * connections;
}

/** @param connection 0 for kinds that all connections share */
export function laneOf(kind: number, connection: number): number {
  return kind < SHARED_LANES ? kind : kind + LANES_PER_CONNECTION * connection;
}

export function kindOf(lane: number): number {
  return lane < SHARED_LANES ? lane : SHARED_LANES + ((lane - SHARED_LANES) % LANES_PER_CONNECTION);
}

/** Of a lane that belongs to one. */
export function connectionOf(lane: number): number {
  return Math.trunc((lane - SHARED_LANES) / LANES_PER_CONNECTION);
}
