/** BUFFER_DELAY in `migration/migration.c`: length of the windows in which bytes are counted. */
export const WINDOW_MS = 100;
/** MAX_WAIT in `migration/ram.c`: a RAM section is closed when it took longer than so many whole milliseconds. */
export const SECTION_MS = 50;
/** `ram_save_iterate` looks at the clock at the first page and each 64th behind it. */
export const PAGES_PER_CLOCK_CHECK = 64;

/**
 * QEMU's rate limit and its measurement of bandwidth (`migration_update_counters`, `migration_rate_limit`,
 * `qemu_file_rate_limit`). Its clock counts whole milliseconds.
 */
export class Pacing {
  #bytesPerWindow: number;
  readonly #downtimeLimitMs: number;
  #windowStartMs = 0;
  #windowBytes = 0;
  #used = 0;
  #thresholdBytes = 0;

  /** @param maxBandwidth bytes per second; 0: no limit */
  constructor(maxBandwidth: number, downtimeLimitMs: number) {
    this.#bytesPerWindow = Math.floor(maxBandwidth / (1000 / WINDOW_MS));
    this.#downtimeLimitMs = downtimeLimitMs;
  }

  /** What can be left for the migration to complete: bandwidth of the last window times the downtime limit. 0 before that. */
  get thresholdBytes(): number {
    return this.#thresholdBytes;
  }

  /** Whether nothing may be put until the window is over. */
  get exceeded(): boolean {
    return this.#bytesPerWindow > 0 && this.#used > this.#bytesPerWindow;
  }

  /** What may still be put in this window. */
  get leftBytes(): number {
    return this.#bytesPerWindow > 0 ? this.#bytesPerWindow - this.#used : Number.POSITIVE_INFINITY;
  }

  get windowEndNs(): number {
    return (this.#windowStartMs + WINDOW_MS) * 1e6;
  }

  /** From now on there is no limit, as in post-copy without `max-postcopy-bandwidth`. */
  lift(): void {
    this.#bytesPerWindow = 0;
  }

  begin(nowNs: number): void {
    this.#windowStartMs = Math.floor(nowNs / 1e6);
  }

  /** Counts what is put into the file, or handed to a multifd channel. */
  use(bytes: number): void {
    this.#used += bytes;
  }

  windowIsOver(nowNs: number): boolean {
    return Math.floor(nowNs / 1e6) >= this.#windowStartMs + WINDOW_MS;
  }

  /** Takes stock at the end of a window. @param sentBytes of the stream, since its beginning */
  closeWindow(nowNs: number, sentBytes: number): void {
    const nowMs = Math.floor(nowNs / 1e6);
    const bytesPerMs = (sentBytes - this.#windowBytes) / (nowMs - this.#windowStartMs);
    this.#thresholdBytes = Math.floor(bytesPerMs * this.#downtimeLimitMs);
    this.#windowStartMs = nowMs;
    this.#windowBytes = sentBytes;
    this.#used = 0;
  }
}
