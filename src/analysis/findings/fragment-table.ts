import { movePlace, type PacketPlace } from './sightings.js';

/*
 * Theory of operation. A table of fragmented datagrams by a hash of what makes fragments belong together: each place holds the
 * datagram that took it last, and of it the last few fragments. A fragment that carries bytes which one of these carried, and is
 * not that same fragment once more, overlaps it: no IP stack sends such fragments, and receivers disagree about whose bytes count
 * (RFC 5722).
 *
 * Pieces: the first datagram at each place is kept with its first fragments. They are held against what the earlier piece left
 * at that place, so joining finds what one piece would have found.
 */

/** Places of a table: a power of two. */
const PLACES = 256;
/** Fragments remembered of a datagram. */
const REMEMBERED = 8;
/** Identifications come round; what has the same one this much later belongs to another datagram. */
const SAME_DATAGRAM_SECONDS = 0.5;

/** A fragment, as plain data. */
export interface FragmentSpan {
  /** Bytes of the datagram, the end not included. */
  start: number;
  end: number;
  /** Hash of its bytes; 0 if not all were captured. */
  content: number;
  place: PacketPlace;
  /** Told already. */
  overlaps: boolean;
}

/** What makes fragments belong together. */
export interface DatagramKey {
  /** Two hashes of addresses, protocol and identification. */
  low: number;
  high: number;
}

/** A datagram at its place, as plain data. */
interface Occupant extends DatagramKey {
  /** Source and destination, in network order. */
  addresses: Uint8Array;
  /** In the order of the capture: the last ones; of a first occupant that is kept as such, the first ones. */
  spans: FragmentSpan[];
  /** Nobody was here before. */
  isFirst: boolean;
}

/** Plain data; index is the place, null: nobody. */
export interface FragmentTableState {
  first: (Occupant | null)[];
  last: (Occupant | null)[];
}

/** Told of each fragment that overlaps an earlier one. */
export type TellOverlap = (earlier: PacketPlace, later: PacketPlace, addresses: Uint8Array) => void;

/** The fragments seen last. */
export class FragmentTable {
  readonly state: FragmentTableState = {
    first: new Array<Occupant | null>(PLACES).fill(null),
    last: new Array<Occupant | null>(PLACES).fill(null),
  };
  private readonly tell: TellOverlap;

  constructor(tell: TellOverlap) {
    this.tell = tell;
  }

  /** @param addresses of the datagram, asked for when it is new */
  add(key: DatagramKey, span: FragmentSpan, addresses: () => Uint8Array): void {
    const { first, last } = this.state;
    const at = key.low & (PLACES - 1);
    let occupant = last[at]!;
    if (occupant === null || !isSameKey(occupant, key)) {
      const isFirst = occupant === null;
      occupant = { low: key.low, high: key.high, addresses: addresses(), spans: [], isFirst };
      last[at] = occupant;
      if (isFirst) first[at] = { ...occupant, spans: [] };
    }
    this.judge(occupant, occupant.spans, 0, span);
    remember(occupant.spans, span);
    if (occupant.isFirst) keepFirst(first[at]!, [span]);
  }

  /** Appends what a later piece saw. @param framesBefore as in `Detector.merge` */
  merge(later: FragmentTableState, framesBefore: number): void {
    const { first, last } = this.state;
    for (let at = 0; at < PLACES; at++) {
      const end = moveOccupant(later.last[at]!, framesBefore);
      const begin = moveOccupant(later.first[at]!, framesBefore);
      if (end === null || begin === null) continue;
      const own = last[at]!;
      if (own === null) {
        first[at] = begin;
        last[at] = end;
        continue;
      }
      const goesOn = isSameKey(own, begin);
      if (goesOn) {
        for (const [i, span] of begin.spans.entries()) this.judge(own, own.spans, i, span);
        if (own.isFirst) keepFirst(first[at]!, begin.spans);
      }
      const spans = goesOn && end.isFirst ? [...own.spans, ...end.spans].slice(-REMEMBERED) : end.spans;
      last[at] = { ...end, spans, isFirst: goesOn && end.isFirst && own.isFirst };
    }
  }

  /** @param since fragments of the same datagram that came between these spans and this one */
  private judge(occupant: Occupant, spans: readonly FragmentSpan[], since: number, span: FragmentSpan): void {
    if (span.overlaps) return;
    const oldest = Math.max(0, spans.length + since - REMEMBERED);
    for (let i = oldest; i < spans.length; i++) {
      if (!isOverlap(spans[i]!, span)) continue;
      span.overlaps = true;
      this.tell(spans[i]!.place, span.place, occupant.addresses);
      return;
    }
  }
}

function isSameKey(a: DatagramKey, b: DatagramKey): boolean {
  return a.low === b.low && a.high === b.high;
}

function isOverlap(earlier: FragmentSpan, later: FragmentSpan): boolean {
  if (later.start >= earlier.end || earlier.start >= later.end) return false;
  const isSamePlace = later.start === earlier.start && later.end === earlier.end;
  const mayBeSame = later.content === earlier.content || later.content === 0 || earlier.content === 0;
  if (isSamePlace && mayBeSame) return false;
  const seconds = later.place.seconds - earlier.place.seconds;
  const nanoseconds = later.place.nanoseconds - earlier.place.nanoseconds;
  return Math.abs(seconds + nanoseconds / 1e9) <= SAME_DATAGRAM_SECONDS;
}

function remember(spans: FragmentSpan[], span: FragmentSpan): void {
  spans.push(span);
  if (spans.length > REMEMBERED) spans.shift();
}

function keepFirst(first: Occupant, spans: readonly FragmentSpan[]): void {
  for (const span of spans) if (first.spans.length < REMEMBERED) first.spans.push(span);
}

function moveOccupant(occupant: Occupant | null, framesBefore: number): Occupant | null {
  if (occupant === null) return null;
  const spans = occupant.spans.map((span) => ({ ...span, place: movePlace(span.place, framesBefore) }));
  return { ...occupant, spans };
}
