import type { AnalysisSummary, MigrationSummary } from '../../analysis/analysis-summary.js';
import { type MigrationStage, type StageKind, stagesOf } from '../analysis/migration-stages.js';
import { formatBytes, formatSeconds } from '../text/format-quantity.js';
import type { CurveChart, CurvePoint, Reference } from './chart-definition.js';
import type { ColorRole } from './chart-palette.js';

/** More pictures than this nobody looks at; the tables have all. */
const MAX_CHARTS = 4;
/** More steps than this cannot be told apart. */
const MAX_PASSES = 200;
/** More labels than this do not fit above the chart. */
const MAX_LABELLED_PASSES = 8;

const STAGES: Readonly<Record<StageKind, { readonly name: string; readonly color: ColorRole }>> = {
  setup: { name: 'Setup', color: 'graphite' },
  firstPass: { name: 'First pass: all memory', color: 'blue' },
  laterPass: { name: 'Later passes: what the guest wrote meanwhile', color: 'sky' },
  stopAndCopy: { name: 'Stop-and-copy', color: 'vermilion' },
  postcopy: { name: 'Post-copy: the guest runs at the destination', color: 'green' },
  deviceState: { name: 'Device state', color: 'orange' },
};
const STAGE_ORDER = Object.keys(STAGES) as StageKind[];

/** One chart for each of the first migrations. */
export function migrationCharts({ migrations }: AnalysisSummary): CurveChart[] {
  return migrations
    .slice(0, MAX_CHARTS)
    .map((migration, i) => migrationChart(migration, i === 0 ? 'migration' : `migration-${i + 1}`))
    .filter((chart) => chart !== null);
}

/**
 * The stages of a migration over time: heights are mean rates, so that areas are bytes.
 * @returns null if no stage took any time
 */
export function migrationChart(migration: MigrationSummary, id: string): CurveChart | null {
  const stages = stagesOf(migration, MAX_PASSES).filter((stage) => {
    const [from, to] = endsOf(stage);
    return to > from;
  });
  if (stages.length === 0) return null;
  const bounds = boundsOf(stages);
  const kinds = STAGE_ORDER.filter((kind) => stages.some((stage) => stage.kind === kind));
  return {
    id,
    kind: 'steppedArea',
    title: 'The migration over time, stage by stage',
    subtitle: `${subtitleOf(migration)} Heights are mean rates: areas are bytes.`,
    x: { title: 'Time', unit: 'seconds', min: 0, max: roundUp(bounds.at(-1)!) },
    y: { title: 'Stream rate', unit: 'bitsPerSecond' },
    series: kinds.map((kind) => ({
      ...STAGES[kind],
      certainty: 'measured',
      points: ratesOf(
        stages.filter((stage) => stage.kind === kind),
        bounds,
      ),
    })),
    references: referencesOf(stages),
  };
}

function subtitleOf({ streamBytes, downtimeMs }: MigrationSummary): string {
  const standstill =
    downtimeMs === null ? '' : `, the guest stopped for at least ${formatSeconds(downtimeMs / 1e3)}`;
  return `${formatBytes(streamBytes)} of stream${standstill}.`;
}

/** To a number at which an axis may end. */
function roundUp(seconds: number): number {
  const least = seconds / 10;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least)!;
  return Math.round(Math.ceil(seconds / step) * step * 1e9) / 1e9;
}

/** Where a stage begins and ends, to the nanosecond: sums of seconds do not meet exactly. */
function endsOf({ startSeconds, seconds }: MigrationStage): [number, number] {
  const toNanosecond = (value: number) => Math.max(0, Math.round(value * 1e9) / 1e9);
  return [toNanosecond(startSeconds), toNanosecond(startSeconds + seconds)];
}

/** Every moment at which a stage begins or ends, ascending. */
function boundsOf(stages: readonly MigrationStage[]): number[] {
  return [...new Set([0, ...stages.flatMap(endsOf)])].sort((a, b) => a - b);
}

/** One point for each bound, the rate holding up to the next. */
function ratesOf(stages: readonly MigrationStage[], bounds: readonly number[]): CurvePoint[] {
  const spans = stages.map((stage) => {
    const [from, to] = endsOf(stage);
    return { from, to, bps: (stage.bytes * 8) / (to - from) };
  });
  return bounds.map((x) => ({
    x,
    y: spans.reduce((sum, { from, to, bps }) => (from <= x && x < to ? sum + bps : sum), 0),
  }));
}

function referencesOf(stages: readonly MigrationStage[]): Reference[] {
  const passes = stages.filter(({ kind }) => kind === 'firstPass' || kind === 'laterPass');
  const labelled = passes.length <= MAX_LABELLED_PASSES ? passes : [];
  return [
    ...labelled.map(({ startSeconds, name }) => ({ x: startSeconds, label: name })),
    ...stages
      .filter(({ kind }) => kind === 'stopAndCopy')
      .map(({ startSeconds }) => ({ x: startSeconds, label: 'guest stopped' })),
  ];
}
