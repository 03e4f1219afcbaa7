/** How much a socket holds: its buffer grows with the congestion window, and that with what was delivered. */
export interface BufferGrowth {
  readonly initialBytes: number;
  /** For each byte that is delivered while the buffer is in use. */
  readonly growth: number;
  readonly mostBytes: number;
}

/** No less is an event of its own. */
const LEAST_NS = 1e-3;

/**
 * A socket's buffer as a vessel that grows: the thread pours bytes in as fast as it works, the path takes them out at its own rate,
 * and a full vessel holds the thread back. What slow start loses is in the vessel when it begins. Times are nanoseconds.
 *
 * Theory of operation: between two events (full, empty, grown up) all rates are constant, so time passes from event to event.
 */
export class SocketFluid {
  readonly #byteNs: number;
  readonly #growth: number;
  readonly #mostBytes: number;
  #capacity: number;
  #bytes: number;
  /** Time for which the path was the narrower place, and for which the thread was. */
  pathNs = 0;
  threadNs = 0;
  /** What the last step did; fields, so that none is allocated. */
  #stepBytes = 0;
  #stepNs = 0;
  #stepIsPath = false;

  /** @param byteNs of the path */
  constructor(buffer: BufferGrowth, byteNs: number, slowStartNs: number) {
    this.#capacity = buffer.initialBytes;
    this.#growth = buffer.growth;
    this.#mostBytes = buffer.mostBytes;
    this.#byteNs = byteNs;
    this.#bytes = slowStartNs / byteNs;
  }

  /** Time until all that is in it is gone. */
  get drainNs(): number {
    return this.#bytes * this.#byteNs;
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
    const out = Math.min(this.#bytes, ns / this.#byteNs);
    this.#bytes -= out;
    this.#grow(out);
  }

  /**
   * How much of a steady production is in after a time; nothing changes by asking.
   * @param bytes of one piece that takes the thread `workNs`
   * @returns pieces, in fractions too
   */
  piecesWithin(ns: number, bytes: number, workNs: number): number {
    const [held, capacity] = [this.#bytes, this.#capacity];
    let [leftNs, produced] = [ns, 0];
    while (leftNs > LEAST_NS) {
      this.#step(Number.POSITIVE_INFINITY, bytes / workNs, leftNs);
      leftNs -= this.#stepNs;
      produced += this.#stepBytes;
    }
    this.#bytes = held;
    this.#capacity = capacity;
    return produced / bytes;
  }

  /** Until the next event, at most so many bytes or so long. @param rate of the thread, bytes per nanosecond */
  #step(maxBytes: number, rate: number, maxNs: number): void {
    const out = 1 / this.#byteNs;
    const growing = this.#capacity < this.#mostBytes ? this.#growth : 0;
    const room = this.#capacity - this.#bytes;
    const isFull = room <= 1e-6;
    const isEmpty = this.#bytes <= 1e-6 && rate <= out;
    // What slow start put there beyond the capacity must go first.
    const into = room < -1e-6 ? 0 : isFull ? Math.min(rate, out * (1 + growing)) : rate;
    const away = isEmpty ? into : out;
    const rise = into - away;
    const growth = growing * away;
    const untilNs = Math.min(
      maxNs,
      into > 0 ? maxBytes / into : Number.POSITIVE_INFINITY,
      growth > 0 ? (this.#mostBytes - this.#capacity) / growth : Number.POSITIVE_INFINITY,
      rise < 0 ? Math.max(LEAST_NS, this.#bytes / -rise) : Number.POSITIVE_INFINITY,
      rise !== growth && !isFull ? positive(room / (rise - growth)) : Number.POSITIVE_INFINITY,
    );
    const ns = Math.max(untilNs, Math.min(LEAST_NS, maxNs));
    this.#bytes = Math.max(0, this.#bytes + rise * ns);
    this.#grow(away * ns);
    this.#stepBytes = into * ns;
    this.#stepNs = ns;
    this.#stepIsPath = !isEmpty;
  }

  #grow(deliveredBytes: number): void {
    this.#capacity = Math.min(this.#mostBytes, this.#capacity + this.#growth * deliveredBytes);
  }
}

function positive(ns: number): number {
  return ns > 0 ? ns : Number.POSITIVE_INFINITY;
}
