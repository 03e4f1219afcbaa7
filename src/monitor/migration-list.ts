import { rateBps } from '../analysis/time-span.js';
import type { MigrationObserver } from '../migration/migration-observer.js';
import type { MigrationProgress } from '../migration/migration-progress.js';
import { estimateTimeLeft } from './estimate-time-left.js';
import type { LiveMigration } from './live-snapshot.js';

/** Longer than TCP takes to try again what was lost. */
const SILENCE_NS = 10e9;
/** Migrations in a snapshot: those that sent last. */
const MAX_LISTED = 32;

/** Lists migrations under way, with what the last interval added to each. */
export class MigrationList {
  private readonly observer: MigrationObserver;
  /** Stream bytes at the snapshot before, by id. */
  private before = new Map<number, number>();

  constructor(observer: MigrationObserver) {
    this.observer = observer;
  }

  /**
   * Call once a snapshot.
   * @param intervalSeconds since the snapshot before
   */
  read(nowNs: bigint, intervalSeconds: number): LiveMigration[] {
    this.observer.retire(nowNs);
    const all = this.observer.progress();
    const listed = all
      .toSorted((a, b) => Number(b.lastNs - a.lastNs) || b.id - a.id)
      .slice(0, MAX_LISTED)
      .toSorted((a, b) => a.id - b.id)
      .map((progress) => this.describe(progress, nowNs, intervalSeconds));
    this.before = new Map(all.map(({ id, streamBytes }) => [id, streamBytes]));
    return listed;
  }

  private describe(progress: MigrationProgress, nowNs: bigint, intervalSeconds: number): LiveMigration {
    const { id, transport, source, destination, destinationPort, stage, channels, streamBytes } = progress;
    const added = streamBytes - (this.before.get(id) ?? 0);
    const state = stateOf(progress, nowNs);
    const timeLeft = estimateTimeLeft(progress);
    return {
      id,
      transport,
      source,
      destination,
      destinationPort,
      state,
      stage,
      iteration: progress.iterations.length,
      channels,
      startNs: String(progress.startNs),
      lastTimeNs: String(progress.lastNs),
      streamBytes,
      memoryBytes: progress.memoryBytes,
      rateBps: rateBps(added, intervalSeconds),
      passShare: progress.isEnded ? null : progress.scannedShare,
      ...timeLeft,
    };
  }
}

function stateOf({ isEnded, lastNs }: MigrationProgress, nowNs: bigint): LiveMigration['state'] {
  if (isEnded) return 'ended';
  return Number(nowNs - lastNs) > SILENCE_NS ? 'silent' : 'running';
}
