import type { RunResult } from '../../result/run-result.js';
import { PAGE_BYTES } from '../../scenario/scenario.js';
import { protectionName } from '../run/protection-name.js';
import { isBrokenOff } from '../run/render-run-tables.js';
import type { Axis, ChartDefinition, CurveChart, CurvePoint } from './chart-definition.js';
import { limitBars } from './limit-style.js';
import type { RunReport } from './run-report.js';
import { convergenceMaps, curveCharts, DOES_NOT_CONVERGE } from './sweep-charts.js';

const MAX_BARS = 12;
/** Of a chart over time: narrower ones cannot be seen. */
const MAX_STEPS = 800;
/** More bars than this cannot be told apart: neighbouring iterations are then taken together. */
const MAX_BINS = 40;

/** The charts of a run, most telling first; those without data are left out. */
export function runCharts(report: RunReport): ChartDefinition[] {
  const { run, overMtu, overRate } = report;
  const charts = [
    remainingChart(report),
    rateChart(run),
    pagesChart(run),
    limitChart(report),
    ...(overMtu === null ? [] : curveCharts(overMtu)),
    ...(overRate === null ? [] : convergenceMaps(overRate)),
  ];
  return charts.filter((chart) => chart !== null);
}

/** What is still to be sent, as it falls within each iteration and grows at each synchronisation. */
export function remainingChart({ run, clear }: RunReport): CurveChart | null {
  if (run.iterations.length === 0) return null;
  const runs = clear === null ? [run] : [clear, run];
  return {
    id: 'memory-to-send',
    kind: 'line',
    title: 'Memory still to be sent',
    subtitle:
      'Falls while pages are sent, and rises when QEMU looks which were written meanwhile.' +
      (runs.every(({ converged }) => converged)
        ? ''
        : ' A line that still rises and falls where it ends does not converge.'),
    x: timeAxis(runs),
    y: { title: 'Memory', unit: 'bytes', min: 0 },
    series: runs.map((each) => ({
      name: runName(each),
      color: each === run ? 'vermilion' : 'blue',
      certainty: 'measured',
      points: remainingPoints(each),
    })),
  };
}

/** From the start to a round number behind the last end. */
function timeAxis(runs: readonly RunResult[]): Axis {
  const end = runs.reduce((latest, { totalTimeMs }) => Math.max(latest, totalTimeMs / 1000), 0);
  const step = 10 ** (Math.floor(Math.log10(end || 1)) - 1);
  return {
    title: 'Time',
    unit: 'seconds',
    min: 0,
    max: Number((Math.ceil(end / step) * step).toPrecision(3)),
  };
}

function runName({ scenario, converged }: RunResult): string {
  return `${protectionName(scenario.ipsec)}${converged ? '' : ` (${DOES_NOT_CONVERGE})`}`;
}

/** Two points an iteration: what was known to be dirty when it began, and what was left of it. */
function remainingPoints({ iterations }: RunResult): CurvePoint[] {
  return iterations.flatMap(({ startMs, durationMs, pages, zeroPages, remainingPages }) => [
    { x: startMs / 1000, y: (pages + zeroPages + remainingPages) * PAGE_BYTES },
    { x: (startMs + durationMs) / 1000, y: remainingPages * PAGE_BYTES },
  ]);
}

interface Step {
  readonly startMs: number;
  readonly durationMs: number;
  readonly bytes: number;
  /** Index of the last iteration in it. */
  readonly end: number;
}

/**
 * Iterations as steps that are wide enough to be seen: those that are not are drawn together with what comes before them. Chart.js
 * fills areas badly that have corners within one pixel.
 */
function visibleSteps(run: RunResult): Step[] {
  const { iterations, totalTimeMs, converged } = run;
  const steps: Step[] = [];
  for (const [end, { startMs, durationMs, bytes }] of iterations.entries()) {
    const before = steps.at(-1);
    const isStop = converged && end === iterations.length - 1;
    const isWide = durationMs * MAX_STEPS >= totalTimeMs && !isBrokenOff(run, end);
    if (before === undefined || isStop || isWide) {
      steps.push({ startMs, durationMs, bytes, end });
    } else {
      const until = startMs + durationMs;
      steps[steps.length - 1] = {
        startMs: before.startMs,
        durationMs: until - before.startMs,
        bytes: before.bytes + bytes,
        end,
      };
    }
  }
  return steps;
}

