import type { Intervals, Limit, RunResult } from './run-result.js';

/** One point of a sweep as tables and charts take it: its place in the grid, and the figures of its run. */
export interface SweepRow {
  /** Place in the grid's order, from 0. */
  readonly index: number;
  /** Name of the scenario that was varied. */
  readonly scenario: string;
  /** What the grid set, as written, in the order of the grid's axes. */
  readonly settings: Readonly<Record<string, string>>;
  /** Null where there can be no such migration. */
  readonly figures: SweepFigures | null;
  /** Why there can be none; null if there is. */
  readonly error: string | null;
}

/** The figures of a `RunResult` under its names, without its lists. */
export interface SweepFigures {
  readonly seed: number;
  readonly esp: string | null;
  readonly ah: string | null;
  /** Of the link. */
  readonly mtu: number;
  /** Writes of the guest a second; null for workloads without one rate. */
  readonly pagesPerSecond: number | null;
  readonly converged: boolean;
  readonly totalTimeMs: number;
  readonly downtimeMs: number | null;
  readonly standstillMs: number | null;
  readonly setupMs: number;
  readonly iterations: number;
  readonly streamBytes: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  /** When the last iteration ended. */
  readonly remainingPages: number;
  readonly wirePackets: number;
  readonly wireBytes: number;
  readonly acknowledgements: number;
  readonly fragments: number;
  readonly retransmissions: number;
  readonly sourceCpuSeconds: number;
  readonly destinationCpuSeconds: number;
  readonly throughputBps: number;
  readonly limitedBy: Limit;
  readonly timeByLimit: Readonly<Record<Limit, number>>;
  readonly intervals: Intervals | null;
}

export function sweepFigures(run: RunResult): SweepFigures {
  const { scenario, iterations, stream, wire, cpu } = run;
  const { workload } = scenario.guest;
  return {
    seed: scenario.seed,
    esp: scenario.ipsec.esp,
    ah: scenario.ipsec.ah,
    mtu: scenario.network.mtu,
    pagesPerSecond: 'pagesPerSecond' in workload ? workload.pagesPerSecond : null,
    converged: run.converged,
    totalTimeMs: run.totalTimeMs,
    downtimeMs: run.downtimeMs,
    standstillMs: run.standstillMs,
    setupMs: run.setupMs,
    iterations: iterations.length,
    streamBytes: stream.bytes,
    normalPages: stream.normalPages,
    zeroPages: stream.zeroPages,
    remainingPages: iterations.at(-1)?.remainingPages ?? 0,
    wirePackets: wire.packets,
    wireBytes: wire.bytes,
    acknowledgements: wire.acknowledgements,
    fragments: wire.fragments,
    retransmissions: wire.retransmissions,
    sourceCpuSeconds: cpu.source.seconds,
    destinationCpuSeconds: cpu.destination.seconds,
    throughputBps: run.throughputBps,
    limitedBy: run.limitedBy,
    timeByLimit: run.timeByLimit,
    intervals: run.intervals,
  };
}
