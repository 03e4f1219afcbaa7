import type { HostCosts } from '../channel.js';
import type { EventLanes } from './event-lanes.js';
import { PacketRing } from './packet-ring.js';
import type { SegmentOutput } from './tcp-sender.js';

/** Segments that one processor sends: it takes them one after the other, and each then stands before the link. */
export class SegmentLane implements SegmentOutput {
  /** In the order in which they reach the link. */
  readonly ring = new PacketRing();
  /** When the processor is done with what it was given. */
  cursorNs = 0;
  readonly #lanes: EventLanes;
  readonly #lane: number;
  readonly #packetNs: number;
  readonly #byteNs: number;
  readonly #segmentsByLength: Float64Array;

  /** @param segmentsByLength counted here: what the host sends */
  constructor(costs: HostCosts, lanes: EventLanes, lane: number, segmentsByLength: Float64Array) {
    this.#packetNs = costs.sendPacketNs;
    this.#byteNs = costs.sendByteNs;
    this.#lanes = lanes;
    this.#lane = lane;
    this.#segmentsByLength = segmentsByLength;
  }

  emit(connection: number, segment: number, payloadBytes: number): number {
    const startNs = this.cursorNs;
    this.cursorNs = startNs + this.#packetNs + this.#byteNs * payloadBytes;
    if (this.ring.size === 0) this.#lanes.set(this.#lane, this.cursorNs);
    this.ring.push(this.cursorNs, connection, segment, payloadBytes);
    this.#segmentsByLength[payloadBytes]!++;
    return startNs;
  }

  /** The first reached the link. */
  drop(): void {
    this.ring.drop();
    this.#lanes.set(this.#lane, this.ring.timeNs);
  }
}
