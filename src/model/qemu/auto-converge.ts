import { PAGE_BYTES } from './stream-framing.js';

/** Defaults of `throttle-trigger-threshold`, `cpu-throttle-initial`, `cpu-throttle-increment` and `max-cpu-throttle`, percent. */
const TRIGGER_PERCENT = 50;
const INITIAL_PERCENT = 20;
const INCREMENT_PERCENT = 10;
const MAX_PERCENT = 99;
/** Times in a row that too much must be dirty before the guest is slowed down further. */
const PERIODS = 2;
const PERIOD_MS = 1000;

/**
 * How QEMU slows down a guest that dirties memory too fast (`migration_trigger_throttle` and `mig_throttle_guest_down` in
 * `migration/ram.c`): at synchronisations more than a second apart, the second time that more than half of what was sent got dirty.
 */
export class AutoConverge {
  readonly #enabled: boolean;
  #periodStartMs = 0;
  #dirtyPages = 0;
  #sentBytes = 0;
  #highPeriods = 0;
  #percent = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Share of the time for which the guest's processors are stopped, 0 to 0.99. */
  get throttle(): number {
    return this.#percent / 100;
  }

  begin(nowNs: number): void {
    this.#periodStartMs = Math.floor(nowNs / 1e6);
  }

  /**
   * At each synchronisation.
   * @param newDirtyPages that were clean before
   * @param ramBytes sent since the beginning
   */
  synchronised(nowNs: number, newDirtyPages: number, ramBytes: number): void {
    this.#dirtyPages += newDirtyPages;
    const nowMs = Math.floor(nowNs / 1e6);
    if (nowMs <= this.#periodStartMs + PERIOD_MS) return;
    const sent = ramBytes - this.#sentBytes;
    const dirty = this.#dirtyPages * PAGE_BYTES;
    if (this.#enabled && dirty > (sent * TRIGGER_PERCENT) / 100 && ++this.#highPeriods >= PERIODS) {
      this.#highPeriods = 0;
      this.#percent =
        this.#percent === 0 ? INITIAL_PERCENT : Math.min(MAX_PERCENT, this.#percent + INCREMENT_PERCENT);
    }
    this.#periodStartMs = nowMs;
    this.#dirtyPages = 0;
    this.#sentBytes = ramBytes;
  }
}
