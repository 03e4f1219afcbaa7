import type { HostCosts } from '../channel.js';
import type { BottleneckLink } from './bottleneck-link.js';
import type { EventLanes } from './event-lanes.js';
import { PacketRing } from './packet-ring.js';
import { START_NS } from './start.js';
import type { SegmentOutput } from './tcp-sender.js';

/**
 * Segments that one processor sends: it takes them one after the other, and each then enters the link.
 *
 * Several processors' segments have to be brought into the order of time: each is an event. The segments of a single connection are in
 * order when they are sent, because its processors exclude each other by its socket lock, and enter the link at once.
 */
export class SegmentLane implements SegmentOutput {
  /** When the processor is done with what it was given. */
  cursorNs = START_NS;
  readonly #link: BottleneckLink;
  readonly #isAlone: boolean;
  /** In the order in which they reach the link. */
  readonly #ring = new PacketRing();
  readonly #lanes: EventLanes;
  readonly #lane: number;
  readonly #packetNs: number;
  readonly #byteNs: number;
  readonly #segmentsByLength: Float64Array;

  /**
   * @param isAlone there is one connection
   * @param segmentsByLength counted here: what the host sends
   */
  constructor(
    costs: HostCosts,
    link: BottleneckLink,
    isAlone: boolean,
    lanes: EventLanes,
    lane: number,
    segmentsByLength: Float64Array,
  ) {
    this.#packetNs = costs.sendPacketNs;
    this.#byteNs = costs.sendByteNs;
    this.#link = link;
    this.#isAlone = isAlone;
    this.#lanes = lanes;
    this.#lane = lane;
    this.#segmentsByLength = segmentsByLength;
  }

  emit(connection: number, segment: number, payloadBytes: number): number {
    const startNs = this.cursorNs;
    this.cursorNs = startNs + this.#packetNs + this.#byteNs * payloadBytes;
    this.#segmentsByLength[payloadBytes]!++;
    if (this.#isAlone) {
      this.#link.enter(this.cursorNs, connection, segment, payloadBytes);
    } else {
      if (this.#ring.size === 0) this.#lanes.set(this.#lane, this.cursorNs);
      this.#ring.push(this.cursorNs, connection, segment, payloadBytes);
    }
    return startNs;
  }

  /** The lane fires: the first segment is at the link. */
  proceed(nowNs: number): void {
    const ring = this.#ring;
    this.#link.enter(nowNs, ring.connection, ring.segment, ring.payloadBytes);
    ring.drop();
    this.#lanes.set(this.#lane, ring.timeNs);
  }
}
