import type { Certainty } from '../../analysis/analysis-summary.js';
import type { ColorRole } from './chart-palette.js';

/**
 * A chart as plain data: what is drawn, not how. The same definition becomes a PNG (`png/render-png.ts`), a chart in an HTML
 * report and the table beside it. It survives JSON. Text may come from captures, made printable by `escapeTerminal`.
 */
export type ChartDefinition = CurveChart | BarChart | HistogramChart | TimelineChart;

interface ChartBase {
  /** Kebab-case, unique in a report: file name of the PNG, anchor in HTML. */
  readonly id: string;
  readonly title: string;
  /** What it says, or how to read it: one sentence. */
  readonly subtitle?: string;
}

/**
 * Values are in base units: bytes, bits per second, seconds, 0 to 1 for shares, pieces for counts. The drawing side chooses prefixes
 * and writes `%`.
 */
export type Unit = 'bytes' | 'bitsPerSecond' | 'seconds' | 'share' | 'count';

export interface Axis {
  readonly title: string;
  readonly unit: Unit;
  /** `none`: an MTU is 1500 bytes, not 1.5 kB. Default: `auto`. */
  readonly prefix?: 'auto' | 'none';
  readonly min?: number;
  readonly max?: number;
}

/** Certainty shows: measured is solid, inferred dashed or hatched, bounded has a band, whiskers or a double hatch. */
interface SeriesBase {
  readonly name: string;
  readonly color: ColorRole;
  readonly certainty: Certainty;
}

/** A vertical line at a place that matters. */
export interface Reference {
  readonly x: number;
  readonly label: string;
}

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Limits of a bounded value, in units of y. */
  readonly low?: number;
  readonly high?: number;
}

export interface CurveSeries extends SeriesBase {
  /** Ascending x. */
  readonly points: readonly CurvePoint[];
}

/** `line` joins points; `steppedArea` holds each value up to the next x, and stacks the series. */
export interface CurveChart extends ChartBase {
  readonly kind: 'line' | 'steppedArea';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly CurveSeries[];
  readonly references?: readonly Reference[];
}

export interface BarSeries extends SeriesBase {
  /** One for each category; null: nothing to draw. */
  readonly values: readonly (number | null)[];
  /** Limits of bounded values, one for each category. Drawn as whiskers in grouped bars. */
  readonly limits?: readonly (readonly [low: number, high: number] | null)[];
}

/** Horizontal bars, one line a category, first category on top. */
export interface BarChart extends ChartBase {
  readonly kind: 'stackedBar' | 'groupedBar';
  readonly categories: readonly string[];
  readonly value: Axis;
  readonly series: readonly BarSeries[];
}

export interface Bin {
  readonly from: number;
  /** Included; null: no upper limit. */
  readonly to: number | null;
}

/** Upright bars that touch, one a bin, in equal widths whatever the bins span; the series are stacked. */
export interface HistogramChart extends ChartBase {
  readonly kind: 'histogram';
  readonly bins: readonly Bin[];
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly BarSeries[];
}

export interface Span {
  /** Index in `lanes`. */
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

export interface SpanSeries extends SeriesBase {
  readonly spans: readonly Span[];
}

/** When things were going on: bars along a common time axis, one lane each. */
export interface TimelineChart extends ChartBase {
  readonly kind: 'timeline';
  readonly lanes: readonly string[];
  readonly x: Axis;
  readonly series: readonly SpanSeries[];
}
