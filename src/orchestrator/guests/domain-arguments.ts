import type { MigrationParameters } from '../../scenario/scenario.js';
import { EnvironmentError } from '../steps/run-context.js';
import { bracketed } from './qmp-undo.js';

const MEBI = 1024 * 1024;

/** Where the memory is to go: the address that IPsec protects. */
export interface DomainTarget {
  readonly uri: string;
  readonly address: string;
  readonly port: number;
  readonly isPersistent: boolean;
  readonly undefineSource: boolean;
}

/** Options and switches of `virsh migrate`. */
export interface MigrateOptions {
  readonly options: Readonly<Record<string, string>>;
  readonly switches: readonly string[];
}

/**
 * A scenario's migration in virsh's words. The destination listens on the protected address alone.
 * @throws EnvironmentError for what libvirt cannot do
 */
export function domainMigrateOptions(migration: MigrationParameters, target: DomainTarget): MigrateOptions {
  const { multifdChannels, autoConverge, xbzrle, compression, postcopyAfterIterations } = migration;
  if (compression !== null) {
    throw new EnvironmentError(
      'the compression of multifd cannot be asked of libvirt: leave compression out of the scenario',
    );
  }
  return {
    options: {
      desturi: target.uri,
      migrateuri: `tcp://${bracketed(target.address)}:${target.port}`,
      'listen-address': target.address,
      bandwidth: String(bandwidthMib(migration)),
      ...(multifdChannels > 0 && { 'parallel-connections': String(multifdChannels) }),
      ...(xbzrle !== null && { 'comp-methods': 'xbzrle', 'comp-xbzrle-cache': String(xbzrle.cacheBytes) }),
    },
    switches: [
      'live',
      ...(target.isPersistent ? ['persistent'] : []),
      ...(target.undefineSource ? ['undefinesource'] : []),
      ...(autoConverge ? ['auto-converge'] : []),
      ...(multifdChannels > 0 ? ['parallel'] : []),
      ...(xbzrle === null ? [] : ['compressed']),
      ...(postcopyAfterIterations === null ? [] : ['postcopy']),
    ],
  };
}

/** libvirt takes whole MiB/s: the next one up. */
export function bandwidthMib({ maxBandwidth }: Pick<MigrationParameters, 'maxBandwidth'>): number {
  return Math.ceil(maxBandwidth / MEBI);
}
