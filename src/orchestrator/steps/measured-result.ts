import type { HostEnvironment, XfrmAccount } from '../../result/measured-run.js';
import {
  type CpuResult,
  type IterationResult,
  LIMITS,
  type Limit,
  type RunResult,
  type StreamResult,
  type WireResult,
} from '../../result/run-result.js';
import { busySeconds, isGuestProcessor } from '../measure/cpu-times.js';
import { countedBetween } from '../measure/network-counters.js';
import type { RamStatus } from '../qemu/migration-status.js';
import { isLoopback } from './check-hosts.js';
import { iterationsFromQemu, iterationsOnWire } from './measured-iterations.js';
import { filled, type RunContext } from './run-context.js';
import type { HostRole } from './step.js';

/** What all steps have found out, as one result. */
export function measuredResult(context: RunContext): RunResult {
  const { scenario, place } = context;
  const account = filled(context, 'migration');
  const converged = account.outcome === 'completed';
  const totalTimeMs = converged ? account.final.totalTimeMs : account.endedMs - account.startedMs;
  const stream = streamResult(context);
  const cpu = { source: cpuResult(context, 'source'), destination: cpuResult(context, 'destination') };
  const throughputBps = totalTimeMs > 0 ? (stream.bytes * 8000) / totalTimeMs : 0;
  const limitedBy = narrowestPlace(context, cpu, totalTimeMs, throughputBps);
  const standstill = context.standstill ?? null;
  return {
    schema: 'tare.run/1',
    scenario,
    source: place.source,
    converged,
    totalTimeMs,
    downtimeMs: converged ? account.final.downtimeMs : null,
    standstillMs: converged && standstill !== null ? standstill.ms : null,
    setupMs: account.final.setupTimeMs,
    iterations: iterationResults(context, totalTimeMs),
    stream,
    wire: wireResult(context),
    cpu,
    throughputBps,
    limitedBy,
    timeByLimit: Object.fromEntries(LIMITS.map((limit) => [limit, limit === limitedBy ? 1 : 0])) as Record<
      Limit,
      number
    >,
    intervals: null,
    ...(converged && standstill !== null && { standstillErrorMs: standstill.errorMs }),
    environment: {
      source: hostEnvironment(context, 'source'),
      destination: hostEnvironment(context, 'destination'),
      clockDifferenceMs: clockDifference(context),
    },
    checks: context.checks,
    xfrm: { source: xfrmAccount(context, 'source'), destination: xfrmAccount(context, 'destination') },
  };
}

/** What was lost before it could be recorded was sent again, which only TCP itself knows. */
function wireResult(context: RunContext): WireResult {
  const { wire } = filled(context, 'wire');
  const { before, after } = filled(context, 'counters');
  const counted = (after?.source.tcp['RetransSegs'] ?? 0) - (before.source.tcp['RetransSegs'] ?? 0);
  return { ...wire, retransmissions: Math.max(wire.retransmissions, after === undefined ? 0 : counted) };
}

/** Read off the wire where that was possible, else as QEMU says. */
function streamResult(context: RunContext): StreamResult {
  const { migration, payloadBytes } = filled(context, 'wire');
  const ram = filled(context, 'migration').final.ram;
  return {
    bytes: migration?.streamBytes ?? payloadBytes ?? ram?.transferred ?? 0,
    ramBytes: migration?.ramBytes ?? (ram === null ? 0 : ramBytes(ram)),
    normalPages: migration?.normalPages ?? ram?.normalPages ?? 0,
    zeroPages: migration?.zeroPages ?? ram?.zeroPages ?? 0,
  };
}

/** `transferred` counts more in later versions of QEMU; its parts do not. */
function ramBytes({
  precopyBytes,
  downtimeBytes,
  postcopyBytes,
  multifdBytes,
  transferred,
}: RamStatus): number {
  return precopyBytes + downtimeBytes + postcopyBytes + multifdBytes || transferred;
}

