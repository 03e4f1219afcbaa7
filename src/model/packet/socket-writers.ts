import { StreamAction, type StreamSource } from '../stream-source.js';
import type { DeliveryRing } from './delivery-ring.js';
import type { EventLanes } from './event-lanes.js';
import type { HostProcessors } from './host-processors.js';
import { LaneKind, laneOf } from './lane-plan.js';
import type { SegmentLane } from './segment-lane.js';
import { START_NS } from './start.js';
import type { TcpSender } from './tcp-sender.js';

const Step = {
  /** Nothing to do; `ask` or a hand-over wakes it. */
  idle: 0,
  /** QEMU's own work before a write. */
  working: 1,
  /** In the kernel, which owns the socket: copying portions and sending. */
  writing: 2,
  /** In the kernel, before the socket is let go: taking up what came meanwhile. */
  releasing: 3,
  /** The socket is full. */
  blocked: 4,
  /** The migration thread alone: its rate limit. */
  sleeping: 5,
  /** The migration thread alone: work before it hands over. */
  preparing: 6,
  /** The migration thread alone: no connection is idle. */
  handing: 7,
  /** In the kernel: what was held back in the hope of more goes out. */
  flushing: 8,
  ended: 9,
} as const;
type Step = (typeof Step)[keyof typeof Step];

/** Ends of writes are short, or held back, for about so many writes in a row (eight captures in the clear, looked through: 7 to 26). */
const STRETCH_WRITES = 16;

/**
 * The threads of QEMU's source: the migration thread, which asks where bytes come from and writes the main connection, and
 * with multifd a thread for each further connection, which writes what it is handed.
 *
 * Theory of operation: each thread has a lane and a step. A write is taken by the socket in portions of one segmentation offload buffer
 * (`tcp_sendmsg_locked`), each followed by sending what windows allow, so that a thread's lane fires once for each 64 KiB. Less than
 * a segment at the end of a write is held back as long as the driver has not told that what was sent before is sent
 * (`tcp_autocorking`): if the next write comes by then, its bytes go into the same segment. How often that happens the
 * calibration says. It happens to many writes in a row, as after a host has stood still, when the socket holds what came meanwhile.
 */
export class SocketWriters {
  /** When the last byte was taken by a socket. */
  writtenNs = START_NS;
  writtenBytes = 0;

  readonly #source: StreamSource;
  readonly #senders: readonly TcpSender[];
  readonly #deliveries: readonly DeliveryRing[];
  readonly #outputs: readonly SegmentLane[];
  readonly #processors: HostProcessors;
  readonly #lanes: EventLanes;
  readonly #step: Step[];
  readonly #leftBytes: Float64Array;
  readonly #shortEnds: number;
  /** Writes until the next stretch begins, those of them whose ends are short, and the part of one that is left over. */
  #stretchWrites = 0;
  #shortWrites = 0;
  #shortRest = 0;
  /** What the migration thread does once all is flushed. */
  #afterFlush: StreamAction = StreamAction.end;
  #nextConnection = 1;
  #sleptNs = START_NS;
  /** Infinity while the migration thread does not sleep. */
  #sleepingSinceNs = Number.POSITIVE_INFINITY;

  constructor(
    source: StreamSource,
    senders: readonly TcpSender[],
    deliveries: readonly DeliveryRing[],
    outputs: readonly SegmentLane[],
    processors: HostProcessors,
    lanes: EventLanes,
    shortEnds: number,
  ) {
    this.#source = source;
    this.#shortEnds = shortEnds;
    this.#senders = senders;
    this.#deliveries = deliveries;
    this.#outputs = outputs;
    this.#processors = processors;
    this.#lanes = lanes;
    this.#step = senders.map(() => Step.idle);
    this.#leftBytes = new Float64Array(senders.length);
    this.#setLane(0, 0);
  }

  /** The migration thread has ended and every write was taken whole. */
  get areDone(): boolean {
    return this.#step.every((step, thread) => step === (thread === 0 ? Step.ended : Step.idle));
  }

  /** How long the migration thread has slept until then because the stream's source told it to wait. */
  sleptAt(nowNs: number): number {
    return this.#sleptNs + Math.max(0, nowNs - this.#sleepingSinceNs);
  }

  /** A thread's lane fires. */
  proceed(thread: number, nowNs: number): void {
    this.#setLane(thread, Number.POSITIVE_INFINITY);
    switch (this.#step[thread]!) {
      case Step.sleeping:
        this.#sleptNs += nowNs - this.#sleepingSinceNs;
        this.#sleepingSinceNs = Number.POSITIVE_INFINITY;
        this.#ask(nowNs);
        break;
      case Step.preparing:
      case Step.handing:
        this.#handOver(nowNs);
        break;
      case Step.working:
      case Step.writing:
        this.#write(thread, nowNs);
        break;
      case Step.releasing:
        this.#release(thread, nowNs);
        break;
      case Step.flushing:
        this.#senders[thread]!.isOwned = false;
        this.#act(this.#afterFlush, nowNs);
        break;
      default:
        // Woken: only the migration thread has something to ask when it is idle
        if (thread === 0) this.#ask(nowNs);
    }
  }

