/** Strings that are shown. */
const SAMPLES = 12;
/** Of which a part is cut off where they are shown. */
const MAX_LENGTH = 120;
const LEAST_SHOWN = 12;
const LETTERS_SHARE = 0.6;

/**
 * Counts strings, and keeps a few different ones that look like language: those of the lowest hash, so that each has the same chance, and
 * the same memory gives the same ones.
 */
export class StringSample {
  private count = 0;
  private bytes = 0;
  /** Text -> hash, at most SAMPLES. */
  private readonly samples = new Map<string, number>();
  private highest = 0xffff_ffff;

  /** `data[from .. to)` is printable. */
  add(data: Uint8Array, from: number, to: number): void {
    this.count += 1;
    this.bytes += to - from;
    if (to - from < LEAST_SHOWN) return;
    let hash = 0x811c_9dc5;
    let letters = 0;
    for (let i = from; i < to; i++) {
      const byte = data[i]!;
      hash = Math.imul(hash ^ byte, 0x0100_0193);
      if (((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) || byte === 0x20) letters += 1;
    }
    hash = mixed(hash);
    if (letters < LETTERS_SHARE * (to - from) || (this.samples.size === SAMPLES && hash >= this.highest))
      return;
    const text = Buffer.from(data.subarray(from, Math.min(to, from + MAX_LENGTH))).toString('latin1');
    this.keep(text, hash);
  }

  summary(): { count: number; bytes: number; samples: string[] } {
    return { count: this.count, bytes: this.bytes, samples: [...this.samples.keys()].sort() };
  }

  private keep(text: string, hash: number): void {
    if (this.samples.has(text)) return;
    this.samples.set(text, hash);
    if (this.samples.size <= SAMPLES) return;
    let worst = '';
    this.highest = 0;
    for (const [sample, its] of this.samples) {
      if (its >= (this.samples.get(worst) ?? -1)) worst = sample;
    }
    this.samples.delete(worst);
    for (const its of this.samples.values()) this.highest = Math.max(this.highest, its);
  }
}

/** Last step of MurmurHash3: FNV alone leaves long texts of the same end alike. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