function iterationResults(context: RunContext, totalTimeMs: number): IterationResult[] {
  const { migration } = filled(context, 'wire');
  const account = filled(context, 'migration');
  if (migration === null || migration.iterations.length === 0) return iterationsFromQemu(account);
  return iterationsOnWire(migration, account, totalTimeMs);
}

/** All that was not idle, less what the guest's own processors used: on a host that does nothing else, that is the migration. */
function cpuResult(context: RunContext, role: HostRole): CpuResult {
  const account = filled(context, 'cpu')[role];
  if (account === null) return { seconds: 0 };
  const guest = account.byThread.filter(isGuestProcessor).reduce((sum, { seconds }) => sum + seconds, 0);
  const seconds = Math.max(0, Math.round((busySeconds(account) - guest) * 100) / 100);
  return { seconds, byKind: account.byKind, threads: account.byThread };
}

/** Below it nothing was busy: what was waited for were round trips. */
const BUSY_SHARE = 0.7;

/** Which of what can be busy was busiest. A measurement cannot tell when it was another, so that one gets all of the time. */
function narrowestPlace(
  context: RunContext,
  cpu: Readonly<Record<HostRole, CpuResult>>,
  totalTimeMs: number,
  throughputBps: number,
): Limit {
  const { scenario } = context;
  const busy = ({ byKind }: CpuResult): number => {
    const all = Object.values(byKind ?? {}).reduce((sum, seconds) => sum + seconds, 0);
    return all > 0 ? 1 - ((byKind?.idle ?? 0) + (byKind?.iowait ?? 0)) / all : 0;
  };
  const wireBits = filled(context, 'wire').wire.bytes * 8;
  const shares: [Limit, number][] = [
    ['link', totalTimeMs > 0 ? wireBits / ((scenario.network.linkBps * totalTimeMs) / 1000) : 0],
    ['maxBandwidth', throughputBps / 8 / scenario.migration.maxBandwidth],
    ['sourceCpu', busy(cpu.source)],
    ['destinationCpu', busy(cpu.destination)],
  ];
  const [limit, share] = shares.reduce((most, each) => (each[1] > most[1] ? each : most));
  return share >= BUSY_SHARE ? limit : 'roundTrips';
}

function hostEnvironment(context: RunContext, role: HostRole): HostEnvironment {
  const facts = filled(context, 'facts')[role];
  const { accelerator, type } = filled(context, 'machine');
  // The source's connection is the one that sends; a route of its own gives it what the scenario says.
  const instructionNs = context.place.lab?.instructionNs ?? null;
  const isSet = role === 'source' && !isLoopback(context);
  return {
    kernel: facts.kernel,
    qemu: facts.qemu?.version ?? '',
    cpu: facts.cpu,
    cores: facts.cores,
    accelerator,
    ...(instructionNs !== null && { instructionNs }),
    machine: type,
    congestionControl: isSet ? context.scenario.network.congestionControl : facts.congestionControl,
    offloadsOff: filled(context, 'offloads')[role],
  };
}

function clockDifference({ clocks }: RunContext): { value: number; error: number } | null {
  if (!clocks?.source || !clocks.destination) return null;
  return {
    value: clocks.destination.offsetMs - clocks.source.offsetMs,
    error: clocks.source.errorMs + clocks.destination.errorMs,
  };
}

/** Of this run's SAs alone. */
function xfrmAccount(context: RunContext, role: HostRole): XfrmAccount {
  const { before, after } = filled(context, 'counters');
  const own = new Set(context.channel?.associations.map(({ spi }) => spi));
  const [first, last] = [before[role], (after ?? before)[role]];
  return {
    dropped: last.xfrm === null ? null : countedBetween(first.xfrm ?? {}, last.xfrm),
    states: last.states.filter(({ spi }) => own.has(Number.parseInt(spi, 16))),
  };
}
