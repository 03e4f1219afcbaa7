import type { Channel } from '../channel.js';
import type { FrameSizes } from './frame-sizes.js';
import type { LossProcess } from './loss-process.js';
import { PacketRing, unrolled } from './packet-ring.js';
import { START_NS } from './start.js';

/**
 * The link of the data direction: one server at the link's rate, before it a queue that drops what finds it full (tail
 * drop), behind it random loss and half the round trip.
 *
 * Theory of operation: packets enter in the order of time, so each packet's beginning and end are known when it enters
 * (Lindley 1952: begin = max(arrival, end of the one before)); how many wait is how many have a begin still to come. The packet on the
 * wire does not count as waiting. Fragments of a datagram take places in the queue one by one; one fragment lost is the datagram lost.
 */
export class BottleneckLink {
  /** Segments that come through, at the time they reach the destination. */
  readonly arrivals = new PacketRing();
  busyNs = START_NS;
  freeNs = START_NS;
  /** Packets that found the queue full. */
  queueDrops = 0;
  /** Packets lost behind it. */
  randomDrops = 0;
  /** Segments that did not arrive, for whichever reason. */
  lostSegments = 0;

  readonly #sizes: FrameSizes;
  readonly #losses: LossProcess;
  readonly #nsPerByte: number;
  readonly #propagationNs: number;
  readonly #queuePackets: number;
  #beginNs = new Float64Array(256);
  #head = 0;
  #waiting = 0;
  #lastNs = START_NS;

  constructor(channel: Channel, sizes: FrameSizes, losses: LossProcess) {
    this.#sizes = sizes;
    this.#losses = losses;
    this.#nsPerByte = 8e9 / channel.linkBps;
    this.#propagationNs = channel.rttNs / 2;
    this.#queuePackets = channel.queuePackets;
  }

  /** Times must not decrease from call to call. */
  enter(nowNs: number, connection: number, segment: number, payloadBytes: number): void {
    if (nowNs < this.#lastNs) throw new Error(`a segment of ${nowNs} ns comes after one of ${this.#lastNs}`);
    this.#lastNs = nowNs;
    this.#forgetBegun(nowNs);
    const packets = this.#sizes.packets(payloadBytes);
    const serviceNs = this.#sizes.lineBytes(payloadBytes) * this.#nsPerByte;
    const arrives =
      packets === 1 ? this.#enterPacket(nowNs, serviceNs) : this.#enterFragments(nowNs, serviceNs, packets);
    if (arrives) this.arrivals.push(this.freeNs + this.#propagationNs, connection, segment, payloadBytes);
    else this.lostSegments++;
  }

  #enterPacket(nowNs: number, serviceNs: number): boolean {
    const isIdle = this.freeNs <= nowNs;
    if (!isIdle && this.#waiting >= this.#queuePackets) {
      this.queueDrops++;
      return false;
    }
    const beginNs = isIdle ? nowNs : this.freeNs;
    if (!isIdle) this.#wait(beginNs);
    this.freeNs = beginNs + serviceNs;
    this.busyNs += serviceNs;
    if (!this.#losses.next()) return true;
    this.randomDrops++;
    return false;
  }

  /** All count as equally long: they are but for the last, and nothing happens between them. */
  #enterFragments(nowNs: number, serviceNs: number, packets: number): boolean {
    let areThrough = true;
    for (let fragment = 0; fragment < packets; fragment++) {
      if (!this.#enterPacket(nowNs, serviceNs / packets)) areThrough = false;
    }
    return areThrough;
  }

  #forgetBegun(nowNs: number): void {
    const begins = this.#beginNs;
    while (this.#waiting > 0 && begins[this.#head]! <= nowNs) {
      this.#head = (this.#head + 1) & (begins.length - 1);
      this.#waiting--;
    }
  }

  #wait(beginNs: number): void {
    if (this.#waiting === this.#beginNs.length) {
      this.#beginNs = unrolled(this.#beginNs, this.#head);
      this.#head = 0;
    }
    this.#beginNs[(this.#head + this.#waiting) & (this.#beginNs.length - 1)] = beginNs;
    this.#waiting++;
  }
}
