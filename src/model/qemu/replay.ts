/**
 * A recorded migration once more: its pages, sections and block names in its iterations, whatever the clock says, so that the
 * stream comes out as long as it was. What changes is how the stream is carried.
 */
import type { MigrationIteration, MigrationRecord } from '../../migration/migration-record.js';
import { StreamAction, type StreamSource } from '../stream-source.js';
import { MigrationLog } from './migration-log.js';
import {
  FILE_BUFFER_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  MULTIFD_PACKET_PAGES,
  NORMAL_PAGE_BYTES,
  PAGE_BYTES,
  RAM_EOS_BYTES,
  SECTION_FOOTER_BYTES,
  SECTION_HEADER_BYTES,
  ZERO_PAGE_BYTES,
} from './stream-framing.js';
import type { ThreadCosts } from './thread-costs.js';
import { PAGES_PER_WRITE } from './write-buffer.js';

type Steps = Generator<StreamAction, void, void>;

const SECTION_BYTES = SECTION_HEADER_BYTES + RAM_EOS_BYTES + SECTION_FOOTER_BYTES;

export class ReplaySource implements StreamSource {
  readonly connections: number;
  bytes = 0;
  cpuNs = 0;
  connectionNs = 0;
  destinationNs = 0;
  untilNs = 0;
  readonly log = new MigrationLog();

  readonly #record: MigrationRecord;
  readonly #costs: ThreadCosts;
  readonly #steps: Steps;
  #nowNs = 0;
  #ended = false;

  constructor(record: MigrationRecord, costs: ThreadCosts) {
    this.#record = record;
    this.#costs = costs;
    this.connections = 1 + record.connections.filter(({ role }) => role === 'multifd').length;
    this.#steps = this.#run();
  }

  next(nowNs: number): StreamAction {
    this.#nowNs = nowNs;
    if (this.#ended) return StreamAction.end;
    const step = this.#steps.next().value;
    if (step !== undefined) return step;
    this.#ended = true;
    this.log.endNs = nowNs;
    this.log.handedOverNs ??= nowNs;
    this.log.converged = true;
    return StreamAction.end;
  }

  *#run(): Steps {
    const { setup, iterations, deviceState } = this.#record;
    const { connectNs, setupNs, deviceStateNs, loadDeviceStateNs } = this.#costs;
    yield* this.#wait(connectNs + setupNs);
    yield* this.#write(setup.bytes, 0, 0);
    // Of what comes before RAM, QEMU counts the packets that synchronise channels.
    this.log.ramBytes = (this.connections - 1) * MULTIFD_PACKET_HEADER_BYTES;
    this.log.synchronisations = 1;
    this.log.begin(this.#nowNs);
    for (const iteration of iterations) {
      if (iteration.stage === 'stopAndCopy') {
        this.log.stopNs = this.#nowNs;
        yield* this.#wait(this.#costs.stopNs);
      }
      yield* this.#sendIteration(iteration);
      const isLast = iteration === iterations.at(-1);
      if (isLast) {
        yield* this.#write(
          deviceState.bytes + deviceState.descriptionBytes,
          deviceStateNs,
          loadDeviceStateNs,
        );
      }
      this.log.synchronisations++;
      this.log.closeIteration(this.#nowNs, 0);
    }
  }

  /** Pages with content first: that is where they are in a guest that filled its memory from the beginning. */
  *#sendIteration(iteration: MigrationIteration): Steps {
    const { log } = this;
    const { zeroPages, sections, nameBytes, multifdPackets, stage } = iteration;
    const normalPages = iteration.normalPages - iteration.repeatedPages;
    const { zeroPageNs, storeZeroPageNs } = this.#costs;
    const streamBytes = log.streamBytes;
    if (multifdPackets > 0) yield* this.#sendPackets(iteration.normalPages, multifdPackets);
    else yield* this.#sendPages(iteration.normalPages);
    const smallBytes = zeroPages * ZERO_PAGE_BYTES + sections * SECTION_BYTES + nameBytes;
    yield* this.#write(smallBytes, zeroPages * zeroPageNs, zeroPages * storeZeroPageNs);
    // Deltas and compressed pages have no length that follows from their number.
    const rest = iteration.bytes - (log.streamBytes - streamBytes);
    if (rest > 0 && iteration.xbzrlePages + iteration.compressedPages > 0) yield* this.#write(rest, 0, 0);
    log.normalPages += normalPages;
    log.zeroPages += zeroPages;
    log.xbzrlePages += iteration.xbzrlePages;
    const uncounted = sections * (SECTION_HEADER_BYTES + SECTION_FOOTER_BYTES);
    const endOfRam = stage === 'stopAndCopy' ? RAM_EOS_BYTES : 0;
    log.ramBytes += log.streamBytes - streamBytes - uncounted - endOfRam;
  }

  *#sendPages(pages: number): Steps {
    const { pageNs, storePageNs } = this.#costs;
    for (let left = pages; left > 0; left -= PAGES_PER_WRITE) {
      const now = Math.min(left, PAGES_PER_WRITE);
      yield* this.#give(StreamAction.write, now * NORMAL_PAGE_BYTES, now * pageNs, now * storePageNs);
    }
  }

  /** As many packets as there were; full ones first. */
  *#sendPackets(pages: number, packets: number): Steps {
    const { queuePageNs, storePageNs, connectionPageNs } = this.#costs;
    for (let i = 0, left = pages; i < packets; i++) {
      const now = i === packets - 1 ? left : Math.min(left, MULTIFD_PACKET_PAGES);
      left -= now;
      this.connectionNs = Math.round(now * connectionPageNs);
      const bytes = MULTIFD_PACKET_HEADER_BYTES + now * PAGE_BYTES;
      yield* this.#give(StreamAction.handOver, bytes, now * queuePageNs, now * storePageNs);
    }
    this.connectionNs = 0;
  }

  /** Copied bytes, a buffer at a time. */
  *#write(bytes: number, cpuNs: number, storeNs: number): Steps {
    for (let left = bytes; left > 0; left -= FILE_BUFFER_BYTES) {
      const now = Math.min(left, FILE_BUFFER_BYTES);
      yield* this.#give(StreamAction.write, now, (cpuNs * now) / bytes, (storeNs * now) / bytes);
    }
  }

  *#give(action: StreamAction, bytes: number, cpuNs: number, storeNs: number): Steps {
    this.bytes = bytes;
    this.cpuNs = Math.round(cpuNs);
    this.destinationNs = Math.round(storeNs);
    this.log.streamBytes += bytes;
    yield action;
  }

  *#wait(ns: number): Steps {
    this.log.idleNs += ns;
    this.untilNs = Math.round(this.#nowNs + ns);
    if (this.untilNs > this.#nowNs) yield StreamAction.wait;
  }
}
