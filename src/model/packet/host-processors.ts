import type { HostCosts } from '../channel.js';
import type { EventLanes } from './event-lanes.js';
import { START_NS } from './start.js';

/**
 * Who works when on one host: the softirq server, which takes packets one after the other, and processors for QEMU's threads.
 *
 * Theory of operation: the owner of a queue of packets knows what the softirq server does and when it begins next, and tells
 * (`softirq`, `foresee`). A thread's stretch of work is an event in the thread's lane. With fewer processors than threads, threads wait in
 * the order in which they asked. On a shared core there is one processor, and softirq takes precedence, as at the
 * end of an interrupt: it interrupts QEMU's own work, which then goes on where it was; it does not interrupt a thread within the
 * kernel, whose socket lock makes acknowledgements wait.
 */
export class HostProcessors {
  /** Until then the softirq server is busy with what it began. */
  softirqFreeNs = START_NS;
  softirqBusyNs = START_NS;
  readonly isShared: boolean;
  /** No thread ever waits for a processor or is interrupted. */
  readonly areDedicated: boolean;
  readonly threadBusyNs: Float64Array;
  /** End of what the thread began. */
  readonly threadFreeNs: Float64Array;
  readonly #lanes: EventLanes;
  readonly #laneOf: (thread: number) => number;
  readonly #processors: number;
  #running = 0;
  readonly #isRunning: Uint8Array;
  readonly #workNs: Float64Array;
  readonly #waiting: number[] = [];
  /** On a shared core: the thread that works, -1 for none, and since when its `#workNs` is being worked off. */
  #interruptible = -1;
  #sinceNs = START_NS;

  constructor(costs: HostCosts, threads: number, lanes: EventLanes, laneOf: (thread: number) => number) {
    this.isShared = costs.sharedCore;
    this.#processors = costs.sharedCore ? 1 : Math.max(1, costs.processServers);
    this.areDedicated = !this.isShared && this.#processors >= threads;
    this.#lanes = lanes;
    this.#laneOf = laneOf;
    this.threadBusyNs = new Float64Array(threads);
    this.threadFreeNs = new Float64Array(threads);
    this.#isRunning = new Uint8Array(threads);
    this.#workNs = new Float64Array(threads);
  }

  /** The thread works for `workNs` as soon as a processor is free, then its lane fires. It keeps the processor until `release`. */
  begin(thread: number, nowNs: number, workNs: number): void {
    this.#workNs[thread] = workNs;
    if (this.#isRunning[thread] === 1) {
      this.#start(thread, nowNs);
    } else if (this.#running < this.#processors) {
      this.#running++;
      this.#isRunning[thread] = 1;
      this.#start(thread, nowNs);
    } else {
      this.#waiting.push(thread);
      this.#lanes.set(this.#laneOf(thread), Number.POSITIVE_INFINITY);
    }
  }

  /**
   * The thread, which is idle, works for `workNs` if nothing can come in between: it has a processor to itself, or is the only one
   * on a shared core and done before softirq wants it. No lane is set then.
   * @param softirqNs when softirq begins its next work at the earliest
   * @returns false if nothing was done
   */
  workUndisturbed(thread: number, nowNs: number, workNs: number, softirqNs: number): boolean {
    let endNs = nowNs + workNs;
    if (!this.areDedicated) {
      endNs = Math.max(nowNs, this.softirqFreeNs) + workNs;
      if (!this.isShared || this.threadBusyNs.length > 1 || endNs > softirqNs) return false;
    }
    this.threadBusyNs[thread]! += workNs;
    this.threadFreeNs[thread] = endNs;
    return true;
  }

  /** The thread, which has a processor, is within the kernel until `endNs`; then its lane fires. */
  beginKernel(thread: number, nowNs: number, endNs: number): void {
    this.threadBusyNs[thread]! += endNs - nowNs;
    this.threadFreeNs[thread] = endNs;
    if (this.isShared) {
      this.#interruptible = -1;
      this.softirqFreeNs = Math.max(this.softirqFreeNs, endNs);
    }
    this.#lanes.set(this.#laneOf(thread), endNs);
  }

  /** The thread sleeps. Its lane is its own to set. */
  release(thread: number, nowNs: number): void {
    if (this.#isRunning[thread] === 0) return;
    this.#isRunning[thread] = 0;
    this.#running--;
    this.#interruptible = -1;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running++;
    this.#isRunning[next] = 1;
    this.#start(next, nowNs);
  }

  /**
   * The softirq server worked, or will work, in that time, which does not begin before `softirqFreeNs`. Once it is known what it does
   * next, `foresee` follows.
   */
  softirq(startNs: number, endNs: number): void {
    this.softirqBusyNs += endNs - startNs;
    this.softirqFreeNs = endNs;
    const thread = this.#interruptible;
    if (thread < 0) return;
    this.#workNs[thread]! -= Math.max(0, startNs - this.#sinceNs);
    this.#sinceNs = Math.max(this.#sinceNs, endNs);
  }

  /**
   * Says when the softirq server begins next, Infinity if that is not known: a thread that it interrupts is not done before, and its lane
   * waits for what comes then.
   */
  foresee(softirqStartNs: number): void {
    const thread = this.#interruptible;
    if (thread < 0) return;
    const doneNs = this.#sinceNs + this.#workNs[thread]!;
    this.#lanes.set(this.#laneOf(thread), doneNs <= softirqStartNs ? doneNs : Number.POSITIVE_INFINITY);
  }

  /** A thread's lane fired: its work is done. */
  finish(thread: number): void {
    if (thread === this.#interruptible) this.#interruptible = -1;
  }

  /** Time for which the most used of servers and threads was busy until `nowNs`: work that was begun counts as far as it is done. */
  busiestNs(nowNs: number): number {
    if (this.isShared) return this.#coreBusyNs(nowNs);
    let threadsNs = 0;
    let busiestNs = this.softirqBusyNs - Math.max(0, this.softirqFreeNs - nowNs);
    for (let thread = 0; thread < this.threadBusyNs.length; thread++) {
      const busyNs = this.threadBusyNs[thread]! - Math.max(0, this.threadFreeNs[thread]! - nowNs);
      threadsNs += busyNs;
      busiestNs = Math.max(busiestNs, busyNs);
    }
    return Math.max(busiestNs, threadsNs / this.#processors);
  }

  /** The core goes from one work to the next: what is left of what was begun is one stretch. */
  #coreBusyNs(nowNs: number): number {
    let busyNs = this.softirqBusyNs;
    let freeNs = this.softirqFreeNs;
    for (let thread = 0; thread < this.threadBusyNs.length; thread++) {
      busyNs += this.threadBusyNs[thread]!;
      freeNs = Math.max(freeNs, this.threadFreeNs[thread]!);
    }
    return busyNs - Math.max(0, freeNs - nowNs);
  }

  #start(thread: number, nowNs: number): void {
    const workNs = this.#workNs[thread]!;
    const startNs = this.isShared ? Math.max(nowNs, this.softirqFreeNs) : nowNs;
    this.threadBusyNs[thread]! += workNs;
    this.threadFreeNs[thread] = startNs + workNs;
    if (this.isShared) {
      this.#interruptible = thread;
      this.#sinceNs = startNs;
    }
    this.#lanes.set(this.#laneOf(thread), startNs + workNs);
  }
}
