/** As `strings` of binutils takes them, but longer: shorter ones are chance. */
export const MIN_RUN_BYTES = 8;

const IS_PRINTABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x20 && byte < 0x7f) || byte === 9 ? 1 : 0,
);

/** Calls back for each run of printable ASCII of MIN_RUN_BYTES and more in `data[from .. to)`. */
export function forEachRun(
  data: Uint8Array,
  from: number,
  to: number,
  visit: (from: number, to: number) => void,
): void {
  for (let at = from; at < to; at++) {
    if (IS_PRINTABLE[data[at]!] === 0) continue;
    const start = at;
    while (at < to && IS_PRINTABLE[data[at]!] === 1) at += 1;
    if (at - start >= MIN_RUN_BYTES) visit(start, at);
  }
}
