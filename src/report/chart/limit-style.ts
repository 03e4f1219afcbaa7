import { LIMITS, type Limit } from '../../result/run-result.js';
import type { SweepFigures } from '../../result/sweep-row.js';
import type { BarChart } from './chart-definition.js';
import type { ColorRole } from './chart-palette.js';

const LIMIT_STYLES: Readonly<Record<Limit, { readonly name: string; readonly color: ColorRole }>> = {
  link: { name: 'Link', color: 'blue' },
  sourceCpu: { name: "Source's CPU", color: 'vermilion' },
  destinationCpu: { name: "Destination's CPU", color: 'orange' },
  roundTrips: { name: 'Round trips', color: 'pink' },
  maxBandwidth: { name: "QEMU's max-bandwidth", color: 'graphite' },
};

/** Stacks of what held back each of the runs, in seconds; each limit has one colour in every chart. */
export function limitBars(
  runs: readonly Pick<SweepFigures, 'converged' | 'totalTimeMs' | 'timeByLimit'>[],
): Pick<BarChart, 'subtitle' | 'series' | 'brokenOff'> {
  const brokenOff = runs.flatMap(({ converged }, i) => (converged ? [] : [i]));
  const limits = LIMITS.filter((limit) => runs.some(({ timeByLimit }) => timeByLimit[limit] > 0));
  return {
    subtitle: `What held the transfer back, and how long.${brokenOff.length > 0 ? ' Crossed out: does not converge, and was broken off.' : ''}`,
    series: limits.map((limit) => ({
      ...LIMIT_STYLES[limit],
      certainty: 'measured',
      values: runs.map(({ totalTimeMs, timeByLimit }) => (timeByLimit[limit] * totalTimeMs) / 1000),
    })),
    brokenOff,
  };
}
