import { Sacked, widened } from './packet-ring.js';
import { ReceiveWindow } from './receive-window.js';

/** Linux: TCP_DELACK_MIN. */
const DELAYED_ACK_NS = 40e6;
/** Linux: TCP_MAX_QUICKACKS; so many acknowledgements at the beginning are not delayed. */
const QUICK_ACKS = 16;
const FIRST_CAPACITY = 256;

/**
 * The receiving end of a connection: puts segments in order and says when to acknowledge (RFC 9293 section 3.8.6.3: every second
 * full segment at the latest, at once what is out of order or fills a gap; net/ipv4/tcp_input.c: `__tcp_ack_snd_check`).
 * Out-of-order segments are each acknowledged: Linux's SACK compression is left out.
 */
export class TcpReceiver {
  readonly window: ReceiveWindow;
  /** All segments before this one are there. */
  nextSegment = 0;
  /** Bytes in order. */
  nextByte = 0;
  /** When an acknowledgement that was delayed is due; Infinity if none is. */
  delayedAckNs = Number.POSITIVE_INFINITY;
  /** Segments that arrived, duplicates among them. */
  segments = 0;
  duplicates = 0;
  readonly #mssBytes: number;
  #acknowledgedByte = 0;
  #quickAcks = QUICK_ACKS;
  #outOfOrder = 0;
  #mask = FIRST_CAPACITY - 1;
  /** Payload of segments beyond `nextSegment`; 0: not there. */
  #payloadBytes = new Int32Array(FIRST_CAPACITY);
  #highest = 0;

  constructor(mssBytes: number) {
    this.#mssBytes = mssBytes;
    this.window = new ReceiveWindow(mssBytes);
  }

  /** @returns bytes that became readable */
  take(segment: number, payloadBytes: number): number {
    this.segments++;
    if (segment === this.nextSegment && this.#outOfOrder === 0) {
      this.nextSegment++;
      this.nextByte += payloadBytes;
      this.window.unreadBytes += payloadBytes;
      this.window.grow(payloadBytes);
      return payloadBytes;
    }
    return this.#takeOutOfOrder(segment, payloadBytes);
  }

  /**
   * After `take`: what to do about it.
   * @returns `Sacked.nothing` or more to acknowledge at once, as `AckRing.sacked`; undefined to wait
   */
  judge(segment: number, filled: number, nowNs: number): number | undefined {
    if (segment >= this.nextSegment) return segment;
    if (filled === 0) return Sacked.duplicate;
    if (this.#outOfOrder > 0 || filled > this.#mssBytes) return Sacked.nothing;
    if (this.#quickAcks > 0) {
      this.#quickAcks--;
      return Sacked.nothing;
    }
    if (this.#isOverdue() && this.window.canAdvance(this.#acknowledgedByte)) return Sacked.nothing;
    if (this.delayedAckNs === Number.POSITIVE_INFINITY) this.delayedAckNs = nowNs + DELAYED_ACK_NS;
    return undefined;
  }

  /** The process read so much. @returns true if that is to be acknowledged (`tcp_cleanup_rbuf`) */
  read(bytes: number, nowNs: number, rttNs: number): boolean {
    this.window.read(bytes, nowNs, rttNs);
    return this.#isOverdue() || this.window.isWorthTelling(this.nextByte);
  }

  /** An acknowledgement leaves. @returns right edge of the window in it */
  acknowledge(): number {
    this.delayedAckNs = Number.POSITIVE_INFINITY;
    this.#acknowledgedByte = this.nextByte;
    return this.window.announce(this.nextByte);
  }

  /** More than a full segment is not acknowledged. */
  #isOverdue(): boolean {
    return this.nextByte - this.#acknowledgedByte > this.#mssBytes;
  }

  #takeOutOfOrder(segment: number, payloadBytes: number): number {
    if (segment < this.nextSegment || this.#isHeld(segment)) {
      this.duplicates++;
      return 0;
    }
    while (segment - this.nextSegment > this.#mask) this.#grow();
    this.#payloadBytes[segment & this.#mask] = payloadBytes;
    this.#highest = Math.max(this.#highest, segment);
    this.#outOfOrder++;
    return this.#release();
  }

  #isHeld(segment: number): boolean {
    return segment <= this.#highest && this.#payloadBytes[segment & this.#mask]! > 0;
  }

  #release(): number {
    let bytes = 0;
    for (;;) {
      const slot = this.nextSegment & this.#mask;
      const payloadBytes = this.#payloadBytes[slot]!;
      if (payloadBytes === 0) break;
      this.#payloadBytes[slot] = 0;
      this.#outOfOrder--;
      this.nextSegment++;
      bytes += payloadBytes;
    }
    this.nextByte += bytes;
    this.window.unreadBytes += bytes;
    return bytes;
  }

  #grow(): void {
    this.#payloadBytes = widened(this.#payloadBytes, this.nextSegment, this.nextSegment + this.#mask + 1);
    this.#mask = this.#payloadBytes.length - 1;
  }
}
