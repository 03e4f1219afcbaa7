import type { Limit, RunResult } from '../../result/run-result.js';
import type { Host, MigrationParameters, Scenario } from '../../scenario/scenario.js';
import type { Calibration } from '../calibration/calibration.js';
import type { Channel } from '../channel.js';
import { channelOf, threadCostsOf } from '../channel-of.js';
import { withConnections } from '../connection-frames.js';
import { hostsOf } from '../hosts-of.js';
import { guestMemory } from '../qemu/guest-memory.js';
import { PC_MACHINE } from '../qemu/machine-profile.js';
import type { MigrationLog } from '../qemu/migration-log.js';
import { MULTIFD_PACKET_HEADER_BYTES, MULTIFD_PACKET_PAGES, PAGE_BYTES } from '../qemu/stream-framing.js';
import type { ThreadCosts } from '../qemu/thread-costs.js';
import { WRITE_BYTES } from '../qemu/write-buffer.js';
import { runOfLog } from '../run-of-log.js';
import { dirtyGroups, dirtyPart } from '../workload/dirty-group.js';
import { AnalyticThread, type TimeByPlace } from './analytic-thread.js';
import { deviceBytes, leadBytes, streamOf } from './stream-estimate.js';
import { transferRates } from './transfer-rates.js';
import { type ConnectionLoad, estimateWire, type WireEstimate } from './wire-estimate.js';

const MULTIFD_WRITE_BYTES = MULTIFD_PACKET_HEADER_BYTES + MULTIFD_PACKET_PAGES * PAGE_BYTES;

/**
 * How a migration goes, by formulas: expected values, no random numbers. docs/MIGRATION-MODEL.md gives each equation and what
 * is left out.
 * @throws ModelError for scenarios that cannot be, or that the calibration does not cover
 */
export function predictAnalytic(scenario: Scenario, calibration: Calibration): RunResult {
  const channel = channelOf(scenario, calibration);
  const costs = threadCostsOf(scenario, calibration);
  const { guest, migration } = scenario;
  const hosts = hostsOf(scenario, calibration);
  const memory = guestMemory(dirtyPart(guest), PC_MACHINE);
  const rates = transferRates(channel, costs, migration);
  const thread = new AnalyticThread({
    memory,
    groups: dirtyGroups(guest.workload, memory.filled),
    migration,
    costs,
    rates,
    leadBytes: leadBytes(memory, migration),
    deviceBytes: deviceBytes(memory, migration),
  });
  thread.run();
  const { log, time } = thread;
  const stream = streamOf(thread, memory, migration);
  const sent = estimateWire(channel, loads(stream.bytes, time, migration, channel), rates.acksPerSegment);
  const nsByLimit: Record<Limit, number> = {
    link: 0,
    sourceCpu: 0,
    destinationCpu: 0,
    roundTrips: 0,
    maxBandwidth: time.maxBandwidth,
  };
  nsByLimit[rates.pathLimit] += time.path;
  nsByLimit.sourceCpu += time.thread;
  return runOfLog({
    scenario,
    source: 'model:analytic',
    log,
    stream,
    wire: withConnections(sent.wire, channel, 1 + migration.multifdChannels),
    standstillNs: standstillNs(thread, channel, costs),
    sourceCpuSeconds: sourceSeconds(channel, costs, log, migration, sent) * shareOf(hosts.source),
    destinationCpuSeconds:
      destinationSeconds(channel, costs, log, migration, sent) * shareOf(hosts.destination),
    nsByLimit,
  });
}

/**
 * Multifd carries nearly all; the main connection's few bytes are counted with the first. What ended with short segments is of
 * the time in which the thread was the narrower place, and of that the share of the writes that do.
 */
function loads(
  bytes: number,
  { path, thread }: TimeByPlace,
  migration: MigrationParameters,
  { shortEnds }: Channel,
): ConnectionLoad[] {
  const connections = Math.max(1, migration.multifdChannels);
  const writeBytes = migration.multifdChannels > 0 ? MULTIFD_WRITE_BYTES : WRITE_BYTES;
  // Threads of multifd hold nothing back.
  const endsShort = migration.multifdChannels > 0 ? 1 : shortEnds;
  const prompt = thread > 0 ? (thread / (path + thread)) * endsShort : 0;
  const each = Math.floor(bytes / connections);
  return Array.from({ length: connections }, (_, i) => {
    const load = i === 0 ? bytes - each * (connections - 1) : each;
    return { bytes: load, promptBytes: load * prompt, writeBytes };
  });
}

function standstillNs(thread: AnalyticThread, channel: Channel, costs: ThreadCosts): number | null {
  const { stopNs, handedOverNs } = thread.log;
  if (stopNs === null || handedOverNs === null) return null;
  return handedOverNs - stopNs + thread.drainNs + channel.rttNs / 2 + costs.loadDeviceStateNs;
}

/** Costs were divided by the share of the core; the core itself is busy for less. */
function shareOf({ cores, cpuShare }: Host): number {
  return cores === 1 ? cpuShare : 1;
}

function sourceSeconds(
  { source, mssBytes }: Channel,
  costs: ThreadCosts,
  log: MigrationLog,
  { compression }: MigrationParameters,
  { segments, wire }: WireEstimate,
): number {
  const pages = log.normalPages + log.xbzrlePages;
  const qemuNs =
    pages * (costs.pageNs + (compression?.sourceNsPerPage ?? 0)) +
    log.zeroPages * costs.zeroPageNs +
    log.synchronisations * costs.synchroniseNs +
    (log.handedOverNs === null ? 0 : costs.deviceStateNs);
  const sendNs = segments * (source.sendPacketNs + source.sendByteNs * mssBytes);
  return (qemuNs + sendNs + wire.acknowledgements * source.receivePacketNs) / 1e9;
}

function destinationSeconds(
  { destination, mssBytes }: Channel,
  costs: ThreadCosts,
  log: MigrationLog,
  { compression }: MigrationParameters,
  { segments, wire }: WireEstimate,
): number {
  const pages = log.normalPages + log.xbzrlePages;
  const qemuNs =
    pages * (costs.storePageNs + (compression?.destinationNsPerPage ?? 0)) +
    log.zeroPages * costs.storeZeroPageNs +
    (log.handedOverNs === null ? 0 : costs.loadDeviceStateNs);
  const arrived = segments - wire.retransmissions;
  const receiveNs = arrived * (destination.receivePacketNs + destination.receiveByteNs * mssBytes);
  return (qemuNs + receiveNs + wire.acknowledgements * destination.sendPacketNs) / 1e9;
}
