/**
 * Seeded random numbers: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47,
 * 2021), its state filled by splitmix32. Same seed, same numbers, on every machine. Not for cryptography.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed 0..2^32-1 */
  constructor(seed: number) {
    let state = seed >>> 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      return mixed ^ (mixed >>> 16);
    };
    // Four different inputs of a bijection: at most one of them is 0
    this.#a = split();
    this.#b = split();
    this.#c = split();
    this.#d = split();
  }

  /** A generator in a given state, four words that are not all 0. */
  static ofState(a: number, b: number, c: number, d: number): Random {
    const random = new Random(0);
    random.#a = a | 0;
    random.#b = b | 0;
    random.#c = c | 0;
    random.#d = d | 0;
    return random;
  }

  /** @returns whole number, 0..2^32-1 */
  nextUint32(): number {
    const b = this.#b;
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9);
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b = b ^ this.#c;
    this.#a ^= this.#d;
    this.#c ^= b << 9;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled >>> 0;
  }

  /** @returns 0 <= number < 1, a multiple of 2^-53 */
  next(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