  /** After acknowledgements: wakes the thread if it waits for room and a third of the buffer is free. */
  wakeIfRoom(thread: number, nowNs: number): void {
    if (this.#step[thread] !== Step.blocked) return;
    const sender = this.#senders[thread]!;
    sender.expandBuffer();
    if (!sender.buffer.isWriteable(sender.ackedByte)) return;
    this.#step[thread] = Step.writing;
    this.#processors.begin(thread, nowNs, 0);
  }

  #ask(nowNs: number): void {
    const source = this.#source;
    const askedNs = Math.ceil(nowNs);
    const action = source.next(askedNs);
    if (this.#senders[0]!.isWriting && action !== StreamAction.write) {
      this.#afterFlush = action;
      this.#flush(nowNs);
    } else {
      this.#act(action, nowNs);
    }
  }

  /** The migration thread sends what the end of its last write left. */
  #flush(nowNs: number): void {
    const sender = this.#senders[0]!;
    sender.isWriting = false;
    sender.isOwned = true;
    this.#step[0] = Step.flushing;
    this.#push(0, nowNs);
  }

  #act(action: StreamAction, nowNs: number): void {
    const source = this.#source;
    if (action === StreamAction.write || action === StreamAction.handOver) {
      this.#step[0] = action === StreamAction.write ? Step.working : Step.preparing;
      if (action === StreamAction.write) this.#give(0);
      this.#processors.begin(0, nowNs, source.cpuNs);
      return;
    }
    this.#processors.release(0, nowNs);
    if (action === StreamAction.end) {
      this.#step[0] = Step.ended;
      return;
    }
    this.#step[0] = Step.sleeping;
    this.#sleepingSinceNs = nowNs;
    if (!(source.untilNs > nowNs)) throw new Error(`asked to wait until ${source.untilNs} at ${nowNs}`);
    this.#setLane(0, source.untilNs);
  }

  /** The connection's next write is what the source answered. */
  #give(connection: number): void {
    const { bytes, destinationNs } = this.#source;
    this.#leftBytes[connection] = bytes;
    this.#deliveries[connection]!.add(bytes, destinationNs);
  }

  /** Connections take turns, as in QEMU's `multifd_send_pages`. */
  #handOver(nowNs: number): void {
    const further = this.#senders.length - 1;
    for (let tried = 0; tried < further; tried++) {
      const connection = 1 + ((this.#nextConnection - 1 + tried) % further);
      if (this.#step[connection] !== Step.idle) continue;
      this.#nextConnection = 1 + (connection % further);
      this.#give(connection);
      this.#step[connection] = Step.working;
      this.#processors.begin(connection, nowNs, this.#source.connectionNs);
      this.#ask(nowNs);
      return;
    }
    this.#step[0] = Step.handing;
    this.#processors.release(0, nowNs);
  }

  #write(thread: number, nowNs: number): void {
    const left = this.#leftBytes[thread]!;
    const sender = this.#senders[thread]!;
    const { buffer } = sender;
    if (left === 0 || !buffer.hasRoom(sender.ackedByte)) {
      this.#release(thread, nowNs);
      return;
    }
    const portion = Math.min(left, buffer.portionBytes);
    buffer.writtenByte += portion;
    this.#leftBytes[thread] = left - portion;
    this.writtenBytes += portion;
    sender.isWriting = portion < left || (thread === 0 && this.#isEndHeld());
    sender.isOwned = true;
    this.#step[thread] = Step.writing;
    this.#push(thread, nowNs);
  }

  /** Of one write, whether its end waits for the next one. */
  #isEndHeld(): boolean {
    if (this.#stretchWrites === 0) {
      this.#stretchWrites = STRETCH_WRITES;
      const due = STRETCH_WRITES * this.#shortEnds + this.#shortRest;
      this.#shortWrites = Math.floor(due);
      this.#shortRest = due - this.#shortWrites;
    }
    this.#stretchWrites--;
    if (this.#shortWrites === 0) return true;
    this.#shortWrites--;
    return false;
  }

  /** The thread lets the socket go: the write is done, or waits for room. */
  #release(thread: number, nowNs: number): void {
    const sender = this.#senders[thread]!;
    const left = this.#leftBytes[thread]!;
    if (sender.backlog.size > 0) {
      sender.processBacklog(nowNs);
      this.#step[thread] = Step.releasing;
      this.#push(thread, nowNs);
      if (left > 0) sender.expandBuffer();
      return;
    }
    sender.isOwned = false;
    if (left === 0) {
      this.#finish(thread, nowNs);
    } else if (sender.buffer.hasRoom(sender.ackedByte)) {
      this.#write(thread, nowNs);
    } else {
      this.#step[thread] = Step.blocked;
      this.#processors.release(thread, nowNs);
    }
  }

  #push(thread: number, nowNs: number): void {
    const sender = this.#senders[thread]!;
    const output = this.#outputs[thread]!;
    output.cursorNs = Math.max(nowNs, sender.lockedUntilNs);
    sender.push(nowNs, output);
    this.#lanes.setEarlier(laneOf(LaneKind.senderTimer, thread), Math.max(nowNs, sender.timerNs));
    this.#processors.beginKernel(thread, nowNs, output.cursorNs);
  }

  #finish(thread: number, nowNs: number): void {
    this.writtenNs = nowNs;
    if (thread === 0) {
      this.#ask(nowNs);
      return;
    }
    this.#step[thread] = Step.idle;
    this.#processors.release(thread, nowNs);
    if (this.#step[0] !== Step.handing) return;
    this.#step[0] = Step.preparing;
    this.#processors.begin(0, nowNs, 0);
  }

  #setLane(thread: number, timeNs: number): void {
    this.#lanes.set(laneOf(LaneKind.writer, thread), timeNs);
  }
}
