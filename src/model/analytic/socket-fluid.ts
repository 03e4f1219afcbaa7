/** How much a socket holds: its buffer grows with the congestion window, and that with what was delivered. */
export interface BufferGrowth {
  readonly initialBytes: number;
  /** For each byte that is delivered while the buffer is in use. */
  readonly growth: number;
  readonly mostBytes: number;
}

/** Slow start: how fast the path can be used before it is used up. */
export interface SlowStart {
  /** Of all connections together, before the first acknowledgement. */
  readonly windowBytes: number;
  readonly rttNs: number;
}

/** No less is an event of its own. */
const LEAST_NS = 1e-3;

/**
 * A socket's buffer as a vessel that grows: the thread pours bytes in as fast as it works, the path takes them out at its own rate,
 * and a full vessel holds the thread back. Times are nanoseconds.
 *
 * Theory of operation: between two events (full, empty, grown up, a round of slow start over) all rates are constant, so time
 * passes from event to event. In round k of slow start 2^k windows leave in a round trip (RFC 5681 section 3.1), until that is as
 * fast as the path.
 */
export class SocketFluid {
  readonly #byteNs: number;
  readonly #growth: number;
  readonly #mostBytes: number;
  readonly #slowStart: SlowStart;
  #capacity: number;
  #bytes = 0;
  /** Bytes per nanosecond that the path takes now; how many more until it takes more. */
  #rate: number;
  #roundBytes: number;
  /** Time for which the path was the narrower place, and for which the thread was. */
  pathNs = 0;
  threadNs = 0;
  /** What the last step did; fields, so that none is allocated. */
  #stepBytes = 0;
  #stepNs = 0;
  #stepIsPath = false;

  /** @param byteNs of the path */
  constructor(buffer: BufferGrowth, byteNs: number, slowStart: SlowStart) {
    this.#capacity = buffer.initialBytes;
    this.#growth = buffer.growth;
    this.#mostBytes = buffer.mostBytes;
    this.#byteNs = byteNs;
    this.#slowStart = slowStart;
    this.#rate = Math.min(1 / byteNs, slowStart.windowBytes / Math.max(slowStart.rttNs, LEAST_NS));
    this.#roundBytes = slowStart.windowBytes;
  }

  /** Bytes that wait in it. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Time until all that is in it is gone; nothing changes by asking. */
  get drainNs(): number {
    let [leftBytes, rate, roundBytes, ns] = [this.#bytes, this.#rate, this.#roundBytes, 0];
    while (leftBytes > 0) {
      const bytes = rate * this.#byteNs < 1 ? Math.min(leftBytes, roundBytes) : leftBytes;
      ns += bytes / rate;
      leftBytes -= bytes;
      rate = Math.min(1 / this.#byteNs, 2 * rate);
      roundBytes = rate * this.#slowStart.rttNs;
    }
    return ns;
  }

  /**
   * The thread produces `bytes` in `workNs`, evenly.
   * @returns time until the last byte is in
   */
  write(bytes: number, workNs: number): number {
    let leftBytes = bytes;
    let takenNs = 0;
    while (leftBytes > 0) {
      this.#step(leftBytes, bytes / workNs, Number.POSITIVE_INFINITY);
      leftBytes = this.#stepBytes >= leftBytes * (1 - 1e-12) ? 0 : leftBytes - this.#stepBytes;
      takenNs += this.#stepNs;
      if (this.#stepIsPath) this.pathNs += this.#stepNs;
      else this.threadNs += this.#stepNs;
    }
    return takenNs;
  }

  /** Nothing is written for a while. */
  wait(ns: number): void {
    let leftNs = ns;
    while (leftNs > LEAST_NS && this.#bytes > 0) {
      const out = Math.min(this.#bytes, leftNs * this.#rate, this.#roundBytes);
      leftNs -= out / this.#rate;
      this.#bytes -= out;
      this.#deliver(out);
    }
  }

  /**
   * How much of a steady production is in after a time; nothing changes by asking.
   * @param bytes of one piece that takes the thread `workNs`
   * @returns pieces, in fractions too
   */
  piecesWithin(ns: number, bytes: number, workNs: number): number {
    const [held, capacity, pathRate, round] = [this.#bytes, this.#capacity, this.#rate, this.#roundBytes];
    let [leftNs, produced] = [ns, 0];
    while (leftNs > LEAST_NS) {
      this.#step(Number.POSITIVE_INFINITY, bytes / workNs, leftNs);
      leftNs -= this.#stepNs;
      produced += this.#stepBytes;
    }
    this.#bytes = held;
    this.#capacity = capacity;
    this.#rate = pathRate;
    this.#roundBytes = round;
    return produced / bytes;
  }

  /** Until the next event, at most so many bytes or so long. @param rate of the thread, bytes per nanosecond */
  #step(maxBytes: number, rate: number, maxNs: number): void {
    const out = this.#rate;
    const growing = this.#capacity < this.#mostBytes ? this.#growth : 0;
    const room = this.#capacity - this.#bytes;
    const isFull = room <= 1e-6;
    const isEmpty = this.#bytes <= 1e-6 && rate <= out;
    const into = isFull ? Math.min(rate, out * (1 + growing)) : rate;
    const away = isEmpty ? into : out;
    const rise = into - away;
    const growth = growing * away;
    const untilNs = Math.min(
      maxNs,
      maxBytes / into,
      this.#roundBytes / away,
      growth > 0 ? (this.#mostBytes - this.#capacity) / growth : Number.POSITIVE_INFINITY,
      rise < 0 ? Math.max(LEAST_NS, this.#bytes / -rise) : Number.POSITIVE_INFINITY,
      rise !== growth && !isFull ? positive(room / (rise - growth)) : Number.POSITIVE_INFINITY,
    );
    const ns = Math.max(untilNs, Math.min(LEAST_NS, maxNs));
    this.#bytes = Math.max(0, this.#bytes + rise * ns);
    this.#deliver(away * ns);
    this.#stepBytes = into * ns;
    this.#stepNs = ns;
    this.#stepIsPath = !isEmpty;
  }

  #deliver(bytes: number): void {
    this.#roundBytes -= bytes;
    if (this.#roundBytes <= 1e-6) {
      this.#rate = Math.min(1 / this.#byteNs, 2 * this.#rate);
      const isOver = this.#rate * this.#byteNs >= 1;
      this.#roundBytes = isOver ? Number.POSITIVE_INFINITY : this.#rate * this.#slowStart.rttNs;
    }
    this.#capacity = Math.min(this.#mostBytes, this.#capacity + this.#growth * bytes);
  }
}

function positive(ns: number): number {
  return ns > 0 ? ns : Number.POSITIVE_INFINITY;
}
