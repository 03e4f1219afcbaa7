import { nowMs } from './clock.js';
import { isOver, isPostcopy, type MigrationStatus, parseMigrationStatus } from './migration-status.js';
import { type QmpClient, QmpError, type QmpEvent } from './qmp-client.js';

/*
 * Theory of operation. One loop asks the source for `query-migrate` 20 times a second, and besides at once whenever an event says
 * that something happened: a synchronisation of the dirty bitmap (MIGRATION_PASS), another status, the guest stopped. Whatever
 * is to end a migration early (time limit, nothing moving any more, an interruption) asks QEMU to cancel it and goes on asking
 * until QEMU says that it is over, for only then it is known where the guest is. QEMU may not answer at all: while it
 * sends the last of memory to a peer that is gone it holds the lock that its monitor needs. Then the connection is broken
 * under it. A migration that has changed to post-copy is never cancelled: the guest would be lost.
 */

export interface MigrationOrder {
  readonly source: QmpClient;
  readonly uri: string;
  /** The guest does not converge within it: the migration is cancelled, which is no failure. */
  readonly timeoutMs: number;
  readonly postcopyAfterIterations: number | null;
  /** Nothing has moved for so long: the channel is dead. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Breaks the source's connections to the destination, when QEMU cannot be asked to. */
  readonly breakConnections: () => Promise<void>;
}

/** What the migration had sent at a synchronisation of the dirty bitmap. */
export interface SyncRecord {
  /** Since the start. */
  readonly atMs: number;
  /** 1 is the first, before anything was sent. */
  readonly count: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly transferred: number;
  /** Bytes dirty and not sent, as last seen before it, and as first seen after it. */
  readonly remainingBefore: number;
  readonly remaining: number;
}

export interface MigrationAccount {
  readonly outcome: 'completed' | 'timed-out';
  /** The last one that had figures. */
  readonly final: MigrationStatus;
  readonly syncs: readonly SyncRecord[];
  /** How often QEMU was asked. */
  readonly polls: number;
  /** By our clock, `nowMs`. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** The source's event MIGRATION with status setup, which the command caused; null if it was not heard. */
  readonly setup: QmpEvent | null;
  /** The source's event STOP; null if the guest was never stopped. */
  readonly stop: QmpEvent | null;
}

/** A migration that failed. Which of the hosts has the guest then is for the caller to find out. */
export class MigrationFailure extends Error {
  override readonly name = 'MigrationFailure';
}

/** Between an answer and the next question: 20 times a second and a little more, for each costs the host processor time. */
const POLL_MS = 45;
/** QEMU answers in milliseconds unless something holds its lock. */
const ANSWER_TIMEOUT_MS = 5000;
/** From being cancelled to being over. */
const CANCEL_GRACE_MS = 10_000;

/**
 * Starts a migration and follows it to its end.
 * @throws MigrationFailure; what `signal` gives as its reason; QmpError if the source's QEMU is gone
 */
export async function watchMigration(order: MigrationOrder): Promise<MigrationAccount> {
  const watch = new MigrationWatch(order);
  const forget = order.source.onEvent((event) => watch.takeEvent(event));
  const onAbort = (): void => watch.wake();
  order.signal.addEventListener('abort', onAbort);
  try {
    return await watch.run();
  } finally {
    forget();
    order.signal.removeEventListener('abort', onAbort);
  }
}

type Ending = 'time limit' | 'stall' | 'interruption';

class MigrationWatch {
  private readonly order: MigrationOrder;
  private readonly syncs: SyncRecord[] = [];
  private startedMs = 0;
  private progressMs = 0;
  private progress = '';
  private polls = 0;
  private last: MigrationStatus | null = null;
  private setup: QmpEvent | null = null;
  private stop: QmpEvent | null = null;
  private ending: { readonly why: Ending; sinceMs: number; isBroken: boolean } | null = null;
  private isPostcopyAsked = false;
  private bell: () => void = () => {};
  private hasRung = false;

  constructor(order: MigrationOrder) {
    this.order = order;
  }

  async run(): Promise<MigrationAccount> {
    this.order.signal.throwIfAborted();
    this.startedMs = nowMs();
    this.progressMs = this.startedMs;
    await this.order.source.execute('migrate', { uri: this.order.uri });
    for (;;) {
      const status = await this.ask();
      if (status !== null) this.record(status);
      if (status !== null && isOver(status)) return this.conclude(status);
      await this.intervene(status);
      await this.pause();
    }
  }

  takeEvent(event: QmpEvent): void {
    if (event.event === 'STOP') this.stop ??= event;
    if (event.event === 'MIGRATION' && event.data['status'] === 'setup') this.setup ??= event;
    if (['STOP', 'MIGRATION', 'MIGRATION_PASS'].includes(event.event)) this.wake();
  }

