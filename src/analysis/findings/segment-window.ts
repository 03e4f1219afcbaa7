import type { PacketBatch } from '../../packet/packet-batch.js';
import { FLOW_WORDS, type FlowKeys } from './flow-words.js';
import type { Encounter } from './recent-packets.js';
import type { PacketPlace } from './sightings.js';

/*
 * Theory of operation. The TCP segments seen last, of all connections together, with hashes of some of their bytes. A segment
 * that begins where one of these began, in the same connection, says the same or something else. Retransmissions may be cut in
 * other places; what begins at the same byte must go on with the same bytes all the same.
 *
 * Hashing whole segments would cost more than all the rest of the analysis: the first 8 bytes are compared, and of segments of
 * equal length that were captured whole the middle and the end. A segment behind everything that its connection sent, nearly
 * every one, is only noted. Others are looked for, from the last segment back.
 *
 * Pieces: the first segments of a piece are kept apart. Those that met none in their own piece are looked for among the last
 * ones of the earlier piece, as far back as they would have been in one piece.
 */

/** Segments remembered: a power of two. */
const WINDOW = 1024;
/** Shorter segments are not looked at: probes may carry a byte of anything (RFC 9293 section 3.8.4). */
export const HEAD_BYTES = 8;

/** Columns of a segment in `words`. */
const Word = { low: 0, high: 1, sequence: 2, end: 3, head: 4, body: 5, length: 6, nanoseconds: 7 } as const;
const WORDS = 8;
/** Columns of a segment in `places`. */
const Place = { packet: 0, seconds: 1, fileIndex: 2 } as const;
const PLACE_FIELDS = 3;

/** Columns of a connection in `ends`. */
const End = { low: 0, high: 1, sequence: 2, isTaken: 3 } as const;
const END_FIELDS = 4;
/** Connections whose end is remembered: a power of two. Of others all segments are looked for. */
const END_PLACES = 1024;

/** Segments by index modulo `WINDOW`, as plain data. */
interface Columns {
  words: Int32Array;
  places: Float64Array;
}

/** Plain data. */
export interface SegmentWindowState {
  /** The last segments. */
  last: Columns;
  /** The first `WINDOW` segments; null as long as those are the last ones, too. */
  first: Columns | null;
  /** Words of their flows. */
  flows: Int32Array;
  /** Which of them met an earlier one: 1. */
  met: Uint8Array;
  /** All segments so far. */
  count: number;
}

/** A segment as the window knows it; one object, refilled. */
export interface Segment {
  /** Of its first byte, and behind its last one. */
  sequence: number;
  end: number;
  head: number;
  body: number;
  /** If it was captured whole, else 0. */
  length: number;
}

/** Told of a segment that contradicts an earlier one. @param flow its words, see flow-words.ts */
export type TellContradiction = (encounter: Encounter, flow: Int32Array) => void;

/** The segments seen last. */
export class SegmentWindow {
  readonly state: SegmentWindowState = {
    last: newColumns(),
    first: null,
    flows: new Int32Array(WINDOW * FLOW_WORDS),
    met: new Uint8Array(WINDOW),
    count: 0,
  };
  private readonly tell: TellContradiction;
  private readonly ends = new Int32Array(END_PLACES * END_FIELDS);

  constructor(tell: TellContradiction) {
    this.tell = tell;
  }

  /**
   * Adds the segment in `row`.
   * @param keys have been asked for its flow
   */
  put(segment: Segment, keys: FlowKeys, batch: PacketBatch, row: number, fileIndex: number): void {
    const { state, ends } = this;
    const { frameNumber, timeSeconds, timeNanoseconds } = batch.block;
    if (state.count === WINDOW) state.first = copyColumns(state.last);
    const index = state.count++ & (WINDOW - 1);
    const { words, places } = state.last;
    const at = index * WORDS;
    words[at + Word.low] = keys.low;
    words[at + Word.high] = keys.high;
    words[at + Word.sequence] = segment.sequence;
    words[at + Word.end] = segment.end;
    words[at + Word.head] = segment.head;
    words[at + Word.body] = segment.body;
    words[at + Word.length] = segment.length;
    words[at + Word.nanoseconds] = timeNanoseconds[row]!;
    const placeAt = index * PLACE_FIELDS;
    places[placeAt + Place.packet] = frameNumber[row]!;
    places[placeAt + Place.seconds] = timeSeconds[row]!;
    places[placeAt + Place.fileIndex] = fileIndex;
    if (state.count <= WINDOW) keys.writeWords(state.flows, index * FLOW_WORDS);

    const endAt = (keys.low & (END_PLACES - 1)) * END_FIELDS;
    if (
      ends[endAt + End.low] === keys.low &&
      ends[endAt + End.high] === keys.high &&
      ends[endAt + End.isTaken] === 1 &&
      ((segment.sequence - ends[endAt + End.sequence]!) | 0) >= 0
    )
      ends[endAt + End.sequence] = segment.end;
    else this.lookBack(endAt, keys);
  }

  /** Looks for what the segment added last repeats, and finds out how far its connection had got. */
  private lookBack(endAt: number, keys: FlowKeys): void {
    const { state, ends } = this;
    const { last, met } = state;
    const newest = (state.count - 1) & (WINDOW - 1);
    const repeated = findRepeated(last, state.count - 1, last, newest, WINDOW - 1);
    if (repeated >= 0) {
      if (state.count <= WINDOW) met[newest] = 1;
      if (contradicts(last, repeated, last, newest))
        this.tell({ earlier: placeAt(last, repeated), later: placeAt(last, newest) }, keys.copyWords());
    }
    ends[endAt + End.low] = keys.low;
    ends[endAt + End.high] = keys.high;
    ends[endAt + End.sequence] = furthestEnd(last.words, newest * WORDS, Math.min(state.count, WINDOW));
    ends[endAt + End.isTaken] = 1;
  }

