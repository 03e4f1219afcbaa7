import { type IterationResult, LIMITS, type RunResult } from '../../result/run-result.js';
import type { RunVariant } from '../../result/run-variant.js';
import { bar } from '../analysis/byte-shares.js';
import type { RunReport } from '../chart/run-report.js';
import { formatChange } from '../text/format-change.js';
import { formatBps, formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn, tableWidth } from '../text/table.js';
import { formatMs, LIMIT_NAMES } from './describe-scenario.js';
import { protectionName } from './protection-name.js';

const FIRST_ITERATIONS = 6;
const LAST_ITERATIONS = 3;
const MIN_BAR = 8;
const MAX_BAR = 60;

/** A figure of a run; null where a run has none. */
interface Figure {
  readonly title: string;
  readonly value: (run: RunResult) => number | null;
  readonly format: (value: number) => string;
  /** Left out where it is 0 in all runs. */
  readonly isRare?: boolean;
}

const TOTAL_TIME: Figure = { title: 'total time', value: ({ totalTimeMs }) => totalTimeMs, format: formatMs };

/** Shared by terminal and HTML. */
export const FIGURES: readonly Figure[] = [
  TOTAL_TIME,
  { title: "downtime, QEMU's", value: (run) => run.downtimeMs, format: formatMs },
  { title: 'standstill of the guest', value: (run) => run.standstillMs, format: formatMs },
  { title: 'stream', value: (run) => run.stream.bytes, format: formatBytes },
  { title: 'its rate', value: (run) => run.throughputBps, format: formatBps },
  { title: 'pages sent', value: (run) => run.stream.normalPages, format: formatCount },
  { title: 'zero pages', value: (run) => run.stream.zeroPages, format: formatCount },
  { title: 'on the wire', value: (run) => run.wire.bytes, format: formatBytes },
  { title: 'packets', value: (run) => run.wire.packets, format: formatRounded },
  { title: 'acknowledgements', value: (run) => run.wire.acknowledgements, format: formatRounded },
  { title: 'fragments', value: (run) => run.wire.fragments, format: formatRounded, isRare: true },
  {
    title: 'segments sent again',
    value: (run) => run.wire.retransmissions,
    format: formatRounded,
    isRare: true,
  },
  { title: 'CPU of the source', value: (run) => run.cpu.source.seconds * 1000, format: formatMs },
  { title: 'CPU of the destination', value: (run) => run.cpu.destination.seconds * 1000, format: formatMs },
];

function formatRounded(value: number): string {
  return formatCount(Math.round(value));
}

/** The figures of a run beside those of the same migration in the clear. */
export function renderFigures({ run, clear }: RunReport, context: ReportContext): string[] {
  const runs = clear === null ? [run] : [run, clear];
  // Figures of what was broken off are those at its end: they compare with nothing.
  const isComparable = runs.every(({ converged }) => converged);
  const columns: TableColumn[] = [
    { title: '' },
    { title: protectionName(run.scenario.ipsec), align: 'right' },
    { title: 'in the clear', align: 'right' },
    { title: 'difference', align: 'right' },
  ];
  const rows = shownFigures(runs).map(({ title, value, format }) => {
    const [own, plain] = runs.map(value);
    const change = own != null && plain ? formatChange(own - plain, plain) : '';
    return [title, ...runs.map((each) => figureText({ value, format }, each)), change];
  });
  return renderTable(columns.slice(0, clear === null ? 2 : isComparable ? 4 : 3), rows, context);
}

export function figureText({ value, format }: Pick<Figure, 'value' | 'format'>, run: RunResult): string {
  const figure = value(run);
  if (figure === null) return '-';
  const isCutOff = value === TOTAL_TIME.value && !run.converged;
  return `${isCutOff ? '> ' : ''}${format(figure)}`;
}

export function shownFigures(runs: readonly RunResult[]): readonly Figure[] {
  return FIGURES.filter(({ isRare, value }) => !isRare || runs.some((run) => (value(run) ?? 0) > 0));
}

