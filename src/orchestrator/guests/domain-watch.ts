import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProgram, RunOutcome } from '../hosts/host.js';
import { nowMs } from '../qemu/clock.js';
import type { MigrationStatus, RamStatus } from '../qemu/migration-status.js';
import { type MigrationAccount, MigrationFailure, type SyncRecord } from '../qemu/migration-watch.js';
import type { MigrateOptions } from './domain-arguments.js';
import { AnswerReader, parseIterationEvent, parseJobInfo } from './job-info.js';
import type { Virsh } from './virsh.js';

/*
 * Theory of operation. `virsh migrate` runs at the source until the domain is on one side or the other. Beside it `virsh event` tells
 * when an iteration begins, and `virsh domjobinfo`, asked a few times a second, how far it has got. Whatever is to end the migration early asks libvirt to abort the job, and then waits for `virsh migrate`
 * to end, for only then it is known where the domain is. libvirt may not get QEMU to listen: then the connection is broken
 * under it. After a change to post-copy libvirt refuses to abort, and so do we.
 */

export interface DomainOrder {
  readonly source: Virsh;
  /** Knows the figures when the domain is no longer at the source. */
  readonly destination: Virsh;
  readonly migrate: MigrateOptions;
  readonly timeoutMs: number;
  readonly postcopyAfterIterations: number | null;
  /** Nothing has moved for so long: the channel is dead. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  readonly breakConnections: () => Promise<void>;
}

/**
 * Has libvirt migrate a domain and follows it to the end.
 * @throws MigrationFailure with libvirt's words; what `signal` gives as its reason; HostError
 */
export async function watchDomain(order: DomainOrder): Promise<MigrationAccount> {
  order.signal.throwIfAborted();
  const events = await order.source.watchIterations();
  const answers = await order.source.watchJob();
  try {
    return await new DomainWatch(order, events, answers).run();
  } finally {
    await Promise.all([events.kill(), answers.kill()]);
  }
}

const LOOK_MS = 50;
/** One answer may have been on its way when something moved again. */
const SAME_ANSWERS = 3;
/** libvirt prepares both sides first, and does not break that off at once. */
const ABORT_TIMEOUT_MS = 30_000;

/** From asking libvirt to QEMU's beginning: both sides are prepared, and machines started. */
const PREPARATION_MS = 300_000;

type Ending = 'time limit' | 'stall' | 'interruption';

class DomainWatch {
  private readonly order: DomainOrder;
  private readonly syncs: SyncRecord[] = [];
  private readonly askedMs = nowMs();
  /** QEMU has begun. */
  private startedMs: number | null = null;
  private last: MigrationStatus | null = null;
  private polls = 0;
  /** When something last moved, and how many answers have told the same since. */
  private progress = { text: '', atMs: 0, answers: 0 };
  private ending: { readonly why: Ending; sinceMs: number; isBroken: boolean } | null = null;
  private isPostcopyAsked = false;
  private outcome: RunOutcome | null = null;

