import type { Guest, MigrationParameters, Scenario, Workload } from './scenario.js';
import type { DecodedScenario } from './scenario-schema.js';

/** Between the written names of a scenario's fields and those of `Scenario`, which carry units. Values are the same. */

/** Fills in what depends on other fields: all memory is filled, and all of that written to, unless said otherwise. */
export function resolveScenario(decoded: DecodedScenario): Scenario {
  const { name, description, network, ipsec, hosts, seed } = decoded;
  return {
    name,
    description,
    guest: resolveGuest(decoded.guest),
    network: {
      linkBps: network.link,
      rttUs: network.rtt,
      loss: network.loss,
      mtu: network.mtu,
      mss: network.mss,
      queuePackets: network.queue,
      family: network.family,
      congestionControl: network.congestionControl,
    },
    ipsec,
    migration: resolveMigration(decoded.migration),
    hosts,
    seed,
  };
}

function resolveGuest({ memory, filled = memory, workload }: DecodedScenario['guest']): Guest {
  return { memoryBytes: memory, filledBytes: filled, workload: resolveWorkload(workload, filled) };
}

function resolveWorkload(workload: DecodedScenario['guest']['workload'], filledBytes: number): Workload {
  if (workload.kind === 'idle' || workload.kind === 'trace') return workload;
  const { kind, rate: pagesPerSecond, workingSet: workingSetBytes = filledBytes } = workload;
  if (kind !== 'hot-set') return { kind, pagesPerSecond, workingSetBytes };
  return {
    kind,
    pagesPerSecond,
    workingSetBytes,
    hotShare: workload.hotShare,
    hotWrites: workload.hotWrites,
  };
}

function resolveMigration(decoded: DecodedScenario['migration']): MigrationParameters {
  const { xbzrle, compression } = decoded;
  return {
    maxBandwidth: decoded.maxBandwidth,
    downtimeLimitMs: decoded.downtimeLimit,
    multifdChannels: decoded.multifdChannels,
    autoConverge: decoded.autoConverge,
    xbzrle: xbzrle === null ? null : { cacheBytes: xbzrle.cache, deltaShare: xbzrle.delta },
    compression:
      compression === null
        ? null
        : {
            ratio: compression.ratio,
            sourceNsPerPage: compression.sourcePerPage,
            destinationNsPerPage: compression.destinationPerPage,
          },
    postcopyAfterIterations: decoded.postcopyAfterIterations,
    timeoutMs: decoded.timeout,
  };
}

/** The way back. All fields are there, those with their defaults too. */
export function unresolveScenario(scenario: Scenario): DecodedScenario {
  const { name, description, guest, network, ipsec, migration, hosts, seed } = scenario;
  const { xbzrle, compression } = migration;
  return {
    schema: 'tare.scenario/1',
    name,
    description,
    guest: {
      memory: guest.memoryBytes,
      filled: guest.filledBytes,
      workload: unresolveWorkload(guest.workload),
    },
    network: {
      link: network.linkBps,
      rtt: network.rttUs,
      loss: network.loss,
      mtu: network.mtu,
      mss: network.mss,
      queue: network.queuePackets,
      family: network.family,
      congestionControl: network.congestionControl,
    },
    ipsec: { ...ipsec },
    migration: {
      maxBandwidth: migration.maxBandwidth,
      downtimeLimit: migration.downtimeLimitMs,
      multifdChannels: migration.multifdChannels,
      autoConverge: migration.autoConverge,
      xbzrle: xbzrle && { cache: xbzrle.cacheBytes, delta: xbzrle.deltaShare },
      compression: compression && {
        ratio: compression.ratio,
        sourcePerPage: compression.sourceNsPerPage,
        destinationPerPage: compression.destinationNsPerPage,
      },
      postcopyAfterIterations: migration.postcopyAfterIterations,
      timeout: migration.timeoutMs,
    },
    hosts: {
      calibration: hosts.calibration,
      source: { ...hosts.source },
      destination: { ...hosts.destination },
    },
    seed,
  };
}

function unresolveWorkload(workload: Workload): DecodedScenario['guest']['workload'] {
  if (workload.kind === 'idle') return { kind: 'idle' };
  if (workload.kind === 'trace') {
    return { kind: 'trace', groups: workload.groups.map((group) => ({ ...group })) };
  }
  const { kind, pagesPerSecond: rate, workingSetBytes: workingSet } = workload;
  if (kind !== 'hot-set') return { kind, rate, workingSet };
  return { kind, rate, workingSet, hotShare: workload.hotShare, hotWrites: workload.hotWrites };
}
