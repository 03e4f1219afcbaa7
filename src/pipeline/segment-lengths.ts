import { BurstCollector } from '../plan/what-if.js';

/** `full` segments of the largest length and the shorter one that ended the run, `rest` (0: none); `count` times. */
export interface SegmentRun {
  readonly full: number;
  readonly rest: number;
  readonly count: number;
}

/*
 * Theory of operation. Which length is that of full segments is known at the end only. Until a longer one comes, the longest so far
 * is taken for it; when one comes, everything before it was shorter than full, and so each a run of its own. Therefore a
 * histogram of all lengths is enough to begin anew.
 */

/** Lengths of the segments of one direction, in the order sent, divided into runs. Memory grows with different lengths alone. */
export class SegmentLengths {
  readonly #counts = new Map<number, number>();
  #singles = new Map<number, number>();
  #runs: BurstCollector | null = null;
  #longest = 0;

  /** Longest length; 0 if there is none. */
  get longest(): number {
    return this.#longest;
  }

  /** @param bytes 1 to 65534 */
  add(bytes: number): void {
    if (bytes > this.#longest) {
      this.#longest = bytes;
      this.#singles = new Map(this.#counts);
      this.#runs = new BurstCollector(bytes);
    }
    this.#counts.set(bytes, (this.#counts.get(bytes) ?? 0) + 1);
    this.#runs!.add(bytes);
  }

  /** The longest is that of full segments: runs of them, each with the segment that ended it. */
  runs(): SegmentRun[] {
    const longest = this.#longest;
    this.#runs?.end();
    return [
      ...single(this.#singles),
      ...[...(this.#runs?.bursts ?? [])].map(([bytes, count]) => {
        const rest = bytes % longest;
        return { full: (bytes - rest) / longest, rest, count };
      }),
    ];
  }

  /** No segment was a full one: each for itself, as `rest`. */
  singles(): SegmentRun[] {
    return single(this.#counts);
  }
}

function single(counts: ReadonlyMap<number, number>): SegmentRun[] {
  return [...counts].map(([rest, count]) => ({ full: 0, rest, count }));
}
