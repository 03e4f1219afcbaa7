import type { FrameBlock } from '../../packet/frame-block.js';
import type { PacketBatch } from '../../packet/packet-batch.js';
import { FLOW_WORDS, type FlowKeys } from './flow-words.js';
import type { Encounter } from './recent-packets.js';
import { movePlace, type PacketPlace, placeOf } from './sightings.js';
import { mixLow } from './word-hash.js';

/*
 * Theory of operation. A table of TCP segments by a hash of connection and sequence number: each place holds the segment that
 * took it last, with hashes of some of its bytes. A segment that comes to a place held by one that begins at the same byte of
 * the same connection says the same or something else. Retransmissions may be cut in other places; what begins at the same
 * byte must go on with the same bytes all the same.
 *
 * Hashing whole segments would cost more than all the rest of the analysis. So the first 8 bytes are hashed, and of segments
 * that were captured whole four words spread over them, which are compared with those of a segment of the same length.
 *
 * Pieces join as in recent-packets.ts: by the first segment at each place.
 */

/** Places of a table: a power of two. */
export const SEGMENT_PLACES = 2048;
/** Shorter segments are not looked at: probes may carry a byte of anything (RFC 9293 section 3.8.4). */
export const HEAD_BYTES = 8;

/** Columns of a place in `words`. */
const Word = { low: 0, high: 1, sequence: 2, head: 3, body: 4, length: 5, nanoseconds: 6 } as const;
const WORDS = 8;
/** Columns of a place in `places`. `packet` 0: nobody. */
const Place = { packet: 0, seconds: 1, fileIndex: 2 } as const;
const PLACE_FIELDS = 4;

/** Plain data. */
interface Columns {
  words: Int32Array;
  places: Float64Array;
}

/** Plain data. */
export interface SegmentTableState {
  first: Columns;
  last: Columns;
  /** Flow of the first segment at each place. */
  flows: Int32Array;
}

/** A segment as the table knows it. */
export interface Segment {
  low: number;
  high: number;
  /** Of its first byte. */
  sequence: number;
  head: number;
  body: number;
  /** If it was captured whole, else 0. */
  length: number;
}

/** Told of a segment that contradicts an earlier one. @param flow its words, see flow-words.ts */
export type TellContradiction = (encounter: Encounter, flow: Int32Array) => void;

/** The segments seen last. */
export class SegmentTable {
  readonly state: SegmentTableState = {
    first: newColumns(),
    last: newColumns(),
    flows: new Int32Array(SEGMENT_PLACES * FLOW_WORDS),
  };
  private readonly tell: TellContradiction;
  private readonly scratch = newSegment();

  constructor(tell: TellContradiction) {
    this.tell = tell;
  }

  /**
   * Puts the segment in `row` into the table.
   * @param keys have been asked for its flow
   */
  put(segment: Segment, keys: FlowKeys, batch: PacketBatch, row: number, fileIndex: number): void {
    const { first, last, flows } = this.state;
    const place = placeOfSegment(segment.low, segment.sequence);
    if (last.places[place * PLACE_FIELDS + Place.packet] === 0) {
      write(first, place, segment, batch.block, row, fileIndex);
      flows.set(keys.copyWords(), place * FLOW_WORDS);
    } else if (contradicts(last, place, segment)) {
      const later = placeOf(batch, row, fileIndex);
      this.tell({ earlier: placeAt(last, place), later }, keys.copyWords());
    }
    write(last, place, segment, batch.block, row, fileIndex);
  }

  /** Appends what a later piece saw. @param framesBefore as in `Detector.merge` */
  merge(later: SegmentTableState, framesBefore: number): void {
    const { first, last, flows } = this.state;
    for (let place = 0; place < SEGMENT_PLACES; place++) {
      const at = place * PLACE_FIELDS + Place.packet;
      if (later.last.places[at] === 0) continue;
      const flow = later.flows.subarray(place * FLOW_WORDS, (place + 1) * FLOW_WORDS);
      if (last.places[at] === 0) {
        copyPlace(first, later.first, place, framesBefore);
        flows.set(flow, place * FLOW_WORDS);
      } else if (contradicts(last, place, readSegment(later.first, place, this.scratch))) {
        const moved = movePlace(placeAt(later.first, place), framesBefore);
        this.tell({ earlier: placeAt(last, place), later: moved }, flow.slice());
      }
      copyPlace(last, later.last, place, framesBefore);
    }
  }
}

export function newSegment(): Segment {
  return { low: 0, high: 0, sequence: 0, head: 0, body: 0, length: 0 };
}

function newColumns(): Columns {
  return {
    words: new Int32Array(SEGMENT_PLACES * WORDS),
    places: new Float64Array(SEGMENT_PLACES * PLACE_FIELDS),
  };
}

function placeOfSegment(low: number, sequence: number): number {
  return (mixLow(low, sequence) >>> 4) & (SEGMENT_PLACES - 1);
}

/** Does `segment` begin where the one at `place` began, and go on with other bytes? */
function contradicts({ words }: Columns, place: number, segment: Segment): boolean {
  const at = place * WORDS;
  if (words[at + Word.sequence] !== segment.sequence || words[at + Word.low] !== segment.low) return false;
  if (words[at + Word.high] !== segment.high) return false;
  if (words[at + Word.head] !== segment.head) return true;
  const { length } = segment;
  return length !== 0 && words[at + Word.length] === length && words[at + Word.body] !== segment.body;
}

function write(
  { words, places }: Columns,
  place: number,
  segment: Segment,
  { frameNumber, timeSeconds, timeNanoseconds }: FrameBlock,
  row: number,
  fileIndex: number,
): void {
  const at = place * WORDS;
  words[at + Word.low] = segment.low;
  words[at + Word.high] = segment.high;
  words[at + Word.sequence] = segment.sequence;
  words[at + Word.head] = segment.head;
  words[at + Word.body] = segment.body;
  words[at + Word.length] = segment.length;
  words[at + Word.nanoseconds] = timeNanoseconds[row]!;
  const placeAt = place * PLACE_FIELDS;
  places[placeAt + Place.packet] = frameNumber[row]!;
  places[placeAt + Place.seconds] = timeSeconds[row]!;
  places[placeAt + Place.fileIndex] = fileIndex;
}

function readSegment({ words }: Columns, place: number, segment: Segment): Segment {
  const at = place * WORDS;
  segment.low = words[at + Word.low]!;
  segment.high = words[at + Word.high]!;
  segment.sequence = words[at + Word.sequence]!;
  segment.head = words[at + Word.head]!;
  segment.body = words[at + Word.body]!;
  segment.length = words[at + Word.length]!;
  return segment;
}

function placeAt({ words, places }: Columns, place: number): PacketPlace {
  const at = place * PLACE_FIELDS;
  return {
    fileIndex: places[at + Place.fileIndex]!,
    packet: places[at + Place.packet]!,
    seconds: places[at + Place.seconds]!,
    nanoseconds: words[place * WORDS + Word.nanoseconds]!,
  };
}

function copyPlace(to: Columns, from: Columns, place: number, framesBefore: number): void {
  to.words.set(from.words.subarray(place * WORDS, (place + 1) * WORDS), place * WORDS);
  const at = place * PLACE_FIELDS;
  to.places.set(from.places.subarray(at, at + PLACE_FIELDS), at);
  to.places[at + Place.packet]! += framesBefore;
}
