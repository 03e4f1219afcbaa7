import type { MigrationRecord } from '../migration/migration-record.js';
import type { Limit, RunResult } from '../result/run-result.js';
import type { Host, Scenario } from '../scenario/scenario.js';
import { transferRates } from './analytic/transfer-rates.js';
import type { Calibration } from './calibration/calibration.js';
import { channelOf, threadCostsOf } from './channel-of.js';
import { withConnections } from './connection-frames.js';
import { deriveSeed } from './derive-seed.js';
import { hostsOf } from './hosts-of.js';
import { simulateTransfer } from './packet/simulate-transfer.js';
import type { TransferOutcome } from './packet/transfer-outcome.js';
import type { MigrationLog } from './qemu/migration-log.js';
import { MigrationThread } from './qemu/migration-thread.js';
import { ReplaySource } from './qemu/replay.js';
import { Random } from './random.js';
import { runOfLog } from './run-of-log.js';
import type { StreamSource } from './stream-source.js';

/** What a migration that ran out of time may go on for, until its sockets are empty. */
const DRAIN_NS = 10e9;

/**
 * How a migration goes, every packet simulated: QEMU's migration thread page by page (`MigrationThread`) on simulated TCP connections
 * (`simulateTransfer`). Deterministic: the scenario's seed decides what the workload writes and what is lost.
 * @throws ModelError for scenarios that cannot be, or that the calibration does not cover
 */
export function predictPacket(scenario: Scenario, calibration: Calibration): RunResult {
  const costs = threadCostsOf(scenario, calibration);
  const { guest, migration, seed } = scenario;
  const random = new Random(deriveSeed(seed, 'guest'));
  return simulate(scenario, calibration, new MigrationThread({ guest, migration, costs, random }));
}

/**
 * A recorded migration on another channel: the same pages in the same iterations, carried as the scenario's network, IPsec and hosts do.
 * @throws ModelError as `predictPacket`
 */
export function predictReplay(
  scenario: Scenario,
  calibration: Calibration,
  record: MigrationRecord,
): RunResult {
  return simulate(scenario, calibration, new ReplaySource(record, threadCostsOf(scenario, calibration)));
}

/** What says where the stream's bytes come from, and keeps account of them. */
type Thread = StreamSource & { readonly log: MigrationLog };

function simulate(scenario: Scenario, calibration: Calibration, thread: Thread): RunResult {
  const channel = channelOf(scenario, calibration);
  const costs = threadCostsOf(scenario, calibration);
  const { migration, seed } = scenario;
  const hosts = hostsOf(scenario, calibration);
  const timeoutNs = migration.timeoutMs * 1e6;
  const outcome = simulateTransfer(channel, thread, {
    seed: deriveSeed(seed, 'losses'),
    timeLimitNs: timeoutNs + DRAIN_NS,
  });
  // Closes the account of a thread that was blocked when time ran out.
  thread.next(timeoutNs + DRAIN_NS);
  const { log } = thread;
  if (!log.converged) log.endNs = timeoutNs;
  const { wire } = outcome;
  return runOfLog({
    scenario,
    source: 'model:packet',
    log,
    stream: {
      bytes: log.streamBytes,
      ramBytes: log.ramBytes,
      normalPages: log.normalPages,
      zeroPages: log.zeroPages,
    },
    wire: withConnections(
      {
        packets: wire.packets,
        bytes: wire.bytes,
        bytesByLayer: wire.bytesByLayer,
        acknowledgements: wire.acknowledgements,
        fragments: wire.fragments,
        retransmissions: wire.retransmissions,
      },
      channel,
      thread.connections,
    ),
    standstillNs: standstillNs(),
    sourceCpuSeconds: busySeconds(outcome.source, hosts.source),
    destinationCpuSeconds: busySeconds(outcome.destination, hosts.destination),
    nsByLimit: withoutIdleTime(outcome.nsByLimit, log.idleNs),
  });

  function standstillNs(): number | null {
    const { stopNs, handedOverNs, endNs } = log;
    if (stopNs === null || handedOverNs === null) return null;
    if (handedOverNs === endNs) return outcome.deliveredNs - stopNs;
    // Post-copy: the devices' state is behind what the sockets hold, if they are full.
    const { pathByteNs, pageNs, pageBytes, buffer } = transferRates(channel, costs, migration);
    const queuedNs = pathByteNs * pageBytes > pageNs ? buffer.initialBytes * pathByteNs : 0;
    return handedOverNs - stopNs + queuedNs + channel.rttNs / 2 + costs.loadDeviceStateNs;
  }
}

/** Costs were divided by the share of the core; the core itself is busy for less. */
function busySeconds(busy: TransferOutcome['source'], { cores, cpuShare }: Host): number {
  return ((busy.softirqNs + busy.processNs) / 1e9) * (cores === 1 ? cpuShare : 1);
}

/** The simulation takes every wait of the thread for its rate limit. */
function withoutIdleTime(nsByLimit: Readonly<Record<Limit, number>>, idleNs: number): Record<Limit, number> {
  return { ...nsByLimit, maxBandwidth: Math.max(0, nsByLimit.maxBandwidth - idleNs) };
}