  constructor(order: DomainOrder, events: RunningProgram, answers: RunningProgram) {
    this.order = order;
    createInterface({ input: events.stdout }).on('line', (line) => {
      const iteration = parseIterationEvent(line);
      if (iteration !== null) this.reach(iteration, this.last?.ram ?? null);
    });
    const reader = new AnswerReader();
    answers.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const answer of reader.take(text)) this.take(answer);
    });
  }

  async run(): Promise<MigrationAccount> {
    const { options, switches } = this.order.migrate;
    let lost: unknown;
    this.order.source.run('migrate', options, switches).then(
      (outcome) => {
        this.outcome = outcome;
      },
      (error: unknown) => {
        lost = error;
      },
    );
    while (this.outcome === null) {
      if (lost !== undefined) throw lost;
      await this.intervene();
      await sleep(LOOK_MS);
    }
    return this.conclude(this.outcome);
  }

  private take(answer: string): void {
    this.polls++;
    const status = parseJobInfo(answer);
    if (status?.ram == null) return;
    const { transferred, remaining, dirtySyncCount } = status.ram;
    const text = `${transferred} ${remaining} ${dirtySyncCount}`;
    const isSame = text === this.progress.text;
    this.progress = isSame
      ? { ...this.progress, answers: this.progress.answers + 1 }
      : { text, atMs: nowMs(), answers: 0 };
    this.reach(dirtySyncCount, status.ram);
    this.amend(status.ram);
    this.last = status;
  }

  /** Whoever tells first of a synchronisation is believed. */
  private reach(count: number, ram: RamStatus | null): void {
    this.startedMs ??= nowMs();
    if (count <= (this.syncs.at(-1)?.count ?? 0)) return;
    const before = this.last?.ram?.remaining ?? ram?.total ?? 0;
    this.syncs.push({
      atMs: nowMs() - this.startedMs,
      count,
      normalPages: ram?.normalPages ?? 0,
      zeroPages: ram?.zeroPages ?? 0,
      transferred: ram?.transferred ?? 0,
      remainingBefore: before,
      remaining: ram?.remaining ?? before,
    });
  }

  /** What was left after a synchronisation shows in the first answer that comes after it. */
  private amend({ dirtySyncCount, remaining }: RamStatus): void {
    const sync = this.syncs.at(-1);
    if (sync === undefined || sync.count !== dirtySyncCount || remaining <= sync.remaining) return;
    this.syncs[this.syncs.length - 1] = { ...sync, remaining };
  }

  private async intervene(): Promise<void> {
    const { postcopyAfterIterations, timeoutMs, stallMs, signal, source } = this.order;
    const passes = (this.syncs.at(-1)?.count ?? 0) - 1;
    if (postcopyAfterIterations !== null && passes >= postcopyAfterIterations && !this.isPostcopyAsked) {
      this.isPostcopyAsked = true;
      await source.run('migrate-postcopy');
    }
    // Going on is the only way to keep the guest.
    if (this.isPostcopyAsked) return;
    const now = nowMs();
    const { answers, atMs } = this.progress;
    if (this.ending !== null) {
      if (now - this.ending.sinceMs > ABORT_TIMEOUT_MS) await this.insist();
    } else if (signal.aborted) await this.end('interruption');
    else if (answers >= SAME_ANSWERS && now - atMs > this.patience * stallMs) await this.end('stall');
    else if (now > this.deadlineMs(timeoutMs)) await this.end('time limit');
  }

  /** When all is sent, libvirt still starts the guest at the destination and ends what is left at the source: nothing moves then. */
  private get patience(): number {
    return this.last?.ram?.remaining === 0 ? 4 : 1;
  }

  private deadlineMs(timeoutMs: number): number {
    const { startedMs, askedMs } = this;
    return startedMs === null ? askedMs + timeoutMs + PREPARATION_MS : startedMs + timeoutMs;
  }

  private async end(why: Ending): Promise<void> {
    this.ending = { why, sinceMs: nowMs(), isBroken: false };
    await this.abort();
  }

  /** libvirt may wait for a QEMU that does not answer, or have nothing to abort yet. */
  private async abort(): Promise<void> {
    await this.order.source.run('domjobabort', {}, [], ABORT_TIMEOUT_MS).catch(() => {});
  }

  private async insist(): Promise<void> {
    if (this.ending === null) return;
    if (this.ending.isBroken)
      throw new MigrationFailure('libvirt at the source neither goes on nor gives up');
    this.ending = { ...this.ending, isBroken: true, sinceMs: nowMs() };
    await this.abort();
    if (this.outcome === null) await this.order.breakConnections();
  }

  private async conclude({ code, stderr }: RunOutcome): Promise<MigrationAccount> {
    const isCompleted = code === 0;
    if (this.order.signal.aborted) throw this.order.signal.reason;
    if (!isCompleted && this.ending?.why !== 'time limit') throw this.failure(stderr);
    const endedMs = nowMs();
    const final = (isCompleted ? await this.finalFigures() : null) ?? this.last;
    if (final === null) throw new MigrationFailure('libvirt does not tell how the migration went');
    const { syncs, polls, startedMs } = this;
    const outcome = isCompleted ? 'completed' : 'timed-out';
    return {
      outcome,
      final,
      syncs,
      polls,
      startedMs: startedMs ?? endedMs,
      endedMs,
      setup: null,
      stop: null,
    };
  }

  /** At the source as long as it knows the domain, else at the destination. */
  private async finalFigures(): Promise<MigrationStatus | null> {
    const { source, destination } = this.order;
    for (const virsh of [source, destination]) {
      const { stdout } = await virsh.run('domjobinfo', {}, ['completed', 'keep-completed', 'rawstats']);
      const status = parseJobInfo(stdout);
      if (status !== null) return { ...status, status: 'completed' };
    }
    return null;
  }

  private failure(stderr: string): MigrationFailure {
    if (this.ending?.why !== 'stall') {
      const said = stderr.replace(/^error: /gm, '').trim();
      const { desturi } = this.order.migrate.options;
      return new MigrationFailure(`virsh migrate to ${desturi} says: ${said || 'nothing'}`);
    }
    const seconds = Math.round(this.order.stallMs / 1000);
    const transferred = this.last?.ram?.transferred ?? 0;
    return new MigrationFailure(
      `nothing got through any more after ${transferred} bytes for ${seconds} s: the link is cut, or packets are dropped`,
    );
  }
}
