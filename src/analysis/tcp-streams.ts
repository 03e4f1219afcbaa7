import {
  addInterval,
  cardinality,
  copyIntervalList,
  createIntervalList,
  endOf,
  firstEndingAt,
  type IntervalList,
  shareOf,
  uniteIntervals,
} from './interval-list.js';
import {
  createSegmentLog,
  logSegments,
  SEGMENT_LOG_STRIDE,
  SegmentKind,
  type SegmentLog,
} from './segment-log.js';

/*
 * Theory of operation. A stream is one direction of one TCP connection: which bytes of its sequence space have been seen.
 * A segment of which at least one byte had been seen is a retransmission.
 *
 * Unwrapping. Sequence numbers are 32 bits wide and wrap every 4 GiB. Each data segment is placed relative to the data
 * segment before it (signed 32-bit distance), not to the highest number seen: the position of a piece relative to an
 * earlier piece then follows from two numbers, first and last, and joining pieces is associative for any input.
 *
 * Joining. Bytes seen are sets, their union is exact. Counts of retransmissions are not sets: a segment that was new to
 * the later piece was a retransmission if the earlier one had seen its bytes. Therefore each piece logs its new segments
 * (segment-log.ts). A bulk transfer logs one entry as long as its segments keep their size. The log is bounded: half of it
 * for segments beyond all others, of which only the first can lie below the end of the earlier piece, all of it for those
 * that fill holes. What no longer fits is not corrected when pieces are joined: then retransmissions across a cut can be
 * counted too low. Bytes stay exact as long as the interval lists do (interval-list.ts).
 *
 * The fast path, a segment of the same length right behind everything seen, touches five numbers. The end of the last
 * interval and the run in progress live in the record; `settle` writes them to the lists.
 */

/** Fields of a stream's record. */
const Stream = {
  /** Sequence number of the SYN; -1: none seen. */
  syn: 0,
  /** Raw sequence number of the first data; -1: no data. */
  first: 1,
  /** Unwrapped start of the last data segment. */
  last: 2,
  /** Unwrapped end of everything seen. */
  end: 3,
  runStart: 4,
  runLength: 5,
  runSegments: 6,
  /** Payload bytes but keep-alives. */
  bytes: 7,
  retransmissions: 8,
  keepAlives: 9,
} as const;
const STRIDE = 10;

const LOG_BUDGET = 1 << 19;
const MAX_LOG = 1024;
const INTERVAL_BUDGET = 1 << 20;
const MAX_STREAM_INTERVALS = 1024;
const MIN_SHARE = 16;

/** Plain data. Stream 0 is unused: 0 means "none". */
export interface TcpStreamsState {
  records: Float64Array;
  seen: (IntervalList | null)[];
  logs: (SegmentLog | null)[];
  count: number;
}

/** What became of a stream's payload. */
export interface StreamTotals {
  /** Payload bytes sent, retransmissions included, keep-alives left out. */
  bytes: number;
  distinctBytes: number;
  retransmissions: number;
  keepAlives: number;
}

/** Sequence number of a stream's SYN; -1 if none was seen. */
export function synOf(state: TcpStreamsState, stream: number): number {
  return state.records[stream * STRIDE + Stream.syn]!;
}

/** Payload bytes that told nothing new, keep-alives included, of a stream that goes on. Changes nothing. */
export function redundantBytesOf(state: TcpStreamsState, stream: number): number {
  const { records, seen } = state;
  const at = stream * STRIDE;
  const list = seen[stream];
  if (!list) return records[at + Stream.keepAlives]!;
  const running = records[at + Stream.runSegments]! > 0 ? records[at + Stream.end]! - endOf(list) : 0;
  return records[at + Stream.bytes]! - cardinality(list) - running + records[at + Stream.keepAlives]!;
}

export class TcpStreams {
  readonly state: TcpStreamsState = {
    records: new Float64Array(16 * STRIDE),
    seen: [null],
    logs: [null],
    count: 1,
  };

  /** @param syn sequence number of its SYN, -1 for a stream that was under way */
  create(syn: number): number {
    const { state } = this;
    const stream = state.count++;
    if (state.count * STRIDE > state.records.length) {
      const grown = new Float64Array(state.records.length * 2);
      grown.set(state.records);
      state.records = grown;
    }
    state.seen.push(null);
    state.logs.push(null);
    this.reset(stream, syn);
    return stream;
  }

  /** Forgets a stream to use its place for a new one. */
  reset(stream: number, syn: number): void {
    const { state } = this;
    state.records.fill(0, stream * STRIDE, (stream + 1) * STRIDE);
    state.records[stream * STRIDE + Stream.syn] = syn;
    state.records[stream * STRIDE + Stream.first] = -1;
    state.seen[stream] = null;
    state.logs[stream] = null;
  }

