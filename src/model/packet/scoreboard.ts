import { widened } from './packet-ring.js';
import { START_NS } from './start.js';

const FIRST_CAPACITY = 256;
/** Flags of a segment. */
const SACKED = 1;
const LOST = 2;
/** Its retransmission is on its way. */
const RETRANSMITTED = 4;
/** It was sent more than once: its acknowledgement measures nothing (RFC 6298 section 3). */
const AMBIGUOUS = 8;
const UNKNOWN_NS = Number.NEGATIVE_INFINITY;

/**
 * What the sender knows of each segment that is not acknowledged (RFC 6675), and which of them RACK takes for lost (RFC 8985).
 *
 * Theory of operation: segments are numbered from 0 as they are first sent; those from `una` to `next` lie in rings of typed arrays.
 * Every transmission, first or again, has a number too, and a log says which segment it was. RACK holds a transmission for lost if
 * one that was sent later has been delivered; with the log in the order of sending that is a pointer that only moves forward,
 * so that finding losses costs a constant time for each transmission, however large the window. While nothing is missing the
 * pointer jumps.
 */
export class Scoreboard {
  /** First segment that is not acknowledged. */
  una = 0;
  /** Number of the next new segment. */
  next = 0;
  sackedOut = 0;
  lostOut = 0;
  retransmittedOut = 0;
  /** Lost ones that have not been sent again. */
  toRetransmit = 0;
  /** Of the acknowledgement at hand: segments delivered for the first time as far as is known. */
  delivered = 0;
  /** Send time of the first and last of them that were sent once; -Infinity: none. */
  firstSentNs = UNKNOWN_NS;
  lastSentNs = UNKNOWN_NS;
  /** Round trip of the newest delivered transmission (RACK.rtt). */
  rackRttNs = START_NS;

  #mask = FIRST_CAPACITY - 1;
  #endByte = new Float64Array(FIRST_CAPACITY);
  #payloadBytes = new Int32Array(FIRST_CAPACITY);
  #sentNs = new Float64Array(FIRST_CAPACITY);
  /** Of the latest one of the segment. */
  #transmission = new Float64Array(FIRST_CAPACITY);
  #flags = new Int32Array(FIRST_CAPACITY);

  /** Log: segment of each transmission from `#scan` to `#nextTransmission`. */
  #log = new Float64Array(FIRST_CAPACITY);
  #scan = 0;
  #nextTransmission = 0;
  /** Newest transmission that was delivered. */
  #newest = -1;
  /** No segment before this one is to be sent again. */
  #retransmitFrom = 0;

  get outstanding(): number {
    return this.next - this.una;
  }

  /** RFC 6675's pipe: `tcp_packets_in_flight`. */
  get inFlight(): number {
    return this.next - this.una - this.sackedOut - this.lostOut + this.retransmittedOut;
  }

  /** End of a segment that has not been forgotten, in bytes of the stream. */
  endByte(segment: number): number {
    return this.#endByte[segment & this.#mask]!;
  }

  payloadBytes(segment: number): number {
    return this.#payloadBytes[segment & this.#mask]!;
  }

