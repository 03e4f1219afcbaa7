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
import { MultifdPackets } from './multifd-packets.js';
import { PAGES_PER_CLOCK_CHECK, Pacing, SECTION_MS } from './pacing.js';
import { PageCursor } from './page-cursor.js';
import {
  blockNameBytes,
  DESCRIPTION_HEADER_BYTES,
  leadInBytes,
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
import { type Steps, ThreadOutput } from './thread-output.js';
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

export class MigrationThread implements StreamSource {
  readonly connections: number;
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
  readonly #output: ThreadOutput;
  readonly #multifd: MultifdPackets;
  readonly #steps: Steps;

  #synchronisedNs = 0;
  /** Block whose name the main connection said last. */
  #namedBlock = -1;
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
    this.#output = new ThreadOutput(this.log, this.#pacing);
    this.#multifd = new MultifdPackets(migration, costs, this.log, this.#pacing, this.#output);
    this.#steps = this.#run();
  }

  get bytes(): number {
    return this.#output.bytes;
  }

  get cpuNs(): number {
    return this.#output.cpuNs;
  }

  get connectionNs(): number {
    return this.#output.connectionNs;
  }

  get destinationNs(): number {
    return this.#output.destinationNs;
  }

  get untilNs(): number {
    return this.#output.untilNs;
  }

  next(nowNs: number): StreamAction {
    this.#output.nowNs = nowNs;
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
    yield* this.#output.waitFor(this.#costs.connectNs);
    this.#pacing.begin(this.#output.nowNs);
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

  *#setUp(): Steps {
    const { postcopyAfterIterations } = this.#migration;
    const { machine, blockNames } = this.#memory;
    yield* this.#multifd.open();
    this.#output.put(leadInBytes(machine.name));
    if (postcopyAfterIterations !== null) this.#output.put(POSTCOPY_ADVISE_BYTES);
    yield* this.#output.waitFor(this.#costs.setupNs);
    this.#output.put(ramSetupBytes(blockNames) - RAM_EOS_BYTES);
    yield* this.#multifd.synchronise();
    this.#output.put(RAM_EOS_BYTES);
    yield* this.#output.flush();
    this.#output.put(SECTION_FOOTER_BYTES);
    this.log.synchronisations = 1;
    this.log.begin(this.#output.nowNs);
    this.#autoConverge.begin(this.#output.nowNs);
    this.#synchronisedNs = this.#output.nowNs;
  }

  /** `migration_iteration_run`: whether the guest is to be stopped for the rest. */
  #isNearlyDone(): boolean {
    const { thresholdBytes } = this.#pacing;
    if (!this.#postcopy && this.#bitmap.dirtyPages * PAGE_BYTES < thresholdBytes) {
      this.log.closeIteration(this.#output.clockNs, this.#bitmap.dirtyPages);
      this.#synchronise(this.#output.clockNs);
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
    this.#output.work(this.#costs.synchroniseNs);
    log.synchronisations++;
    this.#autoConverge.synchronised(this.#output.clockNs, this.#bitmap.dirtyPages - before, log.ramBytes);
  }

  /** `qemu_savevm_state_iterate`. */
  *#sendSection(): Steps {
    this.#output.put(SECTION_HEADER_BYTES);
    yield* this.#sendPages(true);
    yield* this.#multifd.synchronise();
    this.#output.put(RAM_EOS_BYTES);
    this.log.ramBytes += RAM_EOS_BYTES;
    yield* this.#output.flush();
    this.#output.put(SECTION_FOOTER_BYTES);
  }

  /** @param paced whether the clock and the rate limit end it before all is sent */
  *#sendPages(paced: boolean): Steps {
    const startNs = this.#output.clockNs;
    for (let i = 0; !(paced && this.#pacing.exceeded); i++) {
      const page = this.#cursor.takeNext();
      if (page < 0) return;
      if (this.#cursor.region.zero) this.#putZeroPage();
      else if (this.connections > 1 && !this.#postcopy)
        yield* this.#multifd.queuePage(this.#cursor.region.block);
      else this.#putPage(page);
      if (this.#output.isFull) yield* this.#output.write();
      const isLooked = paced && i % PAGES_PER_CLOCK_CHECK === 0;
      if (isLooked && Math.floor((this.#output.clockNs - startNs) / 1e6) > SECTION_MS) return;
    }
  }

  #putZeroPage(): void {
    const bytes = ZERO_PAGE_BYTES + this.#nameBytes();
    this.#output.put(bytes);
    this.log.ramBytes += bytes;
    this.log.zeroPages++;
    this.#output.work(this.#costs.zeroPageNs, this.#costs.storeZeroPageNs);
  }

  #putPage(page: number): void {
    const { log } = this;
    const nameBytes = this.#nameBytes();
    let bytes = PAGE_HEADER_BYTES + nameBytes;
    if (this.#isInXbzrleCache(page)) {
      bytes = XBZRLE_HEADER_BYTES + nameBytes + Math.round(this.#migration.xbzrle!.deltaShare * PAGE_BYTES);
      this.#output.put(bytes);
      log.xbzrlePages++;
    } else {
      bytes = this.#output.putPage(bytes, PAGE_BYTES);
      log.normalPages++;
    }
    log.ramBytes += bytes;
    this.#output.work(this.#costs.pageNs, this.#costs.storePageNs);
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

  /** `migration_rate_limit`: closes the window if it is over, waits for its end if all that is allowed was sent. */
  *#pace(): Steps {
    const nowNs = this.#output.clockNs;
    if (this.#pacing.windowIsOver(nowNs)) {
      yield* this.#output.flush();
      this.#pacing.closeWindow(nowNs, this.#output.writtenBytes + this.#multifd.bytes);
    }
    if (this.#pacing.exceeded) yield* this.#output.waitUntil(this.#pacing.windowEndNs);
  }

  /** `migration_completion`: stop the guest, send the rest and the state of its devices. */
  *#complete(): Steps {
    const { machine } = this.#memory;
    if (!this.#postcopy) yield* this.#stopGuest();
    this.#output.put(SECTION_HEADER_BYTES);
    if (!this.#postcopy) this.#synchronise(this.log.stopNs!);
    yield* this.#sendPages(false);
    yield* this.#multifd.synchronise();
    this.#output.put(RAM_EOS_BYTES);
    yield* this.#output.flush();
    this.#output.put(SECTION_FOOTER_BYTES);
    if (!this.#postcopy) yield* this.#putDeviceState(machine.deviceStateBytes);
    this.#output.put(STREAM_EOF_BYTES);
    if (!this.#postcopy) yield* this.#output.putLong(DESCRIPTION_HEADER_BYTES + machine.descriptionBytes);
    yield* this.#output.flush();
    this.log.closeIteration(this.#output.nowNs, 0);
    this.log.handedOverNs ??= this.#output.nowNs;
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
      yield* this.#output.putLong(postcopyDiscardBytes(blockNames[block]!, stretches));
    }
    this.#output.put(POSTCOPY_PACKAGE_BYTES);
    yield* this.#putDeviceState(machine.deviceStateBytes);
    yield* this.#output.flush();
    this.log.closeIteration(this.#output.nowNs, this.#bitmap.dirtyPages);
    this.log.handedOverNs = this.#output.nowNs;
  }

  *#stopGuest(): Steps {
    this.log.stopNs = this.#output.clockNs;
    yield* this.#output.waitFor(this.#costs.stopNs);
  }

  *#putDeviceState(bytes: number): Steps {
    this.#output.work(this.#costs.deviceStateNs, this.#costs.loadDeviceStateNs);
    yield* this.#output.putLong(bytes);
  }
}
