/**
 * QEMU's migration thread in closed form: the rules of `qemu/migration-thread.ts` on expected numbers of pages, a stretch of
 * memory at a time instead of a page.
 *
 * Theory of operation: within a RAM section pages of one stretch are produced at a steady rate into a socket that empties at a
 * steady rate (`SocketFluid`), so the time for any number of pages, and the number for any time, are formulas. What ends a
 * section is whichever comes first: the clock, the rate limit, the end of the stretch. Windows that would be equal are
 * skipped over together. So the work is a few formulas for each synchronisation and each stretch of memory, however large the guest.
 */
import type { MigrationParameters } from '../../scenario/scenario.js';
import { AutoConverge } from '../qemu/auto-converge.js';
import type { GuestMemory } from '../qemu/guest-memory.js';
import { MigrationLog } from '../qemu/migration-log.js';
import { PAGES_PER_CLOCK_CHECK, Pacing, SECTION_MS } from '../qemu/pacing.js';
import {
  MULTIFD_PACKET_HEADER_BYTES,
  PAGE_BYTES,
  RAM_EOS_BYTES,
  SECTION_FOOTER_BYTES,
  SECTION_HEADER_BYTES,
  XBZRLE_HEADER_BYTES,
  ZERO_PAGE_BYTES,
} from '../qemu/stream-framing.js';
import type { ThreadCosts } from '../qemu/thread-costs.js';
import type { DirtyGroup } from '../workload/dirty-group.js';
import { MemoryStretches, type Stretch } from './memory-stretches.js';
import { SocketFluid } from './socket-fluid.js';
import type { TransferRates } from './transfer-rates.js';

/** Windows are equal whose pages and lengths differ by no more, and at whose ends the socket holds as much to a page. */
const EQUAL_SHARE = 1e-3;
const SECTION_BYTES = SECTION_HEADER_BYTES + RAM_EOS_BYTES + SECTION_FOOTER_BYTES;

export interface AnalyticThreadOptions {
  readonly memory: GuestMemory;
  readonly groups: readonly DirtyGroup[];
  readonly migration: MigrationParameters;
  readonly costs: ThreadCosts;
  readonly rates: TransferRates;
  /** Bytes of the stream before the first RAM section, and behind the last one. */
  readonly leadBytes: number;
  readonly deviceBytes: number;
}

/** Time of the transfer by what was the narrowest place, nanoseconds. */
export interface TimeByPlace {
  path: number;
  thread: number;
  maxBandwidth: number;
}

/** A page of a stretch as the thread sends it. */
interface Piece {
  /** On the connections. */
  readonly bytes: number;
  /** As QEMU counts it: before compression. */
  readonly countedBytes: number;
  readonly workNs: number;
  /** Share of the pages of which XBZRLE sends a delta. */
  readonly deltas: number;
}

/** What a window did, to tell whether the next ones will be the same. */
interface Window {
  readonly startNs: number;
  endNs: number;
  /** In the socket at its end. */
  heldBytes: number;
  /** The only stretch that was sent from; undefined: none yet, null: several. */
  stretch: Stretch | null | undefined;
  pages: number;
  sections: number;
  time: TimeByPlace;
}

export class AnalyticThread {
  readonly log = new MigrationLog();
  readonly fluid: SocketFluid;
  readonly time: TimeByPlace = { path: 0, thread: 0, maxBandwidth: 0 };
  partSections = 0;
  endSections = 0;

  readonly #options: AnalyticThreadOptions;
  readonly #memory: MemoryStretches;
  readonly #pacing: Pacing;
  readonly #autoConverge: AutoConverge;
  readonly #wholePiece: Piece;
  readonly #zeroPiece: Piece;
  #nowNs = 0;
  #synchronisedNs = 0;
  #countedBytes = 0;
  #cachedPages = 0;
  #postcopy = false;
  #drainNs: number | null = null;
  #window: Window = freshWindow(0);
  #lastWindows: [Window, Window] = [freshWindow(0), freshWindow(0)];