  wake(): void {
    this.hasRung = true;
    this.bell();
  }

  /** @returns null if QEMU does not answer */
  private async ask(): Promise<MigrationStatus | null> {
    this.polls++;
    try {
      const answer = await this.order.source.execute('query-migrate', undefined, ANSWER_TIMEOUT_MS);
      return parseMigrationStatus(answer);
    } catch (error) {
      if (error instanceof QmpError && error.kind === 'Timeout') return null;
      throw error;
    }
  }

  private record(status: MigrationStatus): void {
    const { ram } = status;
    const progress = `${status.status} ${ram?.transferred} ${ram?.remaining} ${ram?.dirtySyncCount}`;
    if (progress !== this.progress) this.progressMs = nowMs();
    this.progress = progress;
    if (ram === null) return;
    if (ram.dirtySyncCount > (this.syncs.at(-1)?.count ?? 0)) {
      this.syncs.push({
        atMs: nowMs() - this.startedMs,
        count: ram.dirtySyncCount,
        normalPages: ram.normalPages,
        zeroPages: ram.zeroPages,
        transferred: ram.transferred,
        remainingBefore: this.last?.ram?.remaining ?? ram.total,
        remaining: ram.remaining,
      });
    }
    this.last = status;
  }

  /** Changes to post-copy when it is time; ends what is to end. */
  private async intervene(status: MigrationStatus | null): Promise<void> {
    const { postcopyAfterIterations, timeoutMs, stallMs, signal } = this.order;
    const passes = (this.syncs.at(-1)?.count ?? 0) - 1;
    if (postcopyAfterIterations !== null && passes >= postcopyAfterIterations && !this.isPostcopyAsked) {
      this.isPostcopyAsked = true;
      await this.order.source.execute('migrate-start-postcopy');
    }
    const now = nowMs();
    if (this.ending !== null) {
      if (now - this.ending.sinceMs > CANCEL_GRACE_MS) await this.insist();
    } else if (signal.aborted) await this.end('interruption', status);
    else if (now - this.progressMs > stallMs) await this.end('stall', status);
    else if (now - this.startedMs > timeoutMs && !this.isPostcopyAsked) await this.end('time limit', status);
  }

  private async end(why: Ending, status: MigrationStatus | null): Promise<void> {
    if (this.isPostcopyAsked || (status !== null && isPostcopy(status))) {
      if (why === 'stall')
        throw this.stalled('; the guest had begun to change over (post-copy) and has stopped');
      // Going on is the only way to keep the guest.
      return;
    }
    this.ending = { why, sinceMs: nowMs(), isBroken: false };
    try {
      await this.order.source.execute('migrate_cancel', undefined, ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof QmpError && error.kind === 'Timeout')) throw error;
      await this.insist();
    }
  }

  /** Being asked to cancel was not enough. */
  private async insist(): Promise<void> {
    if (this.ending === null) return;
    if (this.ending.isBroken) throw new MigrationFailure('QEMU at the source neither goes on nor gives up');
    this.ending = { ...this.ending, isBroken: true, sinceMs: nowMs() };
    await this.order.breakConnections();
  }

  private conclude(status: MigrationStatus): MigrationAccount {
    const { signal } = this.order;
    const outcome = status.status === 'completed' ? 'completed' : 'timed-out';
    const isWanted = status.status === 'completed' || this.ending?.why === 'time limit';
    if (signal.aborted) throw signal.reason;
    if (this.ending?.why === 'stall' && outcome !== 'completed') throw this.stalled('');
    if (!isWanted) {
      const why = status.errorDescription ?? 'QEMU does not say why';
      throw new MigrationFailure(`QEMU at the source says that the migration ${status.status}: ${why}`);
    }
    const { startedMs, syncs, polls, setup, stop } = this;
    const final = status.ram === null && this.last !== null ? this.last : status;
    return { outcome, final, syncs, polls, startedMs, endedMs: nowMs(), setup, stop };
  }

  private stalled(consequence: string): MigrationFailure {
    const seconds = Math.round(this.order.stallMs / 1000);
    const transferred = this.last?.ram?.transferred ?? 0;
    const what =
      transferred === 0
        ? 'the source could not send anything to the destination'
        : `nothing got through any more after ${transferred} bytes`;
    return new MigrationFailure(
      `${what} for ${seconds} s: the link is cut, or packets are dropped${consequence}`,
    );
  }

  private async pause(): Promise<void> {
    if (!this.hasRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.bell = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.hasRung = false;
    this.bell = () => {};
  }
}
