/**
 * QEMU's migration thread, page by page, as the source of a simulated transfer's bytes: `migration_thread` in
 * `migration/migration.c` and `ram_save_iterate` in `migration/ram.c` of QEMU 7.2.
 *
 * Theory of operation: the thread is a generator that runs until it has a write, a packet for a multifd connection or a wait to
 * give away, and goes on when that is done. Time passes in the simulation between two of its steps; within a step
 * only the work for pages does, and is told as `cpuNs`. The stream is exact to the byte: what it holds follows from the
 * pages alone, and which pages are sent from the clock, as in QEMU:
 * - A RAM section is closed after 50 ms, the clock being looked at every 64 pages.
 * - What may be put in 100 ms is limited; bandwidth is measured over that time.
 * - The dirty log is fetched only when what is left is below bandwidth * downtime limit. Writes of the guest show then and not
 *   before, so that a page written after the log was fetched last and before it was sent is sent again.
 * - When what is left then is at or below that threshold, the guest is stopped and all of it is sent.
 */
import type { Guest, MigrationParameters } from '../../scenario/scenario.js';
import { StreamAction, type StreamSource } from '../stream-source.js';
import { dirtyGroups, dirtyPart } from '../workload/dirty-group.js';
import { DirtyProcess, type RandomNumbers } from '../workload/dirty-process.js';
import { AutoConverge } from './auto-converge.js';
import { DirtyBitmap } from './dirty-bitmap.js';
import { type GuestMemory, guestMemory } from './guest-memory.js';
import { type MachineProfile, PC_MACHINE } from './machine-profile.js';
import { MigrationLog } from './migration-log.js';
import { PAGES_PER_CLOCK_CHECK, Pacing, SECTION_MS } from './pacing.js';
import { PageCursor } from './page-cursor.js';
import {
  blockNameBytes,
  DESCRIPTION_HEADER_BYTES,
  FILE_BUFFER_BYTES,
  leadInBytes,
  MULTIFD_INITIAL_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  MULTIFD_PACKET_PAGES,
  PAGE_BYTES,
  PAGE_HEADER_BYTES,
  POSTCOPY_ADVISE_BYTES,
  POSTCOPY_PACKAGE_BYTES,
  postcopyDiscardBytes,
  RAM_EOS_BYTES,
  ramSetupBytes,
  SECTION_FOOTER_BYTES,
  SECTION_HEADER_BYTES,
  STREAM_EOF_BYTES,
  XBZRLE_HEADER_BYTES,
  ZERO_PAGE_BYTES,
} from './stream-framing.js';
import type { ThreadCosts } from './thread-costs.js';
import { WriteBuffer } from './write-buffer.js';
import { XbzrleCache } from './xbzrle-cache.js';

export interface MigrationThreadOptions {
  readonly guest: Guest;
  readonly migration: MigrationParameters;
  readonly costs: ThreadCosts;
  /** Of the workload; seeded. */
  readonly random: RandomNumbers;
  /** Default: `PC_MACHINE`. */
  readonly machine?: MachineProfile;
}

type Steps = Generator<StreamAction, void, void>;

export class MigrationThread implements StreamSource {
  readonly connections: number;
  bytes = 0;
  cpuNs = 0;
  connectionNs = 0;
  destinationNs = 0;
  untilNs = 0;
  readonly log = new MigrationLog();

  readonly #migration: MigrationParameters;
  readonly #costs: ThreadCosts;
  readonly #memory: GuestMemory;
  readonly #bitmap: DirtyBitmap;
  readonly #cursor: PageCursor;
  readonly #guestWrites: DirtyProcess;
  readonly #pacing: Pacing;
  readonly #autoConverge: AutoConverge;
  readonly #xbzrle: XbzrleCache | null;
  readonly #buffer = new WriteBuffer();
  readonly #steps: Steps;

  #nowNs = 0;
  /** Work since the last step that the next one will tell. */
  #pendingNs = 0;
  #pendingStoreNs = 0;
  #synchronisedNs = 0;
  /** Block whose name the main connection said last. */
  #namedBlock = -1;
  #packetPages = 0;
  #packetBlock = -1;
  /** Handed over, as QEMU counts it: before compression. */
  #multifdBytes = 0;
  #writtenBytes = 0;
  #postcopy = false;
  #ended = false;

