import type { CongestionControl, CongestionWindow } from './congestion-control.js';
import { INITIAL_WINDOW } from './congestion-control.js';
import { AckRing, Sacked } from './packet-ring.js';
import { INITIAL_WINDOW_BYTES } from './receive-window.js';
import { RttEstimator } from './rtt-estimator.js';
import { Scoreboard } from './scoreboard.js';
import { SendBuffer } from './send-buffer.js';
import { START_NS } from './start.js';

const State = { open: 0, recovery: 1, loss: 2 } as const;
type State = (typeof State)[keyof typeof State];

/** So many segments beyond a gap tell of a loss without waiting for reordering (RFC 6675 DupThresh, RFC 8985 section 6.2). */
const DUPLICATE_THRESHOLD = 3;
/** RFC 8985 section 7.2 with Linux's TCP_TIMEOUT_MIN (two ticks) and TCP_RTO_MIN for the one segment whose acknowledgement may be delayed. */
const MIN_PROBE_NS = 2e6;
const DELAYED_ACK_ALLOWANCE_NS = 200e6;
const NEVER = Number.POSITIVE_INFINITY;

/** Where a sender's segments go: a processor that takes them one after the other. */
export interface SegmentOutput {
  /** @returns time at which the processor begins with it */
  emit(connection: number, segment: number, payloadBytes: number): number;
}

/**
 * The sending end of a connection: sliding window, congestion window, loss recovery as Linux does them. Cites are of functions in
 * net/ipv4/tcp_input.c and tcp_output.c where a behaviour goes beyond the RFC.
 */
export class TcpSender {
  readonly buffer: SendBuffer;
  readonly rtt: RttEstimator;
  readonly window: CongestionWindow = { segments: START_NS, ssthresh: NEVER };
  /** Bytes acknowledged. */
  ackedByte = 0;
  /** True while the process is in the middle of a write: what is less than a segment waits for the rest of it. */
  isWriting = false;
  /** True while the process is within the kernel: acknowledgements and timers wait until it lets the socket go (`sock_owned_by_user`). */
  isOwned = false;
  /** Acknowledgements that wait for it (`sk_backlog`). */
  readonly backlog = new AckRing();
  /** Softirq sends until then, and the process has to wait for the socket (`bh_lock_sock`). */
  lockedUntilNs = START_NS;
  /** When a timer goes off at the earliest; Infinity if none is set. */
  timerNs = NEVER;
  retransmissions = 0;
  timeouts = 0;

  readonly #connection: number;
  readonly #mssBytes: number;
  readonly #control: CongestionControl;
  readonly #board = new Scoreboard();
  #state: State = State.open;
  /** Bytes sent for the first time, and the receiver's right edge. */
  #sentByte = 0;
  #windowEnd = INITIAL_WINDOW_BYTES;
  #lastSentNs = START_NS;
  /** Recovery and loss end when all before this segment is acknowledged. */
  #recoverTo = 0;
  #roundEnd = 0;
  /** Proportional rate reduction (RFC 6937). */
  #priorSegments = 0;
  #prrDelivered = 0;
  #prrOut = 0;
  /** `tcp_cwnd_validate`: whether the window was in full use. */
  #isWindowLimited = false;
  #mostOutstanding = 0;
  #usageEnd = 0;
  #retransmitNs = NEVER;
  #probeNs = NEVER;
  #reorderingNs = NEVER;
  /** A tail loss probe is out until this segment is acknowledged; 0: none. */
  #probedTo = 0;
  #hasProbedAgain = false;

  /** @param firstRttNs round trip of the handshake */
  constructor(connection: number, mssBytes: number, control: CongestionControl, firstRttNs: number) {
    this.#connection = connection;
    this.#mssBytes = mssBytes;
    this.#control = control;
    this.buffer = new SendBuffer(mssBytes);
    this.rtt = new RttEstimator(firstRttNs);
    this.window.segments = INITIAL_WINDOW;
    control.measured(this.window, firstRttNs, 0, firstRttNs);
  }

