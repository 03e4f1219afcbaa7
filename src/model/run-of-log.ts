import type {
  IterationResult,
  Limit,
  RunResult,
  RunSource,
  StreamResult,
  WireResult,
} from '../result/run-result.js';
import { LIMITS } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import type { MigrationLog } from './qemu/migration-log.js';

/** What a model found out, as `runOfLog` puts it together. */
export interface ModelledRun {
  readonly scenario: Scenario;
  readonly source: RunSource;
  readonly log: MigrationLog;
  readonly stream: StreamResult;
  readonly wire: WireResult;
  /** From stopping the guest to the destination being done with what it needs; null if that never happened. */
  readonly standstillNs: number | null;
  readonly sourceCpuSeconds: number;
  readonly destinationCpuSeconds: number;
  readonly nsByLimit: Readonly<Record<Limit, number>>;
}

/** The result of a model in the shape that all runs have. */
export function runOfLog(run: ModelledRun): RunResult {
  const { log, stream } = run;
  const { stopNs, handedOverNs } = log;
  const totalTimeMs = log.endNs / 1e6;
  const timeByLimit = shares(run.nsByLimit);
  return {
    schema: 'tare.run/1',
    scenario: run.scenario,
    source: run.source,
    converged: log.converged,
    totalTimeMs,
    downtimeMs: stopNs === null || handedOverNs === null ? null : (handedOverNs - stopNs) / 1e6,
    standstillMs: run.standstillNs === null ? null : run.standstillNs / 1e6,
    setupMs: log.setupEndNs / 1e6,
    iterations: wholeIterations(log.iterations),
    stream,
    wire: run.wire,
    cpu: { source: { seconds: run.sourceCpuSeconds }, destination: { seconds: run.destinationCpuSeconds } },
    throughputBps: totalTimeMs > 0 ? (stream.bytes * 8000) / totalTimeMs : 0,
    limitedBy: LIMITS.reduce((most, limit) => (timeByLimit[limit] > timeByLimit[most] ? limit : most)),
    timeByLimit,
    intervals: null,
  };
}

/** All of it is the source's processor where nothing was transferred. */
function shares(nsByLimit: Readonly<Record<Limit, number>>): Record<Limit, number> {
  const total = LIMITS.reduce((sum, limit) => sum + nsByLimit[limit], 0);
  const share = (limit: Limit): number =>
    total > 0 ? nsByLimit[limit] / total : limit === 'sourceCpu' ? 1 : 0;
  return {
    link: share('link'),
    sourceCpu: share('sourceCpu'),
    destinationCpu: share('destinationCpu'),
    roundTrips: share('roundTrips'),
    maxBandwidth: share('maxBandwidth'),
  };
}

/** Whole pages and bytes that add up to the rounded totals, of expected values. */
function wholeIterations(iterations: readonly IterationResult[]): IterationResult[] {
  const sums = { pages: 0, zeroPages: 0, bytes: 0 };
  const part = (key: keyof typeof sums, value: number): number => {
    const before = Math.round(sums[key]);
    sums[key] += value;
    return Math.round(sums[key]) - before;
  };
  return iterations.map((iteration) => ({
    ...iteration,
    pages: part('pages', iteration.pages),
    zeroPages: part('zeroPages', iteration.zeroPages),
    bytes: part('bytes', iteration.bytes),
    remainingPages: Math.round(iteration.remainingPages),
  }));
}
