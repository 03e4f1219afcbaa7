import { clearSequence, SEQUENCE_FIELDS } from './sequence-numbers.js';
import { clearSpan } from './time-span.js';

/** Fields of an SA's record behind those of its sequence numbers, one Float64 each. `wireBytes` to `fragmented` are sums. */
export const Sa = {
  wireBytes: SEQUENCE_FIELDS,
  /** By `Integrity` value: unchecked, verified, failed. */
  integrity: SEQUENCE_FIELDS + 1,
  /** Opened ESP packets (of AH: all), and the sums of what was in them. */
  opened: SEQUENCE_FIELDS + 4,
  ivBytes: SEQUENCE_FIELDS + 5,
  icvBytes: SEQUENCE_FIELDS + 6,
  padBytes: SEQUENCE_FIELDS + 7,
  /** Whole AH headers. */
  ahBytes: SEQUENCE_FIELDS + 8,
  /** Packets in tunnel mode, in transport mode, and the outer IP headers of the former. */
  tunnel: SEQUENCE_FIELDS + 9,
  transport: SEQUENCE_FIELDS + 10,
  tunnelBytes: SEQUENCE_FIELDS + 11,
  /** ESP that stayed closed, and its bytes behind the 8-byte header. */
  closed: SEQUENCE_FIELDS + 12,
  closedBytes: SEQUENCE_FIELDS + 13,
  /** Closed ESP in datagrams put together from fragments: of `closed`. */
  closedFragmented: SEQUENCE_FIELDS + 14,
  /** Closed ESP right behind an AH: of `closed`. */
  coveredByAh: SEQUENCE_FIELDS + 15,
  /** Datagrams that came in fragments. */
  fragmented: SEQUENCE_FIELDS + 16,
  /** Largest IP packet that came in one piece, largest fragment size that the fragments needed. */
  largestBytes: SEQUENCE_FIELDS + 17,
  largestFragmentBytes: SEQUENCE_FIELDS + 18,
  /** First and last packet (time-span.ts). */
  span: SEQUENCE_FIELDS + 19,
} as const;

export const SA_STRIDE = SEQUENCE_FIELDS + 23;

/** A record that counts nothing. */
export function clearSaRecord(records: Float64Array, at: number): void {
  clearSequence(records, at);
  records.fill(0, at + SEQUENCE_FIELDS, at + SA_STRIDE);
  clearSpan(records, at + Sa.span);
}
