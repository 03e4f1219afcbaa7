/*
 * A time span takes four numbers of a record: first seconds, first nanoseconds, last seconds, last nanoseconds. Nanoseconds
 * since 1970 do not fit into one number exactly.
 */

/** Length in seconds; 0 if there is none. */
export function spanSeconds(records: Float64Array, at: number): number {
  const seconds = records[at + 2]! - records[at]!;
  if (!Number.isFinite(seconds)) return 0;
  return seconds + (records[at + 3]! - records[at + 1]!) / 1e9;
}

/** A span that holds nothing yet. */
export function clearSpan(records: Float64Array, at: number): void {
  records[at] = Number.POSITIVE_INFINITY;
  records[at + 1] = 0;
  records[at + 2] = Number.NEGATIVE_INFINITY;
  records[at + 3] = 0;
}

/** Makes the span hold this moment. */
export function widenSpan(records: Float64Array, at: number, seconds: number, nanoseconds: number): void {
  const lastSeconds = records[at + 2]!;
  if (seconds > lastSeconds || (seconds === lastSeconds && nanoseconds > records[at + 3]!)) {
    records[at + 2] = seconds;
    records[at + 3] = nanoseconds;
    // Behind the last moment is behind the first one, unless there was none.
    if (lastSeconds !== Number.NEGATIVE_INFINITY) return;
  }
  const firstSeconds = records[at]!;
  if (seconds < firstSeconds || (seconds === firstSeconds && nanoseconds < records[at + 1]!)) {
    records[at] = seconds;
    records[at + 1] = nanoseconds;
  }
}

/** Makes the span hold another one. */
export function uniteSpans(records: Float64Array, at: number, others: Float64Array, otherAt: number): void {
  if (others[otherAt] === Number.POSITIVE_INFINITY) return;
  widenSpan(records, at, others[otherAt]!, others[otherAt + 1]!);
  widenSpan(records, at, others[otherAt + 2]!, others[otherAt + 3]!);
}

/** Decimal nanoseconds since 1970 of first and last moment; `0` if the span holds nothing. */
export function spanTexts(records: Float64Array, at: number): { firstTimeNs: string; lastTimeNs: string } {
  return {
    firstTimeNs: nanosecondsText(records[at]!, records[at + 1]!),
    lastTimeNs: nanosecondsText(records[at + 2]!, records[at + 3]!),
  };
}

function nanosecondsText(seconds: number, nanoseconds: number): string {
  if (!Number.isFinite(seconds)) return '0';
  return String(BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.trunc(nanoseconds)));
}

/** Bits per second of `bytes` over a span, rounded; 0 if it has no length. */
export function rateBps(bytes: number, seconds: number): number {
  return seconds > 0 ? Math.round((bytes * 8) / seconds) : 0;
}