  /** A new segment is sent. */
  send(endByte: number, payloadBytes: number, nowNs: number): void {
    if (this.next - this.una > this.#mask) this.#grow();
    const slot = this.next & this.#mask;
    this.#endByte[slot] = endByte;
    this.#payloadBytes[slot] = payloadBytes;
    this.#flags[slot] = 0;
    this.#sentNs[slot] = nowNs;
    this.#transmission[slot] = this.#record(this.next);
    this.next++;
  }

  /** @returns the first lost segment that has not been sent again; only if `toRetransmit` > 0 */
  firstToRetransmit(): number {
    let segment = Math.max(this.#retransmitFrom, this.una);
    while ((this.#flags[segment & this.#mask]! & (LOST | RETRANSMITTED)) !== LOST) segment++;
    this.#retransmitFrom = segment;
    return segment;
  }

  /** A segment is sent again: a lost one, or the last one to probe for a loss. */
  retransmit(segment: number, nowNs: number): void {
    const slot = segment & this.#mask;
    const flags = this.#flags[slot]!;
    if ((flags & (LOST | RETRANSMITTED)) === LOST) this.toRetransmit--;
    if ((flags & RETRANSMITTED) === 0) this.retransmittedOut++;
    this.#flags[slot] = flags | RETRANSMITTED | AMBIGUOUS;
    this.#sentNs[slot] = nowNs;
    this.#transmission[slot] = this.#record(segment);
  }

  /** Begins an acknowledgement: all segments before `upTo` are there. */
  acknowledge(upTo: number, nowNs: number, minRttNs: number): void {
    this.delivered = 0;
    this.firstSentNs = UNKNOWN_NS;
    this.lastSentNs = UNKNOWN_NS;
    for (let segment = this.una; segment < upTo; segment++) {
      const slot = segment & this.#mask;
      if ((this.#flags[slot]! & SACKED) !== 0) this.sackedOut--;
      else this.#deliver(slot, nowNs, minRttNs);
    }
    this.una = upTo;
    // With nothing missing all that is on its way was sent once and in order: none before `una` is in doubt. The newest delivered one
    // is no bound: as a retransmission it was sent after segments that may yet turn out lost.
    if (this.sackedOut + this.lostOut + this.retransmittedOut === 0) this.#scan = this.#firstInDoubt();
  }

  /** Goes on with it: this segment beyond it is there. */
  sack(segment: number, nowNs: number, minRttNs: number): void {
    if (segment < this.una) return;
    const slot = segment & this.#mask;
    if ((this.#flags[slot]! & SACKED) !== 0) return;
    this.#deliver(slot, nowNs, minRttNs);
    this.#flags[slot] = SACKED;
    this.sackedOut++;
  }

  /**
   * Marks what RACK takes for lost (RFC 8985 section 6.2, step 5).
   * @param reorderingNs how long a transmission may be overtaken before it counts as lost
   * @returns when to look again; Infinity if nothing is in doubt
   */
  detectLost(nowNs: number, reorderingNs: number): number {
    for (; this.#scan < this.#newest; this.#scan++) {
      const segment = this.#log[this.#scan & (this.#log.length - 1)]!;
      const slot = segment & this.#mask;
      if (segment < this.una || this.#transmission[slot] !== this.#scan) continue;
      if ((this.#flags[slot]! & SACKED) !== 0) continue;
      const lostNs = this.#sentNs[slot]! + this.rackRttNs + reorderingNs;
      if (lostNs > nowNs) return lostNs;
      this.#markLost(segment, slot);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The retransmission timer went off: all that is not known to be there is lost (RFC 6298 section 5; `tcp_timeout_mark_lost`). */
  markAllLost(): void {
    for (let segment = this.una; segment < this.next; segment++) {
      const slot = segment & this.#mask;
      if ((this.#flags[slot]! & SACKED) === 0) this.#markLost(segment, slot);
    }
    this.#scan = this.#nextTransmission;
  }

  #firstInDoubt(): number {
    return this.una < this.next ? this.#transmission[this.una & this.#mask]! : this.#nextTransmission;
  }

  #markLost(segment: number, slot: number): void {
    const flags = this.#flags[slot]!;
    if ((flags & RETRANSMITTED) !== 0) this.retransmittedOut--;
    else if ((flags & LOST) !== 0) return;
    if ((flags & LOST) === 0) this.lostOut++;
    this.toRetransmit++;
    this.#flags[slot] = (flags | LOST) & ~RETRANSMITTED;
    this.#retransmitFrom = Math.min(this.#retransmitFrom, segment);
  }

  #deliver(slot: number, nowNs: number, minRttNs: number): void {
    const flags = this.#flags[slot]!;
    const sentNs = this.#sentNs[slot]!;
    this.delivered++;
    if (flags === 0) {
      if (this.firstSentNs < 0) this.firstSentNs = sentNs;
      this.lastSentNs = sentNs;
    } else {
      this.#settle(flags);
      // The acknowledgement may be that of an earlier transmission (RFC 8985 section 6.2, step 2)
      if ((flags & AMBIGUOUS) !== 0 && nowNs - sentNs < minRttNs) return;
    }
    if (this.#transmission[slot]! <= this.#newest) return;
    this.#newest = this.#transmission[slot]!;
    this.rackRttNs = nowNs - sentNs;
  }

  #settle(flags: number): void {
    if ((flags & RETRANSMITTED) !== 0) this.retransmittedOut--;
    if ((flags & LOST) === 0) return;
    this.lostOut--;
    if ((flags & RETRANSMITTED) === 0) this.toRetransmit--;
  }

  #record(segment: number): number {
    if (this.#nextTransmission - this.#scan >= this.#log.length) this.#growLog();
    this.#log[this.#nextTransmission & (this.#log.length - 1)] = segment;
    return this.#nextTransmission++;
  }

  #growLog(): void {
    this.#log = widened(this.#log, this.#scan, this.#nextTransmission);
  }

  #grow(): void {
    this.#endByte = widened(this.#endByte, this.una, this.next);
    this.#payloadBytes = widened(this.#payloadBytes, this.una, this.next);
    this.#sentNs = widened(this.#sentNs, this.una, this.next);
    this.#transmission = widened(this.#transmission, this.una, this.next);
    this.#flags = widened(this.#flags, this.una, this.next);
    this.#mask = this.#endByte.length - 1;
  }
}
