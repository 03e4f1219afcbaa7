import type { MigrationParameters } from '../../scenario/scenario.js';
import { migrationCapabilities, migrationParameters } from './migration-settings.js';
import type { QmpClient } from './qmp-client.js';

/** QMP commands that bring back what a QEMU's migrations were set to. */
export type MigrationSettings = readonly {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}[];

/**
 * Reads what `applyMigrationSettings` would change, as it is now.
 * @throws QmpError
 */
export async function readMigrationSettings(
  qmp: QmpClient,
  migration: MigrationParameters,
): Promise<MigrationSettings> {
  const capabilities = (await qmp.execute('query-migrate-capabilities')) as readonly CapabilityState[];
  const parameters = (await qmp.execute('query-migrate-parameters')) as Readonly<Record<string, unknown>>;
  const changed = Object.keys(migrationCapabilities(migration));
  const names = [
    ...Object.keys(migrationParameters(migration)),
    ...(migration.compression === null ? [] : ['multifd-compression']),
  ];
  const kept = names.filter((name) => name in parameters).map((name) => [name, parameters[name]]);
  return [
    {
      execute: 'migrate-set-capabilities',
      arguments: { capabilities: capabilities.filter(({ capability }) => changed.includes(capability)) },
    },
    { execute: 'migrate-set-parameters', arguments: Object.fromEntries(kept) },
  ];
}

interface CapabilityState {
  readonly capability: string;
  readonly state: boolean;
}

/** As far as the QEMU still answers. */
export async function restoreMigrationSettings(qmp: QmpClient, settings: MigrationSettings): Promise<void> {
  for (const { execute, arguments: args } of settings) await qmp.execute(execute, args).catch(() => {});
}
