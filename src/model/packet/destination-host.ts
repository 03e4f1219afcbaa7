import type { Channel } from '../channel.js';
import { DeliveryRing } from './delivery-ring.js';
import type { EventLanes } from './event-lanes.js';
import type { FrameSizes } from './frame-sizes.js';
import { HostProcessors } from './host-processors.js';
import { LaneKind, laneOf } from './lane-plan.js';
import { AckRing, type PacketRing, Sacked } from './packet-ring.js';
import { START_NS } from './start.js';
import { TcpReceiver } from './tcp-receiver.js';

/** QEMU reads its stream in pieces of this size (migration/qemu-file.c: IO_BUF_SIZE). */
const READ_BYTES = 32_768;

/**
 * The destination: softirq takes packets off the link and acknowledges, QEMU's threads read what is in order and work on it.
 *
 * Theory of operation: the lane of softirq holds the completion of the first packet that waits; a packet's work begins when
 * it is there and the one before it is done, with its acknowledgement. A thread that nothing can interrupt and that has read all there
 * is needs no event: when it is ready again is a sum. Only a thread that falls behind, or is in doubt, has its lane set.
 */
export class DestinationHost {
  readonly processors: HostProcessors;
  readonly receivers: TcpReceiver[] = [];
  readonly deliveries: DeliveryRing[] = [];
  /** Acknowledgements, at the time they reach the source. */
  readonly acks = new AckRing();
  acknowledgements = 0;
  deliveredBytes = 0;
  /** When the last of them are worked off, as far as that is known. */
  deliveredNs = START_NS;

  readonly #lanes: EventLanes;
  readonly #arrivals: PacketRing;
  readonly #rttOf: (connection: number) => number;
  readonly #receivePacketNs: number;
  readonly #receiveByteNs: number;
  readonly #sendAckNs: number;
  readonly #ackLineNs: number;
  readonly #propagationNs: number;
  #ackLinkFreeNs = START_NS;
  /** 1: the thread of the connection works and its lane says until when. */
  readonly #isReading: Uint8Array;
  /** Without processors of its own: what the thread works on. */
  readonly #workedBytes: Float64Array;

  /** @param arrivals what the link delivers; the host empties it */
  constructor(
    channel: Channel,
    sizes: FrameSizes,
    connections: number,
    lanes: EventLanes,
    arrivals: PacketRing,
    rttOf: (connection: number) => number,
  ) {
    const { destination } = channel;
    this.#lanes = lanes;
    this.#arrivals = arrivals;
    this.#rttOf = rttOf;
    this.#receivePacketNs = destination.receivePacketNs;
    this.#receiveByteNs = destination.receiveByteNs;
    this.#sendAckNs = destination.sendPacketNs;
    this.#ackLineNs = (sizes.lineBytes(0) * 8e9) / channel.linkBps;
    this.#propagationNs = channel.rttNs / 2;
    this.#isReading = new Uint8Array(connections);
    this.#workedBytes = new Float64Array(connections);
    this.processors = new HostProcessors(destination, connections, lanes, (thread) =>
      laneOf(LaneKind.reader, thread),
    );
    for (let connection = 0; connection < connections; connection++) {
      this.receivers.push(new TcpReceiver(channel.mssBytes));
      this.deliveries.push(new DeliveryRing());
    }
  }