/** Passes over memory; of many the first and the last. */
export function renderIterations({ run }: RunReport, context: ReportContext): string[] {
  const { iterations } = run;
  if (iterations.length === 0) return [];
  const columns: TableColumn[] = [
    { title: 'iteration' },
    { title: 'from', align: 'right' },
    { title: 'takes', align: 'right' },
    { title: 'pages', align: 'right' },
    { title: 'zero pages', align: 'right', dispensable: 1 },
    { title: 'bytes', align: 'right' },
    { title: 'rate', align: 'right', dispensable: 2 },
    { title: 'pages left', align: 'right' },
  ];
  const cells = (iteration: IterationResult, i: number) => [
    iterationName(run, i),
    formatMs(iteration.startMs),
    formatMs(iteration.durationMs),
    formatRounded(iteration.pages),
    formatRounded(iteration.zeroPages),
    formatBytes(iteration.bytes),
    rateText(run, i),
    formatRounded(iteration.remainingPages),
  ];
  const rows = iterations.map(cells);
  const hidden = rows.length - FIRST_ITERATIONS - LAST_ITERATIONS;
  const shown =
    hidden < 2
      ? rows
      : [...rows.slice(0, FIRST_ITERATIONS), [`… ${hidden} more`], ...rows.slice(-LAST_ITERATIONS)];
  return renderTable(columns, shown, context);
}

function rateText(run: RunResult, index: number): string {
  const { durationMs, bytes } = run.iterations[index]!;
  return durationMs > 0 && !isBrokenOff(run, index) ? `${formatBytes((bytes * 1000) / durationMs)}/s` : '';
}

/** QEMU sends what it may send in a tenth of a second at once, and waits: a pass that ended sooner has no rate. */
const BURST_MS = 100;

/** The last pass of a run that ended in its time limit, where that came too soon after its beginning to tell a rate. */
export function isBrokenOff({ converged, iterations }: RunResult, index: number): boolean {
  return !converged && index === iterations.length - 1 && iterations[index]!.durationMs < BURST_MS;
}

/** The last pass of what converged is made while the guest stands still. */
export function iterationName({ converged, iterations, scenario }: RunResult, index: number): string {
  const isStop = converged && index === iterations.length - 1 && index > 0;
  if (!isStop) return `${index + 1}`;
  return scenario.migration.postcopyAfterIterations === null ? `${index + 1} stopped` : `${index + 1} last`;
}

/** What was the narrowest place for which part of the time. */
export function renderTimeByLimit({ run, clear }: RunReport, context: ReportContext): string[] {
  const share = (from: RunResult, limit: (typeof LIMITS)[number]) =>
    from.timeByLimit[limit] > 0 ? formatShare(from.timeByLimit[limit], 1) : '-';
  const limits = LIMITS.filter((limit) => run.timeByLimit[limit] > 0 || (clear?.timeByLimit[limit] ?? 0) > 0);
  if (limits.length === 0) return [];
  const columns: TableColumn[] = [
    { title: 'held back by' },
    { title: 'share', align: 'right' },
    { title: 'in the clear', align: 'right' },
  ].slice(0, clear === null ? 2 : 3) as TableColumn[];
  const rows = limits.map((limit) => [
    LIMIT_NAMES[limit],
    share(run, limit),
    ...(clear === null ? [] : [share(clear, limit)]),
  ]);
  const room = Math.min(MAX_BAR, context.width - tableWidth(columns, rows) - 2);
  if (room < MIN_BAR) return renderTable(columns, rows, context);
  return renderTable(
    [columns[0]!, { title: '' }, ...columns.slice(1)],
    rows.map(([name = '', ...rest], i) => [name, bar(run.timeByLimit[limits[i]!], 1, room), ...rest]),
    context,
  );
}

/** What else could be set, and what the model says of it. */
export function renderVariants({ base, variants }: RunReport, context: ReportContext): string[] {
  if (variants.length === 0) return [];
  const columns: TableColumn[] = [
    { title: base.converged ? 'it could be' : 'what would help', minWidth: 24 },
    { title: 'total time', align: 'right' },
    { title: 'downtime', align: 'right' },
    ...(base.converged ? [{ title: 'against now', align: 'right', dispensable: 1 } as const] : []),
    { title: 'packets', align: 'right', dispensable: 2 },
    { title: 'held back by', dispensable: 3 },
  ];
  return renderTable(
    columns,
    variants.map((variant) => variantCells(variant, base, context)),
    context,
  );
}

function variantCells({ change, run }: RunVariant, now: RunResult, { style }: ReportContext): string[] {
  return [
    change,
    run.converged ? formatMs(run.totalTimeMs) : style.faint('does not converge'),
    run.downtimeMs === null ? '-' : formatMs(run.downtimeMs),
    ...(now.converged ? [describeGain(run, now)] : []),
    formatRounded(run.wire.packets),
    LIMIT_NAMES[run.limitedBy],
  ];
}

export function describeGain(run: RunResult, now: RunResult): string {
  if (!run.converged || !now.converged) return '';
  return formatChange(run.totalTimeMs - now.totalTimeMs, now.totalTimeMs);
}
