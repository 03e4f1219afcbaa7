import type { MigrationRecord } from '../migration/migration-record.js';
import type { MigrationSummary } from './analysis-summary.js';

/** What the streams said, as JSON can hold it, what is asked for most first. */
export function summarizeMigration(record: MigrationRecord): MigrationSummary {
  const { transport, startNs, endNs, streamBytes, normalPages, zeroPages, iterations, ...rest } = record;
  const { downtimeNs, complete, ...others } = rest;
  return {
    transport,
    channels: record.connections.filter(({ role }) => role === 'multifd').length,
    startNs: String(startNs),
    endNs: String(endNs),
    streamBytes,
    normalPages,
    zeroPages,
    iterations: iterations.map(({ index, stage, startNs: at, ...figures }) => ({
      index,
      stage,
      startNs: String(at),
      ...figures,
    })),
    downtimeMs: downtimeNs === null ? null : downtimeNs / 1e6,
    complete,
    ...others,
  };
}
