import type { Channel } from '../channel.js';
import type { StreamSource } from '../stream-source.js';
import type { BottleneckLink } from './bottleneck-link.js';
import { type CongestionControl, NewReno } from './congestion-control.js';
import { Cubic } from './cubic.js';
import type { DeliveryRing } from './delivery-ring.js';
import type { EventLanes } from './event-lanes.js';
import { HostProcessors } from './host-processors.js';
import { LaneKind, laneOf } from './lane-plan.js';
import type { AckRing } from './packet-ring.js';
import { SegmentLane } from './segment-lane.js';
import { SocketWriters } from './socket-writers.js';
import { TcpSender } from './tcp-sender.js';

/**
 * The source: QEMU's threads write to sockets, softirq takes acknowledgements and sends what they set free. As at the
 * destination the lane of softirq holds the completion of the first acknowledgement that waits.
 */
export class SourceHost {
  readonly processors: HostProcessors;
  readonly senders: TcpSender[] = [];
  readonly writers: SocketWriters;
  /** What each thread sends on its way to the link. */
  readonly writerLanes: SegmentLane[] = [];
  /** What softirq sends. */
  readonly softirqLane: SegmentLane;
  /** Number of segments sent, by payload. */
  readonly segmentsByLength: Float64Array;

  readonly #lanes: EventLanes;
  readonly #acks: AckRing;
  readonly #receiveNs: number;

  /** @param acks what comes back from the destination; the host empties it */
  constructor(
    channel: Channel,
    source: StreamSource,
    lanes: EventLanes,
    link: BottleneckLink,
    acks: AckRing,
    deliveries: readonly DeliveryRing[],
    firstRttNs: number,
  ) {
    const costs = channel.source;
    const { connections } = source;
    this.#lanes = lanes;
    this.#acks = acks;
    this.#receiveNs = costs.receivePacketNs;
    this.segmentsByLength = new Float64Array(channel.mssBytes + 1);
    this.processors = new HostProcessors(costs, connections, lanes, (thread) =>
      laneOf(LaneKind.writer, thread),
    );
    const isAlone = connections === 1;
    const segmentLane = (lane: number): SegmentLane =>
      new SegmentLane(costs, link, isAlone, lanes, lane, this.segmentsByLength);
    this.softirqLane = segmentLane(LaneKind.softirqSegment);
    for (let connection = 0; connection < connections; connection++) {
      this.writerLanes.push(segmentLane(laneOf(LaneKind.writerSegment, connection)));
      const control = congestionControl(channel);
      this.senders.push(new TcpSender(connection, channel.mssBytes, control, firstRttNs));
    }
    this.writers = new SocketWriters(
      source,
      this.senders,
      deliveries,
      this.writerLanes,
      this.processors,
      lanes,
      channel.shortEnds,
    );
  }

  /** When softirq begins with the first acknowledgement that waits. */
  get nextStartNs(): number {
    return Math.max(this.#acks.timeNs, this.processors.softirqFreeNs);
  }

  /** Sets the lane of softirq; to be called when the first acknowledgement has changed. */
  schedule(): void {
    const startNs = this.nextStartNs;
    this.#lanes.set(LaneKind.sourceSoftirq, startNs + this.#receiveNs);
    if (this.processors.isShared) this.processors.foresee(startNs);
  }

  /** Softirq is done with the first acknowledgement. */
  receive(nowNs: number): void {
    const acks = this.#acks;
    const { connection, nextSegment, sacked, windowEnd } = acks;
    const startNs = this.nextStartNs;
    acks.drop();
    const sender = this.senders[connection]!;
    if (sender.isOwned) {
      sender.backlog.push(nowNs, connection, nextSegment, sacked, windowEnd);
      this.processors.softirq(startNs, nowNs);
    } else {
      sender.acknowledge(nowNs, nextSegment, sacked, windowEnd);
      this.#push(sender, connection, startNs, nowNs);
      this.writers.wakeIfRoom(connection, nowNs);
    }
    this.schedule();
  }

  /** The timer lane of a connection fires, perhaps for a time that has moved. */
  timeOut(connection: number, nowNs: number): void {
    const sender = this.senders[connection]!;
    const lane = laneOf(LaneKind.senderTimer, connection);
    if (sender.timerNs > nowNs) {
      this.#lanes.set(lane, sender.timerNs);
    } else if (sender.isOwned) {
      // Until the process is through, and then at once
      this.#lanes.set(lane, Math.max(nowNs + 1, this.processors.threadFreeNs[connection]!));
    } else if (this.nextStartNs < nowNs) {
      // Softirq is at an acknowledgement
      this.#lanes.set(lane, this.#lanes.timeOf(LaneKind.sourceSoftirq));
    } else {
      const startNs = Math.max(nowNs, this.processors.softirqFreeNs);
      this.softirqLane.cursorNs = startNs;
      sender.timeOut(nowNs, this.softirqLane);
      this.#push(sender, connection, startNs, this.softirqLane.cursorNs);
      this.#lanes.set(lane, Math.max(nowNs, sender.timerNs));
      this.schedule();
    }
  }

  /** The lane of a thread fires. */
  proceed(connection: number, nowNs: number): void {
    this.processors.finish(connection);
    this.writers.proceed(connection, nowNs);
    if (this.processors.isShared) this.schedule();
  }

  /** Softirq, which began at `startNs`, sends what is free to be sent from `nowNs` on. */
  #push(sender: TcpSender, connection: number, startNs: number, nowNs: number): void {
    this.softirqLane.cursorNs = nowNs;
    sender.push(nowNs, this.softirqLane);
    sender.lockedUntilNs = this.softirqLane.cursorNs;
    this.#lanes.setEarlier(laneOf(LaneKind.senderTimer, connection), Math.max(nowNs, sender.timerNs));
    this.processors.softirq(startNs, this.softirqLane.cursorNs);
  }
}

function congestionControl(channel: Channel): CongestionControl {
  return channel.congestionControl === 'cubic' ? new Cubic(channel.mssBytes) : new NewReno();
}
