import type { Random } from '../random.js';

/** Says of one packet after the other whether it is lost. */
export interface LossProcess {
  next(): boolean;
}

/** Each packet is lost with the same probability, independently of the others. */
export class RandomLoss implements LossProcess {
  readonly #random: Random;
  readonly #logSurvival: number;
  /** Packets that pass until the next is lost: one random number for each loss, not for each packet. */
  #passing: number;

  /** @param probability 0..1 */
  constructor(probability: number, random: Random) {
    this.#random = random;
    this.#logSurvival = Math.log1p(-probability);
    this.#passing = this.#gap();
  }

  next(): boolean {
    if (this.#passing > 0) {
      this.#passing--;
      return false;
    }
    this.#passing = this.#gap();
    return true;
  }

  /** The geometric distribution by inversion (Devroye, "Non-Uniform Random Variate Generation", 1986, section X.2). */
  #gap(): number {
    if (this.#logSurvival === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.log(1 - this.#random.next()) / this.#logSurvival);
  }
}

/** Every `period`th packet is lost: the assumption behind deterministic formulas for the throughput of TCP. */
export class PeriodicLoss implements LossProcess {
  readonly #period: number;
  #count = 0;

  constructor(period: number) {
    this.#period = period;
  }

  next(): boolean {
    this.#count++;
    if (this.#count < this.#period) return false;
    this.#count = 0;
    return true;
  }
}
