import type { PlantedSecret } from './planted-secrets.js';

/** Streams whose ends are remembered at a time. */
const MAX_STREAMS = 4096;

/** How often each secret was found, and where first. */
export interface SecretHits {
  /** By index of the secret. */
  readonly counts: Float64Array;
  /** Position of the first hit as the caller counts; -1: none. */
  readonly first: Float64Array;
}

export function noHits(secrets: readonly PlantedSecret[]): SecretHits {
  return { counts: new Float64Array(secrets.length), first: new Float64Array(secrets.length).fill(-1) };
}

/**
 * Counts all occurrences that begin in `data[from .. to)` and end before `end`.
 * @param position of `data[0]`, as it is to be told of the first hit
 */
export function searchBytes(
  secrets: readonly PlantedSecret[],
  data: Uint8Array,
  from: number,
  to: number,
  end: number,
  position: number,
  hits: SecretHits,
): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset + from, end - from);
  secrets.forEach(({ needles }, secret) => {
    for (const needle of needles) {
      let at = bytes.indexOf(needle);
      for (; at >= 0 && at < to - from; at = bytes.indexOf(needle, at + 1)) {
        note(hits, secret, position + from + at);
      }
    }
  });
}

function note(hits: SecretHits, secret: number, position: number): void {
  hits.counts[secret]! += 1;
  if (hits.first[secret]! < 0 || position < hits.first[secret]!) hits.first[secret] = position;
}

/**
 * Looks for secrets that lie across the seams of pieces which follow each other: segments of a stream, cipher text of packets. What lies
 * within a piece is not its concern.
 */
export class SeamSearch {
  readonly hits: SecretHits;
  private readonly secrets: readonly PlantedSecret[];
  private readonly reach: number;
  /** Stream -> its last bytes. Oldest first. */
  private readonly ends = new Map<string | number, Buffer>();

  constructor(secrets: readonly PlantedSecret[]) {
    this.secrets = secrets;
    this.hits = noHits(secrets);
    const longest = secrets.flatMap(({ needles }) => needles.map(({ length }) => length));
    this.reach = Math.max(0, ...longest) - 1;
  }

  /** The next piece of a stream. @param position is told of a hit */
  add(stream: string | number, data: Uint8Array, from: number, to: number, position: number): void {
    if (this.reach <= 0 || to <= from) return;
    const before = this.ends.get(stream);
    const piece = Buffer.from(data.buffer, data.byteOffset + from, to - from);
    if (before !== undefined) this.searchSeam(before, piece.subarray(0, this.reach), position);
    const end =
      piece.length >= this.reach || before === undefined
        ? Buffer.from(piece.subarray(Math.max(0, piece.length - this.reach)))
        : Buffer.concat([before, piece]).subarray(-this.reach);
    if (before === undefined && this.ends.size >= MAX_STREAMS) this.forgetOldest();
    this.ends.set(stream, end);
  }

  private searchSeam(before: Buffer, after: Buffer, position: number): void {
    const joined = Buffer.concat([before, after]);
    this.secrets.forEach(({ needles }, secret) => {
      for (const needle of needles) {
        for (let at = joined.indexOf(needle); at >= 0; at = joined.indexOf(needle, at + 1)) {
          const isAcross = at < before.length && at + needle.length > before.length;
          if (isAcross) note(this.hits, secret, position);
        }
      }
    });
  }

  private forgetOldest(): void {
    for (const stream of this.ends.keys()) {
      this.ends.delete(stream);
      return;
    }
  }
}