  /** @throws ModelError for a guest that cannot be */
  constructor(options: MigrationThreadOptions) {
    const { guest, migration, costs, random, machine = PC_MACHINE } = options;
    this.#migration = migration;
    this.#costs = costs;
    this.connections = 1 + migration.multifdChannels;
    this.#memory = guestMemory(dirtyPart(guest), machine);
    this.#bitmap = new DirtyBitmap(this.#memory.pages);
    this.#bitmap.markRange(0, this.#memory.pages);
    this.#cursor = new PageCursor(this.#memory, this.#bitmap);
    this.#guestWrites = new DirtyProcess(dirtyGroups(guest.workload, this.#memory.filled), random);
    this.#pacing = new Pacing(migration.maxBandwidth, migration.downtimeLimitMs);
    this.#autoConverge = new AutoConverge(migration.autoConverge);
    this.#xbzrle = migration.xbzrle === null ? null : new XbzrleCache(migration.xbzrle.cacheBytes);
    this.#steps = this.#run();
  }

  next(nowNs: number): StreamAction {
    this.#nowNs = nowNs;
    if (this.#ended) return StreamAction.end;
    const timedOut = nowNs >= this.#migration.timeoutMs * 1e6;
    const step = timedOut ? undefined : this.#steps.next().value;
    if (step !== undefined) return step;
    this.#ended = true;
    this.log.endNs = nowNs;
    this.log.converged = !timedOut;
    this.log.throttle = this.#autoConverge.throttle;
    if (timedOut) this.log.closeIteration(nowNs, this.#bitmap.dirtyPages);
    return StreamAction.end;
  }

  *#run(): Steps {
    yield* this.#waitFor(this.#costs.connectNs);
    this.#pacing.begin(this.#nowNs);
    yield* this.#setUp();
    for (;;) {
      if (!this.#pacing.exceeded) {
        if (this.#isNearlyDone()) break;
        if (this.#isPostcopyDue()) yield* this.#startPostcopy();
        else yield* this.#sendSection();
      }
      yield* this.#pace();
    }
    yield* this.#complete();
  }

  /** Now, with the work that is not told yet. */
  get #clockNs(): number {
    return this.#nowNs + this.#pendingNs;
  }

  *#setUp(): Steps {
    const { multifdChannels, postcopyAfterIterations } = this.#migration;
    const { machine, blockNames } = this.#memory;
    for (let i = 0; i < multifdChannels; i++) yield* this.#handOver(MULTIFD_INITIAL_BYTES, 0);
    this.#put(leadInBytes(machine.name));
    if (postcopyAfterIterations !== null) this.#put(POSTCOPY_ADVISE_BYTES);
    yield* this.#waitFor(this.#costs.setupNs);
    this.#put(ramSetupBytes(blockNames) - RAM_EOS_BYTES);
    yield* this.#synchroniseChannels();
    this.#put(RAM_EOS_BYTES);
    yield* this.#flush();
    this.#put(SECTION_FOOTER_BYTES);
    this.log.synchronisations = 1;
    this.log.begin(this.#nowNs);
    this.#autoConverge.begin(this.#nowNs);
    this.#synchronisedNs = this.#nowNs;
  }

  /** `migration_iteration_run`: whether the guest is to be stopped for the rest. */
  #isNearlyDone(): boolean {
    const { thresholdBytes } = this.#pacing;
    if (!this.#postcopy && this.#bitmap.dirtyPages * PAGE_BYTES < thresholdBytes) {
      this.log.closeIteration(this.#clockNs, this.#bitmap.dirtyPages);
      this.#synchronise(this.#clockNs);
    }
    const left = this.#bitmap.dirtyPages * PAGE_BYTES;
    return left === 0 || (!this.#postcopy && left < thresholdBytes);
  }

  #isPostcopyDue(): boolean {
    const { postcopyAfterIterations } = this.#migration;
    if (this.#postcopy || postcopyAfterIterations === null) return false;
    return this.log.iterations.length >= postcopyAfterIterations;
  }

  /** `migration_bitmap_sync`. @param upToNs when the guest's writes end */
  #synchronise(upToNs: number): void {
    const { log } = this;
    const before = this.#bitmap.dirtyPages;
    this.#guestWrites.mark(this.#bitmap, this.#synchronisedNs, upToNs, this.#autoConverge.throttle);
    this.#synchronisedNs = upToNs;
    this.#pendingNs += this.#costs.synchroniseNs;
    log.synchronisations++;
    this.#autoConverge.synchronised(this.#clockNs, this.#bitmap.dirtyPages - before, log.ramBytes);
  }

  /** `qemu_savevm_state_iterate`. */
  *#sendSection(): Steps {
    this.#put(SECTION_HEADER_BYTES);
    yield* this.#sendPages(true);
    yield* this.#synchroniseChannels();
    this.#put(RAM_EOS_BYTES);
    this.log.ramBytes += RAM_EOS_BYTES;
    yield* this.#flush();
    this.#put(SECTION_FOOTER_BYTES);
  }

  /** @param paced whether the clock and the rate limit end it before all is sent */
  *#sendPages(paced: boolean): Steps {
    const startNs = this.#clockNs;
    for (let i = 0; !(paced && this.#pacing.exceeded); i++) {
      const page = this.#cursor.takeNext();
      if (page < 0) return;
      if (this.#cursor.region.zero) this.#putZeroPage();
      else if (this.connections > 1 && !this.#postcopy) yield* this.#queuePage();
      else this.#putPage(page);
      if (this.#buffer.full) yield* this.#write();
      const isLooked = paced && i % PAGES_PER_CLOCK_CHECK === 0;
      if (isLooked && Math.floor((this.#clockNs - startNs) / 1e6) > SECTION_MS) return;
    }
  }

  #putZeroPage(): void {
    const bytes = ZERO_PAGE_BYTES + this.#nameBytes();
    this.#put(bytes);
    this.log.ramBytes += bytes;
    this.log.zeroPages++;
    this.#pendingNs += this.#costs.zeroPageNs;
    this.#pendingStoreNs += this.#costs.storeZeroPageNs;
  }

  #putPage(page: number): void {
    const { log } = this;
    const nameBytes = this.#nameBytes();
    let bytes = PAGE_HEADER_BYTES + nameBytes;
    if (this.#isInXbzrleCache(page)) {
      bytes = XBZRLE_HEADER_BYTES + nameBytes + Math.round(this.#migration.xbzrle!.deltaShare * PAGE_BYTES);
      this.#put(bytes);
      log.xbzrlePages++;
    } else {
      this.#buffer.putPage(bytes);
      bytes += PAGE_BYTES;
      this.#count(bytes);
      log.normalPages++;
    }
    log.ramBytes += bytes;
    this.#pendingNs += this.#costs.pageNs;
    this.#pendingStoreNs += this.#costs.storePageNs;
  }

  /** The cache is used from the second round on; deltas are no shorter than what they save. */
  #isInXbzrleCache(page: number): boolean {
    if (this.#xbzrle === null || this.#cursor.rounds === 0 || this.#postcopy) return false;
    return this.#xbzrle.hit(page, this.log.synchronisations);
  }

  #nameBytes(): number {
    const { block } = this.#cursor.region;
    if (block === this.#namedBlock) return 0;
    this.#namedBlock = block;
    return blockNameBytes(this.#memory.blockNames[block]!);
  }

  /** `multifd_queue_page`: a packet holds pages of one block. */
  *#queuePage(): Steps {
    const { block } = this.#cursor.region;
    if (block !== this.#packetBlock) yield* this.#sendPacket();
    this.#packetBlock = block;
    this.#packetPages++;
    this.log.normalPages++;
    this.#pendingNs += this.#costs.queuePageNs;
    if (this.#packetPages === MULTIFD_PACKET_PAGES) yield* this.#sendPacket();
  }

  *#sendPacket(): Steps {
    const pages = this.#packetPages;
    if (pages === 0) return;
    this.#packetPages = 0;
    const { compression } = this.#migration;
    const { connectionPageNs, storePageNs } = this.#costs;
    this.connectionNs = Math.round(pages * (connectionPageNs + (compression?.sourceNsPerPage ?? 0)));
    const storeNs = pages * (storePageNs + (compression?.destinationNsPerPage ?? 0));
    const contentBytes = Math.round(pages * PAGE_BYTES * (compression?.ratio ?? 1));
    this.#countMultifd(MULTIFD_PACKET_HEADER_BYTES + pages * PAGE_BYTES);
    yield* this.#handOver(MULTIFD_PACKET_HEADER_BYTES + contentBytes, storeNs);
  }

  /** `multifd_send_sync_main`: what is queued, then a packet without pages on each channel. */
  *#synchroniseChannels(): Steps {
    yield* this.#sendPacket();
    for (let i = 1; i < this.connections; i++) {
      this.connectionNs = 0;
      this.#countMultifd(MULTIFD_PACKET_HEADER_BYTES);
      yield* this.#handOver(MULTIFD_PACKET_HEADER_BYTES, 0);
    }
  }

  #countMultifd(bytes: number): void {
    this.#multifdBytes += bytes;
    this.log.ramBytes += bytes;
    this.#pacing.use(bytes);
  }

  /** `migration_rate_limit`: closes the window if it is over, waits for its end if all that is allowed was sent. */
  *#pace(): Steps {
    const nowNs = this.#clockNs;
    if (this.#pacing.windowIsOver(nowNs)) {
      yield* this.#flush();
      this.#pacing.closeWindow(nowNs, this.#writtenBytes + this.#multifdBytes);
    }
    if (this.#pacing.exceeded) yield* this.#waitUntil(this.#pacing.windowEndNs);
  }

  /** `migration_completion`: stop the guest, send the rest and the state of its devices. */
  *#complete(): Steps {
    const { machine } = this.#memory;
    if (!this.#postcopy) yield* this.#stopGuest();
    this.#put(SECTION_HEADER_BYTES);
    if (!this.#postcopy) this.#synchronise(this.log.stopNs!);
    yield* this.#sendPages(false);
    yield* this.#synchroniseChannels();
    this.#put(RAM_EOS_BYTES);
    yield* this.#flush();
    this.#put(SECTION_FOOTER_BYTES);
    if (!this.#postcopy) yield* this.#putDeviceState(machine.deviceStateBytes);
    this.#put(STREAM_EOF_BYTES);
    if (!this.#postcopy) yield* this.#putLong(DESCRIPTION_HEADER_BYTES + machine.descriptionBytes);
    yield* this.#flush();
    this.log.closeIteration(this.#nowNs, 0);
    this.log.handedOverNs ??= this.#nowNs;
  }

  /** `postcopy_start`: the guest's devices move, its remaining memory follows. */
  *#startPostcopy(): Steps {
    const { machine, blockNames, regions } = this.#memory;
    yield* this.#stopGuest();
    this.#synchronise(this.log.stopNs!);
    this.#postcopy = true;
    this.#namedBlock = -1;
    this.#pacing.lift();
    for (let block = 0; block < blockNames.length; block++) {
      const first = regions.find((region) => region.block === block)!.first;
      const end = regions.findLast((region) => region.block === block)!.end;
      const stretches = this.#bitmap.countStretches(first, end);
      yield* this.#putLong(postcopyDiscardBytes(blockNames[block]!, stretches));
    }
    this.#put(POSTCOPY_PACKAGE_BYTES);
    yield* this.#putDeviceState(machine.deviceStateBytes);
    yield* this.#flush();
    this.log.closeIteration(this.#nowNs, this.#bitmap.dirtyPages);
    this.log.handedOverNs = this.#nowNs;
  }

  *#stopGuest(): Steps {
    this.log.stopNs = this.#clockNs;
    yield* this.#waitFor(this.#costs.stopNs);
  }

  *#putDeviceState(bytes: number): Steps {
    this.#pendingNs += this.#costs.deviceStateNs;
    this.#pendingStoreNs += this.#costs.loadDeviceStateNs;
    yield* this.#putLong(bytes);
  }

  /** Puts what may be more than the buffer holds. */
  *#putLong(bytes: number): Steps {
    for (let left = bytes; left > 0; left -= FILE_BUFFER_BYTES) {
      this.#put(Math.min(left, FILE_BUFFER_BYTES));
      if (this.#buffer.full) yield* this.#write();
    }
  }

  #put(bytes: number): void {
    this.#buffer.put(bytes);
    this.#count(bytes);
  }

  #count(bytes: number): void {
    this.#pacing.use(bytes);
    this.log.streamBytes += bytes;
  }

  *#flush(): Steps {
    while (this.#buffer.bytes > 0) yield* this.#write();
  }

  *#write(): Steps {
    this.bytes = this.#buffer.take();
    this.#writtenBytes += this.bytes;
    this.connectionNs = 0;
    this.#tellWork(0);
    yield StreamAction.write;
  }

  *#handOver(bytes: number, storeNs: number): Steps {
    this.bytes = bytes;
    this.log.streamBytes += bytes;
    const written = this.#pendingStoreNs;
    this.#pendingStoreNs = 0;
    this.#tellWork(storeNs);
    this.#pendingStoreNs = written;
    yield StreamAction.handOver;
  }

  #tellWork(storeNs: number): void {
    this.cpuNs = Math.round(this.#pendingNs);
    this.destinationNs = Math.round(this.#pendingStoreNs + storeNs);
    this.#pendingNs = 0;
    this.#pendingStoreNs = 0;
  }

  *#waitFor(ns: number): Steps {
    this.log.idleNs += ns;
    yield* this.#waitUntil(this.#clockNs + ns);
  }

  *#waitUntil(untilNs: number): Steps {
    this.untilNs = Math.round(untilNs);
    // What was to be done meanwhile is done then.
    this.#pendingNs = Math.max(0, this.#clockNs - this.untilNs);
    if (this.untilNs > this.#nowNs) yield StreamAction.wait;
  }
}
