import type { MigrationParameters } from '../../scenario/scenario.js';
import type { MigrationLog } from './migration-log.js';
import type { Pacing } from './pacing.js';
import {
  MULTIFD_INITIAL_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  MULTIFD_PACKET_PAGES,
  PAGE_BYTES,
} from './stream-framing.js';
import type { ThreadCosts } from './thread-costs.js';
import type { Steps, ThreadOutput } from './thread-output.js';

/** Pages queued in packets for multifd connections, which a migration thread hands over to whichever is idle. */
export class MultifdPackets {
  /** Handed over, as QEMU counts it: before compression. */
  bytes = 0;
  readonly #migration: MigrationParameters;
  readonly #costs: ThreadCosts;
  readonly #log: MigrationLog;
  readonly #pacing: Pacing;
  readonly #output: ThreadOutput;
  #pages = 0;
  #block = -1;

  constructor(
    migration: MigrationParameters,
    costs: ThreadCosts,
    log: MigrationLog,
    pacing: Pacing,
    output: ThreadOutput,
  ) {
    this.#migration = migration;
    this.#costs = costs;
    this.#log = log;
    this.#pacing = pacing;
    this.#output = output;
  }

  /** Each connection says first which channel it is. */
  *open(): Steps {
    const { multifdChannels } = this.#migration;
    for (let i = 0; i < multifdChannels; i++) yield* this.#output.handOver(MULTIFD_INITIAL_BYTES, 0, 0);
  }

  /** `multifd_queue_page`: a packet holds pages of one block. */
  *queuePage(block: number): Steps {
    if (block !== this.#block) yield* this.#send();
    this.#block = block;
    this.#pages++;
    this.#log.normalPages++;
    this.#output.work(this.#costs.queuePageNs);
    if (this.#pages === MULTIFD_PACKET_PAGES) yield* this.#send();
  }

  /** `multifd_send_sync_main`: what is queued, then a packet without pages on each channel. */
  *synchronise(): Steps {
    yield* this.#send();
    for (let i = 0; i < this.#migration.multifdChannels; i++) {
      this.#count(MULTIFD_PACKET_HEADER_BYTES);
      yield* this.#output.handOver(MULTIFD_PACKET_HEADER_BYTES, 0, 0);
    }
  }

  *#send(): Steps {
    const pages = this.#pages;
    if (pages === 0) return;
    this.#pages = 0;
    const { compression } = this.#migration;
    const { connectionPageNs, storePageNs } = this.#costs;
    const connectionNs = Math.round(pages * (connectionPageNs + (compression?.sourceNsPerPage ?? 0)));
    const storeNs = pages * (storePageNs + (compression?.destinationNsPerPage ?? 0));
    const contentBytes = Math.round(pages * PAGE_BYTES * (compression?.ratio ?? 1));
    this.#count(MULTIFD_PACKET_HEADER_BYTES + pages * PAGE_BYTES);
    yield* this.#output.handOver(MULTIFD_PACKET_HEADER_BYTES + contentBytes, storeNs, connectionNs);
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#log.ramBytes += bytes;
    this.#pacing.use(bytes);
  }
}
