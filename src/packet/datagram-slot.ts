/** Disjoint spans kept of one datagram; a datagram in more pieces than this at a time is given up. */
const MAX_SPANS = 64;
/** Greatest IPv4 datagram, header included, and greatest IPv6 payload, extension headers included. */
export const MAX_DATAGRAM_BYTES = 65_535;

/** A datagram of which fragments are missing, as plain data: what one analysis hands to the next. */
export interface PendingDatagram {
  /** Family, addresses, protocol and identification. */
  key: Uint8Array;
  /** IP header of the first fragment (IPv6: up to the fragment header); empty while that is missing. */
  header: Uint8Array;
  /** Protocol behind the IPv6 fragment header. */
  nextHeader: number;
  /** Offset in `header` of the byte that names the fragment header (IPv6). */
  nextHeaderAt: number;
  /** Captured data, from the datagram's first byte; what lies in holes means nothing. */
  data: Uint8Array;
  /** Pairs start, end of what is there, ascending and disjoint. */
  spans: number[];
  /** Length of the datagram's data, -1 while the last fragment is missing. */
  dataBytes: number;
  /** First byte that the snap length cut off. */
  cutAt: number;
  fragments: number;
  wireBytes: number;
  /** Bytes that came more than once. */
  overlapBytes: number;
  timeSeconds: number;
  timeNanoseconds: number;
  frameNumber: number;
  /** Count of fragments seen before its first and before its latest one. */
  firstAt: number;
  latestAt: number;
}

/** One datagram being put together. Reused for others afterwards. */
export class DatagramSlot {
  key = new Uint8Array(40);
  keyBytes = 0;
  header = new Uint8Array(64);
  headerBytes = 0;
  nextHeader = 0;
  nextHeaderAt = 0;
  data = new Uint8Array(2048);
  readonly spans = new Int32Array(2 * MAX_SPANS + 2);
  spanCount = 0;
  dataBytes = -1;
  cutAt = MAX_DATAGRAM_BYTES + 1;
  fragments = 0;
  wireBytes = 0;
  overlapBytes = 0;
  timeSeconds = 0;
  timeNanoseconds = 0;
  frameNumber = 0;
  firstAt = 0;
  latestAt = 0;
  /** Next slot with the same hash. */
  next: DatagramSlot | null = null;

  start(key: Uint8Array, keyBytes: number, at: number): void {
    this.key.set(key.subarray(0, keyBytes));
    this.keyBytes = keyBytes;
    this.headerBytes = 0;
    this.spanCount = 0;
    this.dataBytes = -1;
    this.cutAt = MAX_DATAGRAM_BYTES + 1;
    this.fragments = 0;
    this.wireBytes = 0;
    this.overlapBytes = 0;
    this.firstAt = at;
    this.latestAt = at;
    this.next = null;
  }

  hasKey(key: Uint8Array, keyBytes: number): boolean {
    if (keyBytes !== this.keyBytes) return false;
    for (let i = 0; i < keyBytes; i++) if (key[i] !== this.key[i]) return false;
    return true;
  }

  /** Copies captured data of a fragment to its place. */
  putData(source: Uint8Array, from: number, to: number, at: number): void {
    const needed = at + to - from;
    if (needed > this.data.length) {
      const larger = new Uint8Array(Math.min(Math.max(needed, this.data.length * 2), MAX_DATAGRAM_BYTES + 1));
      larger.set(this.data);
      this.data = larger;
    }
    copyBytes(source, from, to, this.data, at);
  }

  putHeader(source: Uint8Array, from: number, to: number): void {
    if (to - from > this.header.length) this.header = new Uint8Array(to - from);
    copyBytes(source, from, to, this.header, 0);
    this.headerBytes = to - from;
  }

  /**
   * Notes that bytes start..end came.
   * @returns how many of them had come before, or -1 if the datagram is in too many pieces
   */
  cover(start: number, end: number): number {
    const { spans } = this;
    let at = 0;
    while (at < this.spanCount && spans[2 * at + 1]! < start) at++;
    let from = start;
    let to = end;
    let overlap = 0;
    let last = at;
    while (last < this.spanCount && spans[2 * last]! <= end) {
      overlap += Math.max(0, Math.min(end, spans[2 * last + 1]!) - Math.max(start, spans[2 * last]!));
      from = Math.min(from, spans[2 * last]!);
      to = Math.max(to, spans[2 * last + 1]!);
      last++;
    }
    if (last === at && this.spanCount === MAX_SPANS) return -1;
    spans.copyWithin(2 * at + 2, 2 * last, 2 * this.spanCount);
    spans[2 * at] = from;
    spans[2 * at + 1] = to;
    this.spanCount += 1 - (last - at);
    return overlap;
  }

  get isComplete(): boolean {
    return (
      this.headerBytes > 0 &&
      this.spanCount === 1 &&
      this.spans[0] === 0 &&
      this.dataBytes >= 0 &&
      this.spans[1]! >= this.dataBytes
    );
  }

  /** Bytes of fragments that came, those that came twice counted twice. */
  get seenBytes(): number {
    let seen = this.overlapBytes;
    for (let i = 0; i < this.spanCount; i++) seen += this.spans[2 * i + 1]! - this.spans[2 * i]!;
    return seen;
  }

  /** End of the last byte known to exist. */
  get knownBytes(): number {
    const covered = this.spanCount === 0 ? 0 : this.spans[2 * this.spanCount - 1]!;
    return Math.max(covered, this.dataBytes);
  }

  export(): PendingDatagram {
    return {
      key: this.key.slice(0, this.keyBytes),
      header: this.header.slice(0, this.headerBytes),
      nextHeader: this.nextHeader,
      nextHeaderAt: this.nextHeaderAt,
      data: this.data.slice(0, Math.min(this.knownBytes, this.data.length)),
      spans: Array.from(this.spans.subarray(0, 2 * this.spanCount)),
      dataBytes: this.dataBytes,
      cutAt: this.cutAt,
      fragments: this.fragments,
      wireBytes: this.wireBytes,
      overlapBytes: this.overlapBytes,
      timeSeconds: this.timeSeconds,
      timeNanoseconds: this.timeNanoseconds,
      frameNumber: this.frameNumber,
      firstAt: this.firstAt,
      latestAt: this.latestAt,
    };
  }
}

function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > 64) {
    target.set(source.subarray(from, to), at);
    return;
  }
  for (let i = from; i < to; i++) target[at + i - from] = source[i]!;
}
