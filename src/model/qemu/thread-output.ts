import { StreamAction } from '../stream-source.js';
import type { MigrationLog } from './migration-log.js';
import type { Pacing } from './pacing.js';
import { FILE_BUFFER_BYTES } from './stream-framing.js';
import { WriteBuffer } from './write-buffer.js';

/** Runs until it has a step to give away, and goes on when that is done. */
export type Steps = Generator<StreamAction, void, void>;

/**
 * What the migration thread gives away: writes to the main connection, bytes handed over to multifd connections, waits. Each step tells
 * the work that was done before it; the fields are those of `StreamSource`.
 */
export class ThreadOutput {
  bytes = 0;
  cpuNs = 0;
  connectionNs = 0;
  destinationNs = 0;
  untilNs = 0;
  /** When the thread was asked for its next step. */
  nowNs = 0;
  /** Bytes of all writes. */
  writtenBytes = 0;

  readonly #log: MigrationLog;
  readonly #pacing: Pacing;
  readonly #buffer = new WriteBuffer();
  /** Work since the last step that the next one will tell. */
  #pendingNs = 0;
  #pendingStoreNs = 0;

  /** @param log is told what goes into the stream, as is `pacing` */
  constructor(log: MigrationLog, pacing: Pacing) {
    this.#log = log;
    this.#pacing = pacing;
  }

  /** Now, with the work that is not told yet. */
  get clockNs(): number {
    return this.nowNs + this.#pendingNs;
  }

  /** Whether QEMU writes now. */
  get isFull(): boolean {
    return this.#buffer.full;
  }

  /** @param storeNs of the destination for what is put meanwhile */
  work(ns: number, storeNs = 0): void {
    this.#pendingNs += ns;
    this.#pendingStoreNs += storeNs;
  }

  put(bytes: number): void {
    this.#buffer.put(bytes);
    this.#count(bytes);
  }

  /** A page behind its header. @returns bytes of both */
  putPage(headerBytes: number, pageBytes: number): number {
    this.#buffer.putPage(headerBytes);
    this.#count(headerBytes + pageBytes);
    return headerBytes + pageBytes;
  }

  /** Puts what may be more than the buffer holds. */
  *putLong(bytes: number): Steps {
    for (let left = bytes; left > 0; left -= FILE_BUFFER_BYTES) {
      this.put(Math.min(left, FILE_BUFFER_BYTES));
      if (this.#buffer.full) yield* this.write();
    }
  }

  *flush(): Steps {
    while (this.#buffer.bytes > 0) yield* this.write();
  }

  *write(): Steps {
    this.bytes = this.#buffer.take();
    this.writtenBytes += this.bytes;
    this.connectionNs = 0;
    this.#tellWork(0);
    yield StreamAction.write;
  }

  /**
   * Bytes for an idle multifd connection.
   * @param storeNs work of the destination for them
   * @param connectionNs of the connection's own thread
   */
  *handOver(bytes: number, storeNs: number, connectionNs: number): Steps {
    this.bytes = bytes;
    this.connectionNs = connectionNs;
    this.#log.streamBytes += bytes;
    const written = this.#pendingStoreNs;
    this.#pendingStoreNs = 0;
    this.#tellWork(storeNs);
    this.#pendingStoreNs = written;
    yield StreamAction.handOver;
  }

  /** Time in which there is nothing to be sent. */
  *waitFor(ns: number): Steps {
    this.#log.idleNs += ns;
    yield* this.waitUntil(this.clockNs + ns);
  }

  *waitUntil(untilNs: number): Steps {
    this.untilNs = Math.round(untilNs);
    // What was to be done meanwhile is done then.
    this.#pendingNs = Math.max(0, this.clockNs - this.untilNs);
    if (this.untilNs > this.nowNs) yield StreamAction.wait;
  }

  #count(bytes: number): void {
    this.#pacing.use(bytes);
    this.#log.streamBytes += bytes;
  }

  #tellWork(storeNs: number): void {
    this.cpuNs = Math.round(this.#pendingNs);
    this.destinationNs = Math.round(this.#pendingStoreNs + storeNs);
    this.#pendingNs = 0;
    this.#pendingStoreNs = 0;
  }
}