  synOf(stream: number): number {
    return synOf(this.state, stream);
  }

  /**
   * A segment with payload.
   * @param sequence of the first byte of payload, 32 bits, signed or not
   * @param length bytes of payload, at least 1
   */
  addSegment(stream: number, sequence: number, length: number): void {
    const { records } = this.state;
    const at = stream * STRIDE;
    const last = records[at + Stream.last]!;
    const start = last + ((sequence - last) | 0);
    if (start === records[at + Stream.end] && length === records[at + Stream.runLength]) {
      records[at + Stream.last] = start;
      records[at + Stream.end] = start + length;
      records[at + Stream.runSegments]! += 1;
      records[at + Stream.bytes]! += length;
      return;
    }
    this.addUnusual(stream, start, sequence, length);
  }

  private addUnusual(stream: number, unwrapped: number, sequence: number, length: number): void {
    const { records } = this.state;
    const at = stream * STRIDE;
    let start = unwrapped;
    if (records[at + Stream.first] === -1) {
      start = sequence >>> 0;
      records[at + Stream.first] = start;
      records[at + Stream.end] = Number.NEGATIVE_INFINITY;
    }
    records[at + Stream.last] = start;
    const end = records[at + Stream.end]!;
    if (length === 1 && start === end - 1) {
      records[at + Stream.keepAlives]! += 1;
      this.log(stream, start, 1, 1, SegmentKind.keepAlive);
      return;
    }
    records[at + Stream.bytes]! += length;
    this.settle(stream);
    const seen = this.seenOf(stream);
    const overlap = addInterval(seen, start, start + length, this.intervalLimit());
    if (overlap > 0) records[at + Stream.retransmissions]! += 1;
    else if (start >= end) this.startRun(at, start, length);
    else this.log(stream, start, length, 1, SegmentKind.filling);
    records[at + Stream.end] = endOf(seen);
  }

  private startRun(at: number, start: number, length: number): void {
    const { records } = this.state;
    records[at + Stream.runStart] = start;
    records[at + Stream.runLength] = length;
    records[at + Stream.runSegments] = 1;
  }

  /** Brings interval list and log up to what the fast path counted in the record, and ends the run. */
  private settle(stream: number): void {
    const { records, seen } = this.state;
    const at = stream * STRIDE;
    const segments = records[at + Stream.runSegments]!;
    if (segments === 0) return;
    const list = seen[stream]!;
    list.bounds[list.count * 2 - 1] = records[at + Stream.end]!;
    const start = records[at + Stream.runStart]!;
    this.log(stream, start, records[at + Stream.runLength]!, segments, SegmentKind.extending);
    records[at + Stream.runSegments] = 0;
    records[at + Stream.runLength] = 0;
  }

  private seenOf(stream: number): IntervalList {
    const { seen } = this.state;
    seen[stream] ??= createIntervalList();
    return seen[stream];
  }

  private intervalLimit(): number {
    return shareOf(INTERVAL_BUDGET, this.state.count, MIN_SHARE, MAX_STREAM_INTERVALS);
  }

  private log(stream: number, start: number, length: number, segments: number, kind: number): void {
    const limit = shareOf(LOG_BUDGET, this.state.count, MIN_SHARE, MAX_LOG);
    const { logs } = this.state;
    logs[stream] ??= createSegmentLog();
    const room = kind === SegmentKind.extending ? limit >> 1 : limit;
    logSegments(logs[stream], start, length, segments, kind, room);
  }

  totals(stream: number): StreamTotals {
    this.settle(stream);
    const { records, seen } = this.state;
    const at = stream * STRIDE;
    const list = seen[stream];
    return {
      bytes: records[at + Stream.bytes]!,
      distinctBytes: list ? cardinality(list) : 0,
      retransmissions: records[at + Stream.retransmissions]!,
      keepAlives: records[at + Stream.keepAlives]!,
    };
  }

  /** A copy of another table's stream. */
  adopt(later: TcpStreamsState, other: number): number {
    const stream = this.create(-1);
    this.overwrite(stream, later, other);
    return stream;
  }

  /** Makes `stream` a copy of another table's stream. */
  overwrite(stream: number, later: TcpStreamsState, other: number): void {
    const { state } = this;
    state.records.set(later.records.subarray(other * STRIDE, (other + 1) * STRIDE), stream * STRIDE);
    const seen = later.seen[other];
    const log = later.logs[other];
    state.seen[stream] = seen ? copyIntervalList(seen) : null;
    state.logs[stream] = log ? { entries: log.entries.slice(), count: log.count } : null;
  }