  /** When softirq begins with the first packet that waits. */
  get nextStartNs(): number {
    return Math.max(this.#arrivals.timeNs, this.processors.softirqFreeNs);
  }

  /** Sets the lane of softirq; to be called when the first packet has changed. */
  schedule(): void {
    const workNs = this.#receivePacketNs + this.#receiveByteNs * this.#arrivals.payloadBytes;
    const startNs = this.nextStartNs;
    this.#lanes.set(LaneKind.destinationSoftirq, startNs + workNs);
    if (this.processors.isShared) this.processors.foresee(startNs);
  }

  /** Softirq is done with the first packet. */
  receive(nowNs: number): void {
    const arrivals = this.#arrivals;
    const { connection, segment, payloadBytes } = arrivals;
    const startNs = this.nextStartNs;
    arrivals.drop();
    const receiver = this.receivers[connection]!;
    const readableBytes = receiver.take(segment, payloadBytes);
    this.processors.softirq(startNs, nowNs);
    const sacked = receiver.judge(segment, readableBytes, nowNs);
    if (sacked !== undefined) this.#acknowledge(connection, sacked, nowNs);
    else
      this.#lanes.setEarlier(laneOf(LaneKind.delayedAck, connection), Math.max(nowNs, receiver.delayedAckNs));
    if (readableBytes > 0) this.#wake(connection, nowNs);
    this.schedule();
  }

  /** The lane of a delayed acknowledgement fires. */
  delayedAck(connection: number, nowNs: number): void {
    const receiver = this.receivers[connection]!;
    const lane = laneOf(LaneKind.delayedAck, connection);
    if (receiver.delayedAckNs > nowNs) {
      this.#lanes.set(lane, receiver.delayedAckNs);
    } else if (this.nextStartNs < nowNs) {
      // Softirq is at a packet
      this.#lanes.set(lane, this.#lanes.timeOf(LaneKind.destinationSoftirq));
    } else {
      this.#acknowledge(connection, Sacked.nothing, nowNs);
      this.schedule();
      this.#lanes.set(lane, Number.POSITIVE_INFINITY);
    }
  }

  /** The lane of a connection's thread fires: it is done with what it read. */
  read(connection: number, nowNs: number): void {
    this.processors.finish(connection);
    this.#lanes.set(laneOf(LaneKind.reader, connection), Number.POSITIVE_INFINITY);
    this.#isReading[connection] = 0;
    this.deliveredNs = Math.max(this.deliveredNs, nowNs);
    this.deliveredBytes += this.#workedBytes[connection]!;
    this.#workedBytes[connection] = 0;
    if (this.receivers[connection]!.window.unreadBytes > 0) {
      this.#readNext(connection, nowNs);
      this.schedule();
    } else this.processors.release(connection, nowNs);
  }

  #wake(connection: number, nowNs: number): void {
    if (this.#isReading[connection] === 1) return;
    const freeNs = this.processors.threadFreeNs[connection]!;
    if (!this.processors.areDedicated || freeNs <= nowNs) {
      this.#readNext(connection, nowNs);
    } else {
      this.#isReading[connection] = 1;
      this.#lanes.set(laneOf(LaneKind.reader, connection), freeNs);
    }
  }

  #readNext(connection: number, nowNs: number): void {
    const receiver = this.receivers[connection]!;
    const { processors } = this;
    const bytes = Math.min(READ_BYTES, receiver.window.unreadBytes);
    const workNs = this.deliveries[connection]!.take(bytes);
    if (receiver.read(bytes, nowNs, this.#rttOf(connection))) {
      this.#acknowledge(connection, Sacked.nothing, nowNs);
    }
    // What comes after the packets that are on their way is not known
    const softirqNs = this.#arrivals.size === 0 ? nowNs : Math.min(this.nextStartNs, receiver.delayedAckNs);
    if (!processors.workUndisturbed(connection, nowNs, workNs, softirqNs)) {
      this.#isReading[connection] = 1;
      this.#workedBytes[connection] = bytes;
      processors.begin(connection, nowNs, workNs);
      return;
    }
    const doneNs = processors.threadFreeNs[connection]!;
    this.deliveredBytes += bytes;
    this.deliveredNs = Math.max(this.deliveredNs, doneNs);
    if (receiver.window.unreadBytes > 0) {
      this.#isReading[connection] = 1;
      this.#lanes.set(laneOf(LaneKind.reader, connection), doneNs);
    }
  }

  /** Softirq sends an acknowledgement after what it does. */
  #acknowledge(connection: number, sacked: number, nowNs: number): void {
    const receiver = this.receivers[connection]!;
    const beginNs = Math.max(nowNs, this.processors.softirqFreeNs);
    const sentNs = beginNs + this.#sendAckNs;
    // Caused by a thread while softirq is at a packet, it makes that packet so much later
    const startNs = Math.min(beginNs, this.nextStartNs);
    this.processors.softirq(startNs, startNs + this.#sendAckNs);
    this.#ackLinkFreeNs = Math.max(this.#ackLinkFreeNs, sentNs) + this.#ackLineNs;
    const arrivalNs = this.#ackLinkFreeNs + this.#propagationNs;
    this.acks.push(arrivalNs, connection, receiver.nextSegment, sacked, receiver.acknowledge());
    this.acknowledgements++;
  }
}
