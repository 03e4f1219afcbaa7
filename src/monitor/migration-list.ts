import { rateBps } from '../analysis/time-span.js';
import type { MigrationProgress } from '../migration/migration-progress.js';
import { estimateTimeLeft } from './estimate-time-left.js';
import type { LiveMigration } from './live-snapshot.js';

/** Longer than TCP takes to try again what was lost. */
const SILENCE_NS = 10e9;
/** Migrations in a snapshot: those that sent last. */
const MAX_LISTED = 32;

/** Lists migrations under way, with what the last interval added to each. */
export class MigrationList {
  /** Stream bytes at the snapshot before, by id. */
  private before = new Map<number, number>();

  /**
   * Call once a snapshot.
   * @param progress of all migrations under way
   * @param intervalSeconds since the snapshot before
   */
  read(progress: readonly MigrationProgress[], nowNs: bigint, intervalSeconds: number): LiveMigration[] {
    const listed = progress
      .toSorted((a, b) => Number(b.record.endNs - a.record.endNs) || b.id - a.id)
      .slice(0, MAX_LISTED)
      .toSorted((a, b) => a.id - b.id)
      .map((one) => this.describe(one, nowNs, intervalSeconds));
    this.before = new Map(progress.map(({ id, record }) => [id, record.streamBytes]));
    return listed;
  }

  private describe(progress: MigrationProgress, nowNs: bigint, intervalSeconds: number): LiveMigration {
    const { id, record, isEnded, stage, memoryBytes, scannedShare } = progress;
    const { transport, connections, streamBytes, iterations } = record;
    const { source, destination, destinationPort } = connections[0]!;
    return {
      id,
      transport,
      source,
      destination,
      destinationPort,
      state: stateOf(progress, nowNs),
      stage,
      iteration: iterations.length,
      channels: connections.filter(({ role }) => role === 'multifd').length,
      startNs: String(record.startNs),
      lastTimeNs: String(record.endNs),
      streamBytes,
      memoryBytes,
      rateBps: rateBps(streamBytes - (this.before.get(id) ?? 0), intervalSeconds),
      passShare: isEnded ? null : scannedShare,
      ...estimateTimeLeft(progress),
    };
  }
}

function stateOf({ isEnded, record }: MigrationProgress, nowNs: bigint): LiveMigration['state'] {
  if (isEnded) return 'ended';
  return Number(nowNs - record.endNs) > SILENCE_NS ? 'silent' : 'running';
}
