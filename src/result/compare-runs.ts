import type { RunResult } from './run-result.js';

/** One figure of two runs. */
export interface Difference {
  readonly predicted: number | null;
  readonly measured: number | null;
  /** predicted - measured; null where either is not known. */
  readonly absolute: number | null;
  /** The same as a share of what was measured; null also where something was predicted and nothing measured. */
  readonly relative: number | null;
}

/** What is compared, and where a run has it. */
const FIGURES = {
  totalTimeMs: (run) => run.totalTimeMs,
  downtimeMs: (run) => run.downtimeMs,
  standstillMs: (run) => run.standstillMs,
  iterations: (run) => run.iterations.length,
  streamBytes: (run) => run.stream.bytes,
  normalPages: (run) => run.stream.normalPages,
  zeroPages: (run) => run.stream.zeroPages,
  wirePackets: (run) => run.wire.packets,
  wireBytes: (run) => run.wire.bytes,
  acknowledgements: (run) => run.wire.acknowledgements,
  throughputBps: (run) => run.throughputBps,
  sourceCpuSeconds: (run) => run.cpu.source.seconds,
  destinationCpuSeconds: (run) => run.cpu.destination.seconds,
} as const satisfies Record<string, (run: RunResult) => number | null>;

export type ComparedFigure = keyof typeof FIGURES;
export const COMPARED_FIGURES = Object.keys(FIGURES) as ComparedFigure[];

/** A predicted run beside a measured one, or any two. */
export interface RunComparison {
  readonly converged: { readonly predicted: boolean; readonly measured: boolean };
  /**
   * Whether the figures are of the same thing. Not so if a run was ended by its time limit: its times are that limit, and
   * its counts those until then.
   */
  readonly isComparable: boolean;
  readonly figures: Readonly<Record<ComparedFigure, Difference>>;
}

/** How far a prediction is from what was measured. */
export function compareRuns(predicted: RunResult, measured: RunResult): RunComparison {
  const figures = Object.fromEntries(
    COMPARED_FIGURES.map((figure) => [
      figure,
      differenceOf(FIGURES[figure](predicted), FIGURES[figure](measured)),
    ]),
  ) as Record<ComparedFigure, Difference>;
  return {
    converged: { predicted: predicted.converged, measured: measured.converged },
    isComparable: predicted.converged && measured.converged,
    figures,
  };
}

/** Null stands for what is not known. */
export function differenceOf(predicted: number | null, measured: number | null): Difference {
  if (predicted === null || measured === null) return { predicted, measured, absolute: null, relative: null };
  const absolute = predicted - measured;
  const relative = measured !== 0 ? absolute / Math.abs(measured) : absolute === 0 ? 0 : null;
  return { predicted, measured, absolute, relative };
}
