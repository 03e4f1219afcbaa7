import type { Channel } from '../channel.js';
import { Random } from '../random.js';
import type { StreamSource } from '../stream-source.js';
import { BottleneckLink } from './bottleneck-link.js';
import { DestinationHost } from './destination-host.js';
import { EventLanes } from './event-lanes.js';
import { FrameSizes } from './frame-sizes.js';
import type { HostProcessors } from './host-processors.js';
import { LaneKind, laneCount, lanePlan } from './lane-plan.js';
import { LimitClock } from './limit-clock.js';
import { type LossProcess, RandomLoss } from './loss-process.js';
import { SourceHost } from './source-host.js';
import type { HostBusy, TransferOutcome } from './transfer-outcome.js';

export interface TransferOptions {
  /** Of random loss, 0..2^32-1: same seed, same outcome. */
  readonly seed: number;
  /** The transfer is broken off there; Infinity for never. */
  readonly timeLimitNs: number;
  /** Instead of `channel.loss`. */
  readonly losses?: LossProcess;
}

/**
 * A transfer from the first write to the last byte delivered, every data segment and every acknowledgement simulated
 * (docs/PACKET-SIMULATION.md). Connections are open when it begins. Deterministic.
 *
 * @throws RangeError if a segment makes a packet larger than IP carries
 */
export function simulateTransfer(
  channel: Channel,
  source: StreamSource,
  options: TransferOptions,
): TransferOutcome {
  return new Transfer(channel, source, options).run();
}

/** The parts of one simulation, and which of them acts next. */
class Transfer {
  readonly #lanes: EventLanes;
  readonly #kinds: Uint8Array;
  readonly #connections: Uint16Array;
  readonly #sizes: FrameSizes;
  readonly #link: BottleneckLink;
  readonly #source: SourceHost;
  readonly #destination: DestinationHost;
  readonly #clock: LimitClock;
  readonly #timeLimitNs: number;

  constructor(channel: Channel, stream: StreamSource, options: TransferOptions) {
    const { connections } = stream;
    const losses = options.losses ?? new RandomLoss(channel.loss, new Random(options.seed));
    this.#timeLimitNs = options.timeLimitNs;
    this.#lanes = new EventLanes(laneCount(connections));
    const plan = lanePlan(connections);
    this.#kinds = plan.kinds;
    this.#connections = plan.connections;
    this.#sizes = new FrameSizes(channel.cost, channel.mtuBytes, channel.mssBytes);
    this.#link = new BottleneckLink(channel, this.#sizes, losses);
    this.#destination = new DestinationHost(
      channel,
      this.#sizes,
      connections,
      this.#lanes,
      this.#link.arrivals,
      (connection) => this.#source.senders[connection]!.rtt.srttNs,
    );
    const { acks, deliveries } = this.#destination;
    const firstRttNs = channel.rttNs + (2 * this.#sizes.lineBytes(0) * 8e9) / channel.linkBps;
    this.#source = new SourceHost(channel, stream, this.#lanes, this.#link, acks, deliveries, firstRttNs);
    this.#clock = new LimitClock((nowNs) => ({
      linkNs: this.#link.busyNs - Math.max(0, this.#link.freeNs - nowNs),
      sourceNs: this.#source.processors.busiestNs(nowNs),
      destinationNs: this.#destination.processors.busiestNs(nowNs),
      sleptNs: this.#source.writers.sleptAt(nowNs),
    }));
  }

  run(): TransferOutcome {
    const lanes = this.#lanes;
    const clock = this.#clock;
    let lastNs = 0;
    for (;;) {
      const lane = lanes.first();
      const nowNs = lanes.timeOf(lane);
      if (nowNs > this.#timeLimitNs || nowNs === Number.POSITIVE_INFINITY) break;
      if (!(nowNs >= lastNs)) throw new Error(`time ran back from ${lastNs} to ${nowNs} ns`);
      lastNs = nowNs;
      if (nowNs >= clock.nextNs && !this.#isDelivered) clock.advance(nowNs);
      this.#step(lane, nowNs);
    }
    return this.#outcome();
  }

  #step(lane: number, nowNs: number): void {
    const source = this.#source;
    const destination = this.#destination;
    const connection = this.#connections[lane]!;
    switch (this.#kinds[lane]!) {
      case LaneKind.softirqSegment:
        source.softirqLane.proceed(nowNs);
        destination.schedule();
        break;
      case LaneKind.writerSegment:
        source.writerLanes[connection]!.proceed(nowNs);
        destination.schedule();
        break;
      case LaneKind.destinationSoftirq:
        destination.receive(nowNs);
        source.schedule();
        break;
      case LaneKind.sourceSoftirq:
        source.receive(nowNs);
        destination.schedule();
        break;
      case LaneKind.writer:
        source.proceed(connection, nowNs);
        destination.schedule();
        break;
      case LaneKind.senderTimer:
        source.timeOut(connection, nowNs);
        destination.schedule();
        break;
      case LaneKind.delayedAck:
        destination.delayedAck(connection, nowNs);
        source.schedule();
        break;
      case LaneKind.reader:
        destination.read(connection, nowNs);
        source.schedule();
        break;
    }
  }

  get #isDelivered(): boolean {
    return (
      this.#source.writers.areDone && this.#destination.deliveredBytes === this.#source.writers.writtenBytes
    );
  }

  #outcome(): TransferOutcome {
    const { writers, senders, segmentsByLength, processors } = this.#source;
    const destination = this.#destination;
    const link = this.#link;
    const complete = this.#isDelivered && destination.deliveredNs <= this.#timeLimitNs;
    if (!complete && this.#timeLimitNs === Number.POSITIVE_INFINITY) throw new Error('the transfer stalled');
    const deliveredNs = complete ? destination.deliveredNs : this.#timeLimitNs;
    this.#clock.finish(deliveredNs);
    const retransmissions = senders.reduce((sum, sender) => sum + sender.retransmissions, 0);
    const { receivers } = destination;
    return {
      complete,
      // 0 where it is START_NS
      endNs: 0 + (writers.areDone ? writers.writtenNs : this.#timeLimitNs),
      deliveredNs: 0 + deliveredNs,
      writtenBytes: writers.writtenBytes,
      deliveredBytes: destination.deliveredBytes,
      wire: {
        segments: senders.reduce((sum, sender) => sum + sender.segments, retransmissions),
        ...this.#sizes.total(segmentsByLength),
        retransmissions,
        acknowledgements: destination.acknowledgements,
        acknowledgementBytes: destination.acknowledgements * this.#sizes.frameBytes(0),
      },
      drops: {
        queuePackets: link.queueDrops,
        randomPackets: link.randomDrops,
        segments: link.lostSegments,
        arrivedSegments: receivers.reduce((sum, receiver) => sum + receiver.segments, 0),
        duplicateSegments: receivers.reduce((sum, receiver) => sum + receiver.duplicates, 0),
      },
      timeouts: senders.reduce((sum, sender) => sum + sender.timeouts, 0),
      source: busy(processors),
      destination: busy(destination.processors),
      nsByLimit: this.#clock.nsByLimit,
    };
  }
}

function busy(processors: HostProcessors): HostBusy {
  const processNs = processors.threadBusyNs.reduce((sum, busyNs) => sum + busyNs, 0);
  return { softirqNs: 0 + processors.softirqBusyNs, processNs };
}
