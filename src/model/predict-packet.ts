import type { Limit, RunResult } from '../result/run-result.js';
import type { Host, Scenario } from '../scenario/scenario.js';
import { transferRates } from './analytic/transfer-rates.js';
import type { Calibration } from './calibration/calibration.js';
import { channelOf, threadCostsOf } from './channel-of.js';
import { deriveSeed } from './derive-seed.js';
import { simulateTransfer } from './packet/simulate-transfer.js';
import type { TransferOutcome } from './packet/transfer-outcome.js';
import { MigrationThread } from './qemu/migration-thread.js';
import { Random } from './random.js';
import { runOfLog } from './run-of-log.js';

/** What a migration that ran out of time may go on for, until its sockets are empty. */
const DRAIN_NS = 10e9;

/**
 * How a migration goes, every packet simulated: QEMU's migration thread page by page (`MigrationThread`) on simulated TCP connections
 * (`simulateTransfer`). Deterministic: the scenario's seed decides what the workload writes and what is lost.
 * @throws ModelError for scenarios that cannot be, or that the calibration does not cover
 */
export function predictPacket(scenario: Scenario, calibration: Calibration): RunResult {
  const channel = channelOf(scenario, calibration);
  const costs = threadCostsOf(scenario, calibration);
  const { guest, migration, seed, hosts } = scenario;
  const thread = new MigrationThread({
    guest,
    migration,
    costs,
    random: new Random(deriveSeed(seed, 'guest')),
  });
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
    wire: {
      packets: wire.packets,
      bytes: wire.bytes,
      bytesByLayer: wire.bytesByLayer,
      acknowledgements: wire.acknowledgements,
      fragments: wire.fragments,
      retransmissions: wire.retransmissions,
    },
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
