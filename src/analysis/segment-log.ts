/**
 * What one piece of a capture must remember of a TCP stream so that an earlier piece can correct it: segments that were new
 * to this piece, in runs of equal length. Once the earlier piece is known, those that it had seen turn out to be
 * retransmissions.
 */
export interface SegmentLog {
  /** Four numbers an entry: start, segment length, segments, kind. Segment i of an entry starts at `start + i * length`. */
  entries: Float64Array;
  count: number;
}

export const SEGMENT_LOG_STRIDE = 4;

export const SegmentKind = {
  /** New bytes beyond everything seen. */
  extending: 0,
  /** New bytes below the highest seen: a hole was filled. */
  filling: 1,
  /** One byte just below the highest seen (RFC 9293 section 3.8.4): nothing was sent. */
  keepAlive: 2,
} as const;

export function createSegmentLog(): SegmentLog {
  return { entries: new Float64Array(4 * SEGMENT_LOG_STRIDE), count: 0 };
}

/** Appends an entry, or adds it to the last one if it continues that. @returns false if there was no room */
export function logSegments(
  log: SegmentLog,
  start: number,
  length: number,
  segments: number,
  kind: number,
  limit: number,
): boolean {
  const last = (log.count - 1) * SEGMENT_LOG_STRIDE;
  if (log.count > 0 && continues(log.entries, last, start, length, kind)) {
    log.entries[last + 2]! += segments;
    return true;
  }
  if (log.count >= limit) return false;
  const at = log.count * SEGMENT_LOG_STRIDE;
  if (at + SEGMENT_LOG_STRIDE > log.entries.length) {
    const grown = new Float64Array(log.entries.length * 2);
    grown.set(log.entries);
    log.entries = grown;
  }
  log.entries[at] = start;
  log.entries[at + 1] = length;
  log.entries[at + 2] = segments;
  log.entries[at + 3] = kind;
  log.count += 1;
  return true;
}

function continues(
  entries: Float64Array,
  last: number,
  start: number,
  length: number,
  kind: number,
): boolean {
  if (entries[last + 3] !== kind || entries[last + 1] !== length) return false;
  if (kind === SegmentKind.keepAlive) return entries[last] === start;
  return entries[last]! + entries[last + 2]! * length === start;
}