  /** Appends what a later piece saw. @param framesBefore as in `Detector.merge` */
  merge(later: SegmentWindowState, framesBefore: number): void {
    const { state } = this;
    const before = state.count;
    const earliest = later.first ?? later.last;
    const firsts = Math.min(later.count, WINDOW);
    for (let i = 0; i < firsts; i++) movePacket(earliest, i, framesBefore);
    const met = later.met.slice();
    for (let i = 0; i < firsts; i++) {
      if (met[i] === 1) continue;
      const earlier = findRepeated(state.last, before, earliest, i, WINDOW - 1 - i);
      if (earlier < 0) continue;
      met[i] = 1;
      if (!contradicts(state.last, earlier, earliest, i)) continue;
      const flow = later.flows.slice(i * FLOW_WORDS, (i + 1) * FLOW_WORDS);
      this.tell({ earlier: placeAt(state.last, earlier), later: placeAt(earliest, i) }, flow);
    }
    if (later.first !== null) for (let i = 0; i < WINDOW; i++) movePacket(later.last, i, framesBefore);
    this.keepFirsts(earliest, later.flows, met, firsts);
    this.append(later);
    // Connections may have got further meanwhile: their segments are looked for anew.
    this.ends.fill(0);
  }

  /** As long as the first segments of all are not complete, those of the later piece go on with them. */
  private keepFirsts(from: Columns, flows: Int32Array, met: Uint8Array, firsts: number): void {
    const { state } = this;
    const before = state.count;
    const taken = Math.max(0, Math.min(firsts, WINDOW - before));
    if (before < WINDOW && before + firsts > WINDOW) state.first = copyColumns(state.last);
    for (let i = 0; i < taken; i++) {
      if (state.first !== null) copySegment(state.first, before + i, from, i);
      state.flows.set(flows.subarray(i * FLOW_WORDS, (i + 1) * FLOW_WORDS), (before + i) * FLOW_WORDS);
      state.met[before + i] = met[i]!;
    }
    if (before === WINDOW && firsts > 0) state.first = copyColumns(state.last);
  }

  private append(later: SegmentWindowState): void {
    const { state } = this;
    const from = Math.max(0, later.count - WINDOW);
    for (let i = from; i < later.count; i++) {
      const index = (state.count + i) & (WINDOW - 1);
      copySegment(state.last, index, later.last, i & (WINDOW - 1));
    }
    state.count += later.count;
  }
}

/**
 * Index of the last one of `columns` that begins where a segment begins, in the same connection.
 * @param count segments in `columns` that came before it, those no longer there included
 * @param reach how many of these to look at
 * @returns -1 if there is none
 */
function findRepeated(columns: Columns, count: number, of: Columns, index: number, reach: number): number {
  const { words } = columns;
  const low = of.words[index * WORDS + Word.low]!;
  const high = of.words[index * WORDS + Word.high]!;
  const sequence = of.words[index * WORDS + Word.sequence]!;
  const oldest = Math.max(0, count - reach);
  for (let i = count - 1; i >= oldest; i--) {
    const at = (i & (WINDOW - 1)) * WORDS;
    if (words[at + Word.sequence] !== sequence || words[at + Word.low] !== low) continue;
    if (words[at + Word.high] === high) return i & (WINDOW - 1);
  }
  return -1;
}

/** Furthest end of a segment of the same connection as the one at `at`, among the first `count` ones. */
function furthestEnd(words: Int32Array, at: number, count: number): number {
  const low = words[at + Word.low]!;
  const high = words[at + Word.high]!;
  let end = words[at + Word.end]!;
  for (let other = 0; other < count * WORDS; other += WORDS) {
    if (words[other + Word.low] !== low || words[other + Word.high] !== high) continue;
    if (((words[other + Word.end]! - end) | 0) > 0) end = words[other + Word.end]!;
  }
  return end;
}

/** Do two segments that begin at the same byte go on with other bytes? */
function contradicts(earlier: Columns, earlierIndex: number, later: Columns, laterIndex: number): boolean {
  const a = earlierIndex * WORDS;
  const b = laterIndex * WORDS;
  if (earlier.words[a + Word.head] !== later.words[b + Word.head]) return true;
  const length = later.words[b + Word.length]!;
  if (length === 0 || earlier.words[a + Word.length] !== length) return false;
  return earlier.words[a + Word.body] !== later.words[b + Word.body];
}

function newColumns(): Columns {
  return { words: new Int32Array(WINDOW * WORDS), places: new Float64Array(WINDOW * PLACE_FIELDS) };
}

function copyColumns({ words, places }: Columns): Columns {
  return { words: words.slice(), places: places.slice() };
}

function copySegment(to: Columns, toIndex: number, from: Columns, index: number): void {
  to.words.set(from.words.subarray(index * WORDS, (index + 1) * WORDS), toIndex * WORDS);
  const at = index * PLACE_FIELDS;
  to.places.set(from.places.subarray(at, at + PLACE_FIELDS), toIndex * PLACE_FIELDS);
}

function movePacket({ places }: Columns, index: number, framesBefore: number): void {
  places[index * PLACE_FIELDS + Place.packet]! += framesBefore;
}

function placeAt({ words, places }: Columns, index: number): PacketPlace {
  const at = index * PLACE_FIELDS;
  return {
    fileIndex: places[at + Place.fileIndex]!,
    packet: places[at + Place.packet]!,
    seconds: places[at + Place.seconds]!,
    nanoseconds: words[index * WORDS + Word.nanoseconds]!,
  };
}
