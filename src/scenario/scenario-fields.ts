import { bareName, nearestNames } from './nearest-names.js';

/** The fields of a written scenario that hold a value, dotted, in the order in which they are written. */
export const SCENARIO_FIELDS = [
  'name',
  'description',
  'guest.memory',
  'guest.filled',
  'guest.workload.kind',
  'guest.workload.rate',
  'guest.workload.workingSet',
  'guest.workload.hotShare',
  'guest.workload.hotWrites',
  'guest.workload.groups',
  'network.link',
  'network.rtt',
  'network.loss',
  'network.mtu',
  'network.mss',
  'network.queue',
  'network.family',
  'network.congestionControl',
  'ipsec.esp',
  'ipsec.ah',
  'ipsec.mode',
  'ipsec.encap',
  'ipsec.esn',
  'ipsec.align4',
  'migration.maxBandwidth',
  'migration.downtimeLimit',
  'migration.multifdChannels',
  'migration.autoConverge',
  'migration.xbzrle.cache',
  'migration.xbzrle.delta',
  'migration.compression.ratio',
  'migration.compression.sourcePerPage',
  'migration.compression.destinationPerPage',
  'migration.postcopyAfterIterations',
  'migration.timeout',
  'hosts.calibration',
  'hosts.source.cores',
  'hosts.source.cpuShare',
  'hosts.destination.cores',
  'hosts.destination.cpuShare',
  'seed',
] as const;
export type ScenarioField = (typeof SCENARIO_FIELDS)[number];

/** Other names, and names of several fields at once. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  workload: ['guest.workload.kind'],
  ws: ['guest.workload.workingSet'],
  bandwidth: ['migration.maxBandwidth'],
  downtime: ['migration.downtimeLimit'],
  channels: ['migration.multifdChannels'],
  multifd: ['migration.multifdChannels'],
  postcopy: ['migration.postcopyAfterIterations'],
  xbzrle: ['migration.xbzrle'],
  compression: ['migration.compression'],
  cc: ['network.congestionControl'],
  cores: ['hosts.source.cores', 'hosts.destination.cores'],
  cpuShare: ['hosts.source.cpuShare', 'hosts.destination.cpuShare'],
};

const BY_NAME = new Map<string, readonly string[]>();
for (const field of SCENARIO_FIELDS) {
  BY_NAME.set(bareName(field), [field]);
  const parts = field.split('.');
  // `memory`, `xbzrle.cache`, and the last part alone unless it needs its context.
  if (parts.length > 1) BY_NAME.set(bareName(parts.slice(1).join('.')), [field]);
  if (parts.length === 2 || field.startsWith('guest.workload.'))
    BY_NAME.set(bareName(parts.at(-1)!), [field]);
}
BY_NAME.delete('kind');
for (const [name, fields] of Object.entries(ALIASES)) BY_NAME.set(bareName(name), fields);
for (const whole of ['migration.xbzrle', 'migration.compression']) BY_NAME.set(whole, [whole]);

/**
 * The fields that a name stands for: dotted (`network.mtu`), short (`mtu`, `channels`) or as QEMU spells it
 * (`max-bandwidth`). Mostly one; `cores` is that of both hosts. Null if there is no such field.
 */
export function fieldsNamed(name: string): readonly string[] | null {
  return BY_NAME.get(bareName(name.trim())) ?? null;
}

/** Short names, for messages and help: the last part of a field where it says enough. */
export function shortFieldNames(): string[] {
  const names = SCENARIO_FIELDS.filter((field) => !/^hosts\.(source|destination)\./.test(field)).map(
    (field) => {
      const parts = field.split('.');
      const isNested = field.startsWith('migration.') && parts.length > 2;
      return isNested ? parts.slice(1).join('.') : parts.at(-1)!;
    },
  );
  return [...names.filter((name) => name !== 'kind' && name !== 'groups'), ...Object.keys(ALIASES)];
}

/** What an unknown field name was probably meant to be: "did you mean mtu?", or how to find out. */
export function suggestField(name: string): string {
  const near = nearestNames(name, [...shortFieldNames(), ...SCENARIO_FIELDS]);
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${shortFieldNames().join(', ')}`;
}

/**
 * What an unknown key of a written scenario was probably meant to be.
 * @param parent dotted, where the key stands; empty for the top
 */
export function suggestKey(parent: string, key: string): string {
  const siblings = keysBelow(parent);
  const near = nearestNames(key, siblings);
  if (near.length > 0) return `did you mean ${near.join(' or ')}?`;
  const elsewhere = SCENARIO_FIELDS.filter((field) => bareName(field.split('.').at(-1)!) === bareName(key));
  if (elsewhere.length > 0) return `it belongs to ${elsewhere.map(parentOf).join(' or ')}`;
  return `allowed are ${siblings.join(', ')}`;
}

function parentOf(field: string): string {
  return field.split('.').slice(0, -1).join('.') || 'the top';
}

/** Names allowed directly below `parent`. */
export function keysBelow(parent: string): string[] {
  if (/groups\[\d+\]$/.test(parent)) return ['pages', 'writesPerSecond'];
  const prefix = parent === '' ? '' : `${parent}.`;
  const below = SCENARIO_FIELDS.filter((field) => field.startsWith(prefix));
  const keys = [...new Set(below.map((field) => field.slice(prefix.length).split('.')[0]!))];
  return parent === '' ? ['schema', 'extends', ...keys, 'uncertain'] : keys;
}