/** Bits of the stream a second, iteration by iteration; the last one, with the guest stopped, in another colour. */
export function rateChart(run: RunResult): CurveChart | null {
  const { iterations, converged } = run;
  const last = iterations.at(-1);
  if (last === undefined) return null;
  const isStop = (index: number) => converged && index === iterations.length - 1 && index > 0;
  const rates = visibleSteps(run).map(({ startMs, durationMs, bytes, end }) => ({
    x: startMs / 1000,
    y: durationMs > 0 ? (bytes * 8000) / durationMs : 0,
    stopped: isStop(end),
  }));
  const end = (last.startMs + last.durationMs) / 1000;
  const points = (isShown: (stopped: boolean) => boolean): CurvePoint[] => {
    const steps = rates.map(({ x, y, stopped }) => ({ x, y: isShown(stopped) ? y : 0 }));
    return [...steps, { x: end, y: steps.at(-1)!.y }];
  };
  const running = {
    name: 'Guest runs',
    color: 'blue',
    certainty: 'measured',
    points: points((stopped) => !stopped),
  } as const;
  const stopped = {
    name: 'Guest stands still',
    color: 'vermilion',
    certainty: 'measured',
    points: points((each) => each),
  } as const;
  return {
    id: 'rate-of-iterations',
    kind: 'steppedArea',
    title: 'Rate of each iteration',
    subtitle: 'Bits of the migration stream a second, without headers below it; a step is an iteration.',
    x: timeAxis([run]),
    y: { title: 'Stream', unit: 'bitsPerSecond' },
    series: rates.at(-1)!.stopped ? [running, stopped] : [running],
  };
}

/** Pages sent in each iteration, those with content and zero pages. */
export function pagesChart({ iterations }: RunResult): ChartDefinition | null {
  if (iterations.length < 2) return null;
  const size = Math.ceil(iterations.length / MAX_BINS);
  const bins = Array.from({ length: Math.ceil(iterations.length / size) }, (_, i) =>
    iterations.slice(i * size, (i + 1) * size),
  );
  const sums = (pages: (iteration: RunResult['iterations'][number]) => number) =>
    bins.map((bin) => bin.reduce((sum, iteration) => sum + pages(iteration), 0));
  const zero = sums(({ zeroPages }) => zeroPages);
  return {
    id: 'pages-of-iterations',
    kind: 'histogram',
    title: 'Pages sent in each iteration',
    subtitle: `The first sends all of memory; what follows was written meanwhile.${size > 1 ? ` ${size} iterations a bar.` : ''}`,
    bins: bins.map((_, i) => ({ from: i * size + 1, to: Math.min(iterations.length, (i + 1) * size) })),
    x: { title: 'Iteration', unit: 'count', prefix: 'none' },
    y: { title: 'Pages', unit: 'count' },
    series: [
      { name: 'With content', color: 'blue', certainty: 'measured', values: sums(({ pages }) => pages) },
      ...(zero.some((pages) => pages > 0)
        ? [{ name: 'Zero', color: 'graphite', certainty: 'measured', values: zero } as const]
        : []),
    ],
  };
}

/** Where the time goes, beside the same in the clear and with what else could be set. */
export function limitChart({ run, clear, variants }: RunReport): ChartDefinition {
  const bars = [
    { label: runName(run), run },
    ...(clear === null ? [] : [{ label: `In the clear${ending(clear)}`, run: clear }]),
    ...variants.map(({ change, run: each }) => ({ label: `With ${change}${ending(each)}`, run: each })),
  ].slice(0, MAX_BARS);
  return {
    id: 'where-time-goes',
    kind: 'stackedBar',
    title: 'Where the time goes',
    ...limitBars(bars.map((bar) => bar.run)),
    categories: bars.map(({ label }) => label),
    value: { title: 'Time', unit: 'seconds' },
  };
}

function ending({ converged }: RunResult): string {
  return converged ? '' : ` (${DOES_NOT_CONVERGE})`;
}
