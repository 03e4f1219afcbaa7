import { START_NS } from './start.js';

/** Window of net.ipv4.tcp_rmem's 131072 and 6291456 bytes: with `tcp_adv_win_scale` 1 half of the memory is for payload. */
export const INITIAL_WINDOW_BYTES = 65_536;
const MAX_WINDOW_BYTES = 3 * 1024 * 1024;
const INITIAL_SEGMENTS = 10;
/** Linux measures round trips at the receiver with timestamps of a millisecond (`tcp_rcv_rtt_measure_ts`). */
const MIN_ROUND_TRIP_NS = 1e6;
const CUSHION_SEGMENTS = 16;

/**
 * How many bytes the receiver is ready to take. Opens by two segments for each one that arrives (net/ipv4/tcp_input.c:
 * `tcp_grow_window`) up to a clamp that dynamic right-sizing raises once a round trip to twice what the process has read
 * in it and more (`tcp_rcv_space_adjust`; Fisk and Feng 2001).
 *
 * Simplified: all segments are charged twice their payload, so that payload can be counted instead of buffers; the receiver's
 * round trip is the sender's smoothed one.
 */
export class ReceiveWindow {
  /** In the socket, in order or not, and not read. */
  unreadBytes = 0;
  readonly #mssBytes: number;
  #clampBytes = INITIAL_WINDOW_BYTES;
  #thresholdBytes = INITIAL_WINDOW_BYTES;
  /** Right edge of what was announced. */
  #announcedByte = INITIAL_WINDOW_BYTES;
  #roundStartNs = START_NS;
  #roundBytes = 0;
  #lastRoundBytes: number;

  constructor(mssBytes: number) {
    this.#mssBytes = mssBytes;
    this.#lastRoundBytes = INITIAL_SEGMENTS * mssBytes;
  }

  /** A segment came in order. */
  grow(payloadBytes: number): void {
    const room = Math.min(this.#clampBytes, this.#clampBytes - this.unreadBytes) - this.#thresholdBytes;
    if (room > 0) this.#thresholdBytes += Math.min(room, 2 * Math.max(this.#mssBytes, payloadBytes));
  }

  /** The process read so much. */
  read(bytes: number, nowNs: number, rttNs: number): void {
    this.unreadBytes -= bytes;
    this.#roundBytes += bytes;
    if (nowNs - this.#roundStartNs < Math.max(MIN_ROUND_TRIP_NS, rttNs)) return;
    if (this.#roundBytes > this.#lastRoundBytes) {
      const wanted = 2 * this.#roundBytes + CUSHION_SEGMENTS * this.#mssBytes;
      const growth = (this.#roundBytes - this.#lastRoundBytes) / this.#lastRoundBytes;
      const window = Math.min(MAX_WINDOW_BYTES, Math.floor(wanted * (1 + 2 * growth)));
      this.#clampBytes = Math.max(this.#clampBytes, window);
      this.#lastRoundBytes = this.#roundBytes;
    }
    this.#roundBytes = 0;
    this.#roundStartNs = nowNs;
  }

  /** True if an acknowledgement now would offer at least as much as the last one did (`__tcp_ack_snd_check`). */
  canAdvance(acknowledgedByte: number): boolean {
    return this.#offer() >= this.#announcedByte - acknowledgedByte;
  }

  /** True if the window to be announced is worth an acknowledgement of its own: twice what is left (`tcp_cleanup_rbuf`). */
  isWorthTelling(nextByte: number): boolean {
    const left = this.#announcedByte - nextByte;
    const offer = this.#offer();
    return offer > 0 && 2 * left <= this.#clampBytes && offer >= 2 * left;
  }

  /** @returns right edge of the window, which never moves back (RFC 9293 section 3.8.6) */
  announce(nextByte: number): number {
    this.#announcedByte = Math.max(this.#announcedByte, Math.floor(nextByte + this.#offer()));
    return this.#announcedByte;
  }

  /** `__tcp_select_window`: nothing when little is left, against silly windows (RFC 9293 section 3.8.6.2.2). */
  #offer(): number {
    const free = this.#clampBytes - this.unreadBytes;
    if (free < this.#clampBytes / 2 && (free < this.#clampBytes / 16 || free < this.#mssBytes)) return 0;
    return Math.min(free, this.#thresholdBytes);
  }
}