  /** Joins what a later piece saw of the same connection to `stream`. */
  join(stream: number, later: TcpStreamsState, other: number): void {
    const part = new TcpStreams();
    const copy = part.adopt(later, other);
    part.settle(copy);
    this.settle(stream);
    const { records } = this.state;
    const at = stream * STRIDE;
    const syn = records[at + Stream.syn]!;
    const partRecords = part.state.records;
    const partAt = copy * STRIDE;
    if (partRecords[partAt + Stream.first] === -1) return;
    if (records[at + Stream.first] === -1) {
      this.overwrite(stream, part.state, copy);
      this.state.records[at + Stream.syn] = syn;
      return;
    }
    const last = records[at + Stream.last]!;
    const first = partRecords[partAt + Stream.first]!;
    const shift = last + ((first - last) | 0) - first;
    for (const field of [Stream.bytes, Stream.retransmissions, Stream.keepAlives]) {
      records[at + field]! += partRecords[partAt + field]!;
    }
    const log = part.state.logs[copy];
    if (log) this.reconsider(stream, log, shift);
    const seen = this.seenOf(stream);
    uniteIntervals(seen, part.state.seen[copy]!, shift, this.intervalLimit());
    records[at + Stream.last] = partRecords[partAt + Stream.last]! + shift;
    records[at + Stream.end] = endOf(seen);
  }

  /** Judges the segments a later piece took for new by what this stream has seen. */
  private reconsider(stream: number, log: SegmentLog, shift: number): void {
    const { entries } = log;
    for (let i = 0; i < log.count; i++) {
      const at = i * SEGMENT_LOG_STRIDE;
      const start = entries[at]! + shift;
      const length = entries[at + 1]!;
      const segments = entries[at + 2]!;
      const kind = entries[at + 3]!;
      if (kind === SegmentKind.keepAlive) this.reconsiderKeepAlive(stream, start, segments);
      else this.reconsiderRun(stream, start, length, segments, kind);
    }
  }

  /** Below the end of the earlier piece it was no keep-alive but the repetition of one byte. */
  private reconsiderKeepAlive(stream: number, start: number, segments: number): void {
    const { records } = this.state;
    const at = stream * STRIDE;
    if (records[at + Stream.end]! <= start + 1) {
      this.log(stream, start, 1, segments, SegmentKind.keepAlive);
      return;
    }
    records[at + Stream.keepAlives]! -= segments;
    records[at + Stream.bytes]! += segments;
    records[at + Stream.retransmissions]! += segments;
  }

  private reconsiderRun(stream: number, start: number, length: number, segments: number, kind: number): void {
    const end = this.state.records[stream * STRIDE + Stream.end]!;
    const list = this.seenOf(stream);
    const { bounds } = list;
    const below = Math.min(segments, Math.max(0, Math.ceil((end - start) / length)));
    let next = 0;
    for (let i = firstEndingAt(list, start + 1); i < list.count && next < below; i++) {
      const firstHit = Math.max(next, Math.floor((bounds[2 * i]! - start) / length));
      if (firstHit >= below) break;
      const hits = Math.min(below, Math.ceil((bounds[2 * i + 1]! - start) / length)) - firstHit;
      if (hits <= 0) continue;
      this.logPart(stream, start, length, next, firstHit - next, SegmentKind.filling);
      this.countRepeated(stream, start + firstHit * length, length, hits, kind);
      next = firstHit + hits;
    }
    this.logPart(stream, start, length, next, below - next, SegmentKind.filling);
    this.logPart(stream, start, length, below, segments - below, kind);
  }

  private logPart(
    stream: number,
    start: number,
    length: number,
    skipped: number,
    segments: number,
    kind: number,
  ): void {
    if (segments > 0) this.log(stream, start + skipped * length, length, segments, kind);
  }

  /** Segments whose bytes the earlier piece had seen: retransmissions, but for a keep-alive at its very end. */
  private countRepeated(stream: number, start: number, length: number, segments: number, kind: number): void {
    const { records } = this.state;
    const at = stream * STRIDE;
    const lastByte = records[at + Stream.end]! - 1;
    const reachesEnd = start + segments - 1 === lastByte;
    const keepAlive = kind === SegmentKind.extending && length === 1 && reachesEnd ? 1 : 0;
    records[at + Stream.retransmissions]! += segments - keepAlive;
    if (keepAlive === 0) return;
    records[at + Stream.keepAlives]! += 1;
    records[at + Stream.bytes]! -= 1;
    this.log(stream, lastByte, 1, 1, SegmentKind.keepAlive);
  }
}
