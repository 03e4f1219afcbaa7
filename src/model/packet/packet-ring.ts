const FIRST_CAPACITY = 256;

/** Data segments on their way, in the order of their times: a queue in typed arrays that doubles when it is full. */
export class PacketRing {
  size = 0;
  #head = 0;
  #mask = FIRST_CAPACITY - 1;
  #timeNs = new Float64Array(FIRST_CAPACITY);
  #segment = new Float64Array(FIRST_CAPACITY);
  #connection = new Int32Array(FIRST_CAPACITY);
  #payloadBytes = new Int32Array(FIRST_CAPACITY);

  push(timeNs: number, connection: number, segment: number, payloadBytes: number): void {
    if (this.size > this.#mask) this.#grow();
    const slot = (this.#head + this.size) & this.#mask;
    this.size++;
    this.#timeNs[slot] = timeNs;
    this.#segment[slot] = segment;
    this.#connection[slot] = connection;
    this.#payloadBytes[slot] = payloadBytes;
  }

  /** Time of the first; Infinity if there is none. */
  get timeNs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#timeNs[this.#head]!;
  }

  /** Of the first, as all that follow. */
  get segment(): number {
    return this.#segment[this.#head]!;
  }

  get connection(): number {
    return this.#connection[this.#head]!;
  }

  get payloadBytes(): number {
    return this.#payloadBytes[this.#head]!;
  }

  drop(): void {
    this.#head = (this.#head + 1) & this.#mask;
    this.size--;
  }

  #grow(): void {
    this.#timeNs = unrolled(this.#timeNs, this.#head);
    this.#segment = unrolled(this.#segment, this.#head);
    this.#connection = unrolled(this.#connection, this.#head);
    this.#payloadBytes = unrolled(this.#payloadBytes, this.#head);
    this.#mask = 2 * this.#mask + 1;
    this.#head = 0;
  }
}

/** Acknowledgements on their way. */
export class AckRing {
  size = 0;
  #head = 0;
  #mask = FIRST_CAPACITY - 1;
  #timeNs = new Float64Array(FIRST_CAPACITY);
  #connection = new Int32Array(FIRST_CAPACITY);
  #nextSegment = new Float64Array(FIRST_CAPACITY);
  #sacked = new Float64Array(FIRST_CAPACITY);
  #windowEnd = new Float64Array(FIRST_CAPACITY);

  /** Columns as the getters of the same names say. */
  push(timeNs: number, connection: number, nextSegment: number, sacked: number, windowEnd: number): void {
    if (this.size > this.#mask) this.#grow();
    const slot = (this.#head + this.size) & this.#mask;
    this.size++;
    this.#timeNs[slot] = timeNs;
    this.#connection[slot] = connection;
    this.#nextSegment[slot] = nextSegment;
    this.#sacked[slot] = sacked;
    this.#windowEnd[slot] = windowEnd;
  }

  /** Time of the first; Infinity if there is none. */
  get timeNs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#timeNs[this.#head]!;
  }

  get connection(): number {
    return this.#connection[this.#head]!;
  }

  /** All segments before this one have arrived. */
  get nextSegment(): number {
    return this.#nextSegment[this.#head]!;
  }

  /** The segment beyond it whose arrival caused the acknowledgement, or one of `Sacked`. */
  get sacked(): number {
    return this.#sacked[this.#head]!;
  }

  /** Right edge of the receive window, in bytes of the stream. */
  get windowEnd(): number {
    return this.#windowEnd[this.#head]!;
  }

  drop(): void {
    this.#head = (this.#head + 1) & this.#mask;
    this.size--;
  }

  #grow(): void {
    this.#timeNs = unrolled(this.#timeNs, this.#head);
    this.#connection = unrolled(this.#connection, this.#head);
    this.#nextSegment = unrolled(this.#nextSegment, this.#head);
    this.#sacked = unrolled(this.#sacked, this.#head);
    this.#windowEnd = unrolled(this.#windowEnd, this.#head);
    this.#mask = 2 * this.#mask + 1;
    this.#head = 0;
  }
}

/** What an acknowledgement says of segments beyond its own number when it names none. */
export const Sacked = {
  nothing: -1,
  /** The segment had arrived before (D-SACK, RFC 2883). */
  duplicate: -2,
} as const;

/** @returns the same elements from `head` on, in an array of twice the length */
export function unrolled<Column extends Float64Array | Int32Array>(column: Column, head: number): Column {
  const wider = new (column.constructor as new (length: number) => Column)(2 * column.length);
  wider.set(column.subarray(head));
  wider.set(column.subarray(0, head), column.length - head);
  return wider;
}

/** @returns array of twice the length with the elements numbered `from` to `to`, each at its number modulo the length */
export function widened<Column extends Float64Array | Int32Array>(
  column: Column,
  from: number,
  to: number,
): Column {
  const wider = new (column.constructor as new (length: number) => Column)(2 * column.length);
  const mask = column.length - 1;
  for (let number = from; number < to; number++) wider[number & (2 * mask + 1)] = column[number & mask]!;
  return wider;
}