  constructor(options: AnalyticThreadOptions) {
    const { migration, memory, groups, rates } = options;
    this.#options = options;
    this.#memory = new MemoryStretches(memory, groups);
    this.#pacing = new Pacing(migration.maxBandwidth, migration.downtimeLimitMs);
    this.#autoConverge = new AutoConverge(migration.autoConverge);
    const { pageBytes, pageNs, zeroPageNs } = rates;
    const saved = migration.compression === null ? 0 : PAGE_BYTES * (1 - migration.compression.ratio);
    this.#wholePiece = { bytes: pageBytes, countedBytes: pageBytes + saved, workNs: pageNs, deltas: 0 };
    this.#zeroPiece = {
      bytes: ZERO_PAGE_BYTES,
      countedBytes: ZERO_PAGE_BYTES,
      workNs: zeroPageNs,
      deltas: 0,
    };
    this.fluid = new SocketFluid(rates.buffer, rates.pathByteNs, rates.slowStart);
  }

  /** Runs to the end or the time limit. */
  run(): void {
    const { costs, leadBytes, migration } = this.#options;
    this.#nowNs = costs.connectNs;
    this.#pacing.begin(this.#nowNs);
    this.#nowNs += costs.setupNs;
    this.#put(leadBytes);
    this.log.synchronisations = 1;
    this.log.begin(this.#nowNs);
    this.#autoConverge.begin(this.#nowNs);
    this.#synchronisedNs = this.#nowNs;
    this.#window = freshWindow(this.#nowNs);
    const timeoutNs = migration.timeoutMs * 1e6;
    while (this.#nowNs < timeoutNs) {
      if (!this.#pacing.exceeded) {
        if (this.#isNearlyDone()) {
          this.#complete();
          return;
        }
        if (this.#isPostcopyDue()) this.#startPostcopy();
        else this.#sendSection(true);
      }
      this.#pace();
    }
    this.log.endNs = timeoutNs;
    this.log.throttle = this.#autoConverge.throttle;
    this.log.closeIteration(timeoutNs, this.#memory.dirtyPages);
    this.#collectTime();
  }

  /** Time for which the sockets went on emptying after they took the last byte that the guest needs to go on. */
  get drainNs(): number {
    return this.#drainNs ?? 0;
  }

  #isNearlyDone(): boolean {
    const { thresholdBytes } = this.#pacing;
    if (!this.#postcopy && this.#memory.dirtyPages * PAGE_BYTES < thresholdBytes) {
      this.log.closeIteration(this.#nowNs, this.#memory.dirtyPages);
      this.#synchronise(this.#nowNs);
    }
    const left = this.#memory.dirtyPages * PAGE_BYTES;
    return left <= 0 || (!this.#postcopy && left < thresholdBytes);
  }

  #isPostcopyDue(): boolean {
    const { postcopyAfterIterations } = this.#options.migration;
    if (this.#postcopy || postcopyAfterIterations === null) return false;
    return this.log.iterations.length >= postcopyAfterIterations;
  }

  #synchronise(upToNs: number): void {
    const seconds = Math.max(0, upToNs - this.#synchronisedNs) / 1e9;
    const added = this.#memory.write(seconds * (1 - this.#autoConverge.throttle));
    this.#synchronisedNs = upToNs;
    this.#wait(this.#options.costs.synchroniseNs);
    this.log.synchronisations++;
    this.#autoConverge.synchronised(this.#nowNs, added, this.log.ramBytes);
  }

  #sendSection(paced: boolean): void {
    const startNs = this.#nowNs;
    const limitNs = startNs + (SECTION_MS + 1) * 1e6;
    let index = 0;
    for (;;) {
      const stretch = paced && this.#pacing.exceeded ? null : this.#memory.next();
      if (stretch === null) break;
      const piece = this.#pieceOf(stretch);
      const byClock = paced ? this.#pagesByClock(index, limitNs - this.#nowNs, piece) : stretch.dirty + 1;
      const byRate = paced ? Math.floor(this.#pacing.leftBytes / piece.countedBytes) + 1 : byClock;
      const pages = Math.min(stretch.dirty, byClock, byRate);
      this.#send(stretch, pages, piece);
      index += pages;
      if (pages === byClock) break;
    }
    this.#put(this.#sectionBytes);
    this.#window.sections++;
    if (paced) this.partSections++;
    else this.endSections++;
  }

  get #sectionBytes(): number {
    return SECTION_BYTES + this.#options.migration.multifdChannels * MULTIFD_PACKET_HEADER_BYTES;
  }

  /** Pages until the clock ends the section: it is looked at behind pages 1, 65, 129 and so on. */
  #pagesByClock(index: number, leftNs: number, piece: Piece): number {
    const within = this.fluid.piecesWithin(Math.max(0, leftNs), piece.bytes, piece.workNs);
    const looks = Math.ceil((index + within - 1) / PAGES_PER_CLOCK_CHECK);
    const last = Math.max(0, looks) * PAGES_PER_CLOCK_CHECK + 1;
    return last > index ? last - index : last + PAGES_PER_CLOCK_CHECK - index;
  }

  #pieceOf(stretch: Stretch): Piece {
    if (stretch.zero) return this.#zeroPiece;
    const { rates, migration } = this.#options;
    const { xbzrle } = migration;
    if (xbzrle === null || this.#memory.rounds === 0 || this.#postcopy) return this.#wholePiece;
    const { pageBytes, pageNs } = rates;
    const deltas = stretch.cached / stretch.pages;
    const deltaBytes = XBZRLE_HEADER_BYTES + Math.round(xbzrle.deltaShare * PAGE_BYTES);
    const bytes = pageBytes * (1 - deltas) + deltaBytes * deltas;
    const workNs = pageNs - (pageBytes - bytes) * rates.otherByteNs;
    return { bytes, countedBytes: bytes, workNs, deltas };
  }

  #send(stretch: Stretch, pages: number, piece: Piece): void {
    this.#nowNs += this.fluid.write(pages * piece.bytes, pages * piece.workNs);
    this.#count(pages * piece.bytes, pages * piece.countedBytes);
    this.#tally(stretch, pages, piece);
    const window = this.#window;
    window.pages += pages;
    window.stretch = window.stretch === undefined || window.stretch === stretch ? stretch : null;
  }

  #tally(stretch: Stretch, pages: number, piece: Piece): void {
    const { log } = this;
    this.#memory.take(stretch, pages);
    log.ramBytes += pages * piece.countedBytes;
    if (stretch.zero) {
      log.zeroPages += pages;
      return;
    }
    log.xbzrlePages += pages * piece.deltas;
    log.normalPages += pages * (1 - piece.deltas);
    this.#cache(stretch, pages * (1 - piece.deltas));
  }

  /** Pages that were sent whole and that the XBZRLE cache keeps where it has room. */
  #cache(stretch: Stretch, pages: number): void {
    const { xbzrle } = this.#options.migration;
    if (xbzrle === null || this.#memory.rounds === 0) return;
    const slots = 2 ** Math.floor(Math.log2(Math.max(1, xbzrle.cacheBytes / PAGE_BYTES)));
    const kept = Math.max(0, Math.min(pages, slots - this.#cachedPages, stretch.pages - stretch.cached));
    stretch.cached += kept;
    this.#cachedPages += kept;
  }

  #count(bytes: number, countedBytes: number): void {
    this.#countedBytes += countedBytes;
    this.#pacing.use(countedBytes);
    this.log.streamBytes += bytes;
  }

  /** Bytes that are not pages. */
  #put(bytes: number): void {
    this.#nowNs += this.fluid.write(bytes, bytes * this.#options.rates.otherByteNs);
    this.#count(bytes, bytes);
  }

  #wait(ns: number): void {
    this.fluid.wait(ns);
    this.#nowNs += ns;
  }

  #pace(): void {
    if (this.#pacing.windowIsOver(this.#nowNs)) {
      this.#closeWindow();
      this.#skipEqualWindows();
    }
    if (!this.#pacing.exceeded) return;
    const waitNs = Math.max(0, this.#pacing.windowEndNs - this.#nowNs);
    this.#wait(waitNs);
    this.#window.time.maxBandwidth += waitNs;
  }

  #closeWindow(): void {
    this.#pacing.closeWindow(this.#nowNs, this.#countedBytes);
    this.#collectTime();
    this.#window.endNs = this.#nowNs;
    this.#window.heldBytes = this.fluid.heldBytes;
    this.#lastWindows = [this.#lastWindows[1], this.#window];
    this.#window = freshWindow(this.#nowNs);
  }

  #collectTime(): void {
    const { time } = this.#window;
    const { fluid } = this;
    time.path += fluid.pathNs;
    time.thread += fluid.threadNs;
    fluid.pathNs = 0;
    fluid.threadNs = 0;
    this.#addTime(time, 1);
  }

  #addTime(time: TimeByPlace, times: number): void {
    this.time.path += time.path * times;
    this.time.thread += time.thread * times;
    this.time.maxBandwidth += time.maxBandwidth * times;
  }

  /** Windows like the last two, as many as there will be before the stretch ends or the threshold is reached. */
  #skipEqualWindows(): void {
    const [earlier, last] = this.#lastWindows;
    const { stretch, pages, sections, time } = last;
    if (stretch == null || !areEqual(last, earlier) || !this.#isUniform(stretch)) return;
    const { migration } = this.#options;
    const lengthNs = last.endNs - last.startNs;
    const overThreshold = this.#memory.dirtyPages - this.#pacing.thresholdBytes / PAGE_BYTES;
    const leftNs = migration.timeoutMs * 1e6 - this.#nowNs;
    const times = Math.floor(Math.min(stretch.dirty / pages, overThreshold / pages, leftNs / lengthNs)) - 1;
    if (times < 1) return;
    const piece = this.#pieceOf(stretch);
    const sectionBytes = sections * this.#sectionBytes;
    this.#nowNs += times * lengthNs;
    this.#tally(stretch, times * pages, piece);
    this.#count(
      times * (pages * piece.bytes + sectionBytes),
      times * (pages * piece.countedBytes + sectionBytes),
    );
    this.partSections += times * sections;
    this.#addTime(time, times);
    this.#pacing.closeWindow(this.#nowNs, this.#countedBytes);
    this.#window = freshWindow(this.#nowNs);
  }

  /** Whether every page of the stretch costs the same. */
  #isUniform(stretch: Stretch): boolean {
    return stretch.zero || this.#options.migration.xbzrle === null || this.#memory.rounds === 0;
  }

  #complete(): void {
    const { deviceBytes, costs } = this.#options;
    const { log } = this;
    if (!this.#postcopy) this.#stopGuest();
    if (!this.#postcopy) this.#synchronise(log.stopNs!);
    this.#sendSection(false);
    if (!this.#postcopy) {
      this.#wait(costs.deviceStateNs);
      this.#put(deviceBytes);
    }
    log.closeIteration(this.#nowNs, 0);
    log.handedOverNs ??= this.#nowNs;
    log.endNs = this.#nowNs;
    log.converged = true;
    log.throttle = this.#autoConverge.throttle;
    this.#drainNs ??= this.fluid.drainNs;
    this.#collectTime();
  }

  #startPostcopy(): void {
    const { deviceBytes, costs } = this.#options;
    this.#stopGuest();
    this.#synchronise(this.log.stopNs!);
    this.#postcopy = true;
    this.#pacing.lift();
    this.#wait(costs.deviceStateNs);
    this.#put(deviceBytes);
    this.log.closeIteration(this.#nowNs, this.#memory.dirtyPages);
    this.log.handedOverNs = this.#nowNs;
    this.#drainNs = this.fluid.drainNs;
  }

  #stopGuest(): void {
    this.log.stopNs = this.#nowNs;
    this.#wait(this.#options.costs.stopNs);
  }
}

function areEqual(one: Window, other: Window): boolean {
  const length = one.endNs - one.startNs;
  return (
    one.pages > 0 &&
    one.stretch === other.stretch &&
    Math.abs(one.pages - other.pages) <= Math.max(1, EQUAL_SHARE * one.pages) &&
    Math.abs(length - (other.endNs - other.startNs)) <= Math.max(1e6, EQUAL_SHARE * length) &&
    Math.abs(one.heldBytes - other.heldBytes) <= PAGE_BYTES
  );
}

function freshWindow(startNs: number): Window {
  const time = { path: 0, thread: 0, maxBandwidth: 0 };
  return { startNs, endNs: startNs, heldBytes: 0, stretch: undefined, pages: 0, sections: 0, time };
}