  /** Segments sent for the first time. */
  get segments(): number {
    return this.#board.next;
  }

  /** Sends what windows allow (`tcp_write_xmit`, `tcp_xmit_retransmit_queue`). */
  push(nowNs: number, output: SegmentOutput): void {
    const board = this.#board;
    if (board.outstanding === 0) this.#resume(nowNs);
    let room = Math.floor(this.window.segments) - board.inFlight;
    const roomBefore = room;
    for (; board.toRetransmit > 0 && room > 0; room--) this.#retransmit(board.firstToRetransmit(), output);
    let isWindowFull = false;
    for (;;) {
      const unsentBytes = this.buffer.writtenByte - this.#sentByte;
      if (unsentBytes === 0 || (unsentBytes < this.#mssBytes && this.isWriting)) break;
      const payloadBytes = Math.min(unsentBytes, this.#mssBytes);
      if (this.#sentByte + payloadBytes > this.#windowEnd) break;
      if (room <= 0) {
        isWindowFull = true;
        break;
      }
      this.#sendNew(payloadBytes, output);
      room--;
    }
    const sent = roomBefore - room;
    this.#prrOut += sent;
    if (sent > 0 || isWindowFull) this.#validateWindow(isWindowFull || room <= 0);
    if (sent > 0) this.#setTimers(Math.max(nowNs, this.#lastSentNs), false);
  }

  /**
   * An acknowledgement came; `push` is the caller's next step.
   * @param sacked as `AckRing.sacked`
   */
  acknowledge(nowNs: number, nextSegment: number, sacked: number, windowEnd: number): void {
    const board = this.#board;
    if (windowEnd > this.#windowEnd) this.#windowEnd = windowEnd;
    const advanced = nextSegment > board.una;
    const lostBefore = board.lostOut;
    if (advanced) this.ackedByte = board.endByte(nextSegment - 1);
    board.acknowledge(Math.max(nextSegment, board.una), nowNs, this.rtt.minNs);
    if (sacked >= 0) board.sack(sacked, nowNs, this.rtt.minNs);
    if (board.lastSentNs >= 0) this.#measure(nowNs);
    if (this.#probedTo > 0) this.#settleProbe(nextSegment, sacked, advanced);
    this.#leaveRecovery(nextSegment);
    const isMissing = board.sackedOut > 0 || board.lostOut > 0 || board.retransmittedOut > 0;
    if (isMissing || this.#state !== State.open) this.#detectLost(nowNs);
    else this.#reorderingNs = NEVER;
    if (this.#state === State.recovery) this.#reduceWindow(advanced && board.lostOut <= lostBefore);
    else if (advanced && this.#isFull()) this.#control.grow(this.window, board.delivered, nowNs);
    if (advanced) this.rtt.resetBackoff();
    if (advanced || board.delivered > 0) this.#setTimers(nowNs, advanced);
  }

  /** The process lets the socket go: takes up what waits (`__release_sock`); `push` is the caller's next step. */
  processBacklog(nowNs: number): void {
    for (const { backlog } = this; backlog.size > 0; backlog.drop()) {
      this.acknowledge(nowNs, backlog.nextSegment, backlog.sacked, backlog.windowEnd);
    }
  }

  /** `timerNs` has come; `push` is the caller's next step. */
  timeOut(nowNs: number, output: SegmentOutput): void {
    if (nowNs >= this.#reorderingNs) {
      this.#reorderingNs = NEVER;
      this.#detectLost(nowNs);
      this.#setTimers(nowNs, false);
    } else if (nowNs >= this.#probeNs) this.#probe(nowNs, output);
    else if (nowNs >= this.#retransmitNs) this.#retransmitAll(nowNs);
    this.#updateTimer();
  }

  /** After an acknowledgement and `push`: lets the buffer grow if the window is not what limits (`tcp_new_space`). */
  expandBuffer(): void {
    if (this.#board.inFlight < Math.floor(this.window.segments)) this.buffer.expand(this.window.segments);
  }

  #sendNew(payloadBytes: number, output: SegmentOutput): void {
    this.#sentByte += payloadBytes;
    const sentNs = output.emit(this.#connection, this.#board.next, payloadBytes);
    this.#board.send(this.#sentByte, payloadBytes, sentNs);
    this.#lastSentNs = sentNs;
  }

  #retransmit(segment: number, output: SegmentOutput): void {
    const sentNs = output.emit(this.#connection, segment, this.#board.payloadBytes(segment));
    this.#board.retransmit(segment, sentNs);
    this.#lastSentNs = sentNs;
    this.retransmissions++;
  }

  /** Each timeout's time that nothing was sent halves the window, down to the initial one (`tcp_cwnd_restart`, RFC 5681 section 4.1). */
  #resume(nowNs: number): void {
    if (this.buffer.writtenByte === this.#sentByte || this.#lastSentNs === 0) return;
    const idleNs = nowNs - this.#lastSentNs;
    this.#control.resumed(idleNs);
    const { window } = this;
    const timeoutNs = this.rtt.timeoutNs;
    if (idleNs < timeoutNs || window.segments <= INITIAL_WINDOW) return;
    window.ssthresh = Math.max(window.ssthresh, 0.75 * window.segments);
    const halved = window.segments / 2 ** Math.floor(idleNs / timeoutNs);
    window.segments = Math.max(INITIAL_WINDOW, halved);
  }

  #validateWindow(isLimited: boolean): void {
    const { una, outstanding, next } = this.#board;
    const isNewRound = una >= this.#usageEnd;
    if (isNewRound || isLimited || (!this.#isWindowLimited && outstanding > this.#mostOutstanding)) {
      this.#isWindowLimited = isLimited;
      this.#mostOutstanding = outstanding;
      this.#usageEnd = next;
    }
  }

  /** `tcp_is_cwnd_limited`: only a window in use grows; in slow start half of it is enough. */
  #isFull(): boolean {
    const { segments, ssthresh } = this.window;
    return this.#isWindowLimited || (segments < ssthresh && segments < 2 * this.#mostOutstanding);
  }

  #measure(nowNs: number): void {
    const board = this.#board;
    this.rtt.sample(nowNs - board.firstSentNs);
    if (board.una > this.#roundEnd) {
      this.#roundEnd = board.next;
      this.#control.beginRound(nowNs);
    }
    this.#control.measured(this.window, nowNs - board.lastSentNs, nowNs, this.rtt.srttNs);
  }

  #leaveRecovery(nextSegment: number): void {
    if (this.#state === State.open || nextSegment < this.#recoverTo) return;
    if (this.#state === State.recovery) this.window.segments = this.window.ssthresh;
    this.#state = State.open;
  }

  /** RACK with its reordering window (RFC 8985 section 6.2; `tcp_rack_reo_wnd`): none once it is clear that there was a loss. */
  #detectLost(nowNs: number): void {
    const board = this.#board;
    const isClear = this.#state !== State.open || board.sackedOut >= DUPLICATE_THRESHOLD;
    const reorderingNs = isClear ? 0 : Math.min(this.rtt.minNs / 4, this.rtt.srttNs / 8);
    this.#reorderingNs = board.detectLost(nowNs, reorderingNs);
    if (this.#state === State.open && board.lostOut > 0) this.#enterRecovery();
  }

  #enterRecovery(): void {
    this.#state = State.recovery;
    this.#recoverTo = this.#board.next;
    this.#priorSegments = this.window.segments;
    this.window.ssthresh = this.#control.thresholdAfterLoss(this.window);
    this.#prrDelivered = 0;
    this.#prrOut = 0;
    this.#probedTo = 0;
  }

  /** Proportional rate reduction with the slow start reduction bound (RFC 6937 section 3; `tcp_cwnd_reduction`). */
  #reduceWindow(isProgress: boolean): void {
    const { delivered, inFlight } = this.#board;
    if (delivered === 0) return;
    const threshold = Math.floor(this.window.ssthresh);
    this.#prrDelivered += delivered;
    let send: number;
    if (inFlight > threshold) {
      send = Math.ceil((this.#prrDelivered * threshold) / this.#priorSegments) - this.#prrOut;
    } else {
      send = Math.max(this.#prrDelivered - this.#prrOut, delivered) + (isProgress ? 1 : 0);
      send = Math.min(threshold - inFlight, send);
    }
    // The first retransmission goes in any case
    this.window.segments = inFlight + Math.max(send, this.#prrOut === 0 ? 1 : 0);
  }

  /** RFC 6298 section 5; `tcp_enter_loss`. */
  #retransmitAll(nowNs: number): void {
    const board = this.#board;
    if (this.#state !== State.recovery && (this.#state !== State.loss || board.una >= this.#recoverTo)) {
      this.window.ssthresh = this.#control.thresholdAfterLoss(this.window);
    }
    this.timeouts++;
    this.#state = State.loss;
    this.#control.timedOut();
    this.#recoverTo = board.next;
    this.#probedTo = 0;
    this.#reorderingNs = NEVER;
    board.markAllLost();
    this.window.segments = 1;
    this.rtt.backOff();
    this.#retransmitNs = nowNs + this.rtt.timeoutNs;
  }

  /** Tail loss probe (RFC 8985 section 7.3): the next segment, or the last one again. */
  #probe(nowNs: number, output: SegmentOutput): void {
    const board = this.#board;
    this.#probeNs = NEVER;
    const unsentBytes = this.buffer.writtenByte - this.#sentByte;
    const payloadBytes = Math.min(unsentBytes, this.#mssBytes);
    this.#hasProbedAgain = payloadBytes === 0 || this.#sentByte + payloadBytes > this.#windowEnd;
    if (this.#hasProbedAgain) this.#retransmit(board.next - 1, output);
    else this.#sendNew(payloadBytes, output);
    this.#probedTo = board.next;
    this.#retransmitNs = nowNs + this.rtt.timeoutNs;
  }

  /** RFC 8985 section 7.4: a probe that repaired a loss counts as one. */
  #settleProbe(nextSegment: number, sacked: number, advanced: boolean): void {
    if (nextSegment < this.#probedTo) return;
    if (this.#hasProbedAgain && sacked !== Sacked.duplicate) {
      if (nextSegment === this.#probedTo && advanced) return;
      if (advanced) {
        this.window.ssthresh = this.#control.thresholdAfterLoss(this.window);
        this.window.segments = this.window.ssthresh;
      }
    }
    this.#probedTo = 0;
  }

  /** @param isAdvance something new was acknowledged: the retransmission timer starts anew (RFC 6298 section 5.3) */
  #setTimers(nowNs: number, isAdvance: boolean): void {
    const board = this.#board;
    if (board.outstanding === 0) {
      this.#retransmitNs = NEVER;
      this.#probeNs = NEVER;
      this.#reorderingNs = NEVER;
    } else {
      if (isAdvance || this.#retransmitNs === NEVER) this.#retransmitNs = nowNs + this.rtt.timeoutNs;
      const mayProbe = this.#state === State.open && board.sackedOut === 0 && this.#probedTo === 0;
      const allowanceNs = board.outstanding === 1 ? DELAYED_ACK_ALLOWANCE_NS : MIN_PROBE_NS;
      const probeNs = nowNs + 2 * this.rtt.srttNs + allowanceNs;
      this.#probeNs = mayProbe ? Math.min(probeNs, this.#retransmitNs) : NEVER;
    }
    this.#updateTimer();
  }

  #updateTimer(): void {
    this.timerNs = Math.min(this.#retransmitNs, this.#probeNs, this.#reorderingNs);
  }
}
