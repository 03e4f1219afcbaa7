/**
 * Finds the high half of extended sequence numbers, of which only the low half is on the wire (RFC 4303 section 2.2.1,
 * appendix A). Only the ICV tells which guess was right, so this gives guesses in order of likelihood and learns from
 * the one that proved right.
 *
 * The likeliest high half puts the number nearest to the highest one seen. Capture files need not start where the SA was read,
 * so the other neighbours are tried as well.
 */
export class ExtendedSequence {
  #high: number;
  #low: number;
  readonly #guesses = new Uint32Array(3);
  #guessCount = 0;

  /** @param high @param low highest sequence number seen so far, or that of the moment in which the SA was read */
  constructor(high: number, low: number) {
    this.#high = high >>> 0;
    this.#low = low >>> 0;
  }

  /** @returns how many guesses there are for this low half: 2 or 3 */
  guess(low: number): number {
    const distance = (low - this.#low) | 0;
    const carry = distance >= 0 ? (low < this.#low ? 1 : 0) : low > this.#low ? -1 : 0;
    this.#guessCount = 0;
    this.#add(this.#high + carry);
    this.#add(this.#high);
    this.#add(this.#high + 1);
    this.#add(this.#high - 1);
    return this.#guessCount;
  }

  /** The `index`-th best guess of the last `guess`. */
  at(index: number): number {
    return this.#guesses[index]!;
  }

  /** The ICV proved that `high`, `low` was sent. */
  proven(high: number, low: number): void {
    if (high < this.#high || (high === this.#high && low <= this.#low)) return;
    this.#high = high;
    this.#low = low;
  }

  #add(high: number): void {
    if (high < 0 || high > 0xffff_ffff) return;
    for (let i = 0; i < this.#guessCount; i++) {
      if (this.#guesses[i] === high) return;
    }
    this.#guesses[this.#guessCount++] = high;
  }
}
