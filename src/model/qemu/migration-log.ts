import type { IterationResult } from '../../result/run-result.js';

/** What a migration thread did; times are nanoseconds since the start of the migration. */
export class MigrationLog {
  readonly iterations: IterationResult[] = [];
  setupEndNs = 0;
  /** The guest was stopped; null if it never was. */
  stopNs: number | null = null;
  /** The guest may go on at the destination: the socket took all that it needs for that. */
  handedOverNs: number | null = null;
  endNs = 0;
  converged = false;
  synchronisations = 0;
  normalPages = 0;
  zeroPages = 0;
  xbzrlePages = 0;
  /** As QEMU 7.2 counts `transferred`. */
  ramBytes = 0;
  streamBytes = 0;
  /** Time in which there was nothing to be sent: connecting, preparing, stopping the guest. */
  idleNs = 0;
  /** Share of the time for which auto-converge stops the guest's processors at the end. */
  throttle = 0;

  #startNs = 0;
  #pages = 0;
  #zeroPages = 0;
  #bytes = 0;

  /** The first iteration begins. */
  begin(nowNs: number): void {
    this.setupEndNs = nowNs;
    this.#startNs = nowNs;
    this.#bytes = this.streamBytes;
  }

  /** An iteration ends and the next one begins. @param remainingPages known to be dirty and not sent */
  closeIteration(nowNs: number, remainingPages: number): void {
    this.iterations.push({
      index: this.iterations.length,
      startMs: this.#startNs / 1e6,
      durationMs: (nowNs - this.#startNs) / 1e6,
      pages: this.normalPages + this.xbzrlePages - this.#pages,
      zeroPages: this.zeroPages - this.#zeroPages,
      bytes: this.streamBytes - this.#bytes,
      remainingPages,
    });
    this.#startNs = nowNs;
    this.#pages = this.normalPages + this.xbzrlePages;
    this.#zeroPages = this.zeroPages;
    this.#bytes = this.streamBytes;
  }
}
