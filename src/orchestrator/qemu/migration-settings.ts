import type { MigrationParameters } from '../../scenario/scenario.js';
import { type QmpClient, QmpError } from './qmp-client.js';

/** Of QEMU's `MultiFDCompression`. */
export type MultifdCompression = 'zstd' | 'zlib';

/** Capabilities by their names in QEMU's `MigrationCapability`; the same on both sides. */
export function migrationCapabilities(migration: MigrationParameters): Readonly<Record<string, boolean>> {
  return {
    // MIGRATION and MIGRATION_PASS: each synchronisation is heard of when it happens.
    events: true,
    multifd: migration.multifdChannels > 0,
    xbzrle: migration.xbzrle !== null,
    'auto-converge': migration.autoConverge,
    'postcopy-ram': migration.postcopyAfterIterations !== null,
  };
}

/** Parameters by their names in QEMU's `MigrationParameters`; the same on both sides. */
export function migrationParameters(migration: MigrationParameters): Readonly<Record<string, number>> {
  const { maxBandwidth, downtimeLimitMs, multifdChannels, xbzrle } = migration;
  return {
    'max-bandwidth': Math.round(maxBandwidth),
    'downtime-limit': Math.round(downtimeLimitMs),
    ...(multifdChannels > 0 && { 'multifd-channels': multifdChannels }),
    ...(xbzrle !== null && { 'xbzrle-cache-size': xbzrle.cacheBytes }),
  };
}

/**
 * Sets both sides up alike.
 * @returns how multifd compresses; null if it does not
 * @throws QmpError if a QEMU refuses, with its words
 */
export async function applyMigrationSettings(
  clients: readonly QmpClient[],
  migration: MigrationParameters,
): Promise<MultifdCompression | null> {
  const capabilities = Object.entries(migrationCapabilities(migration)).map(([capability, state]) => ({
    capability,
    state,
  }));
  const parameters = migrationParameters(migration);
  await Promise.all(
    clients.map(async (client) => {
      await client.execute('migrate-set-capabilities', { capabilities });
      await client.execute('migrate-set-parameters', parameters);
    }),
  );
  return migration.compression === null ? null : chooseCompression(clients);
}

/** The first method that all have been built with. */
async function chooseCompression(clients: readonly QmpClient[]): Promise<MultifdCompression> {
  const methods: readonly MultifdCompression[] = ['zstd', 'zlib'];
  let refusal: unknown;
  for (const method of methods) {
    try {
      await Promise.all(
        clients.map((client) => client.execute('migrate-set-parameters', { 'multifd-compression': method })),
      );
      return method;
    } catch (error) {
      if (!(error instanceof QmpError) || error.kind !== 'GenericError') throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** Where a migration goes, as QEMU's URIs have it: IPv6 addresses in brackets. */
export function migrationUri(address: string, port: number): string {
  return `tcp:${address.includes(':') ? `[${address}]` : address}:${port}`;
}
