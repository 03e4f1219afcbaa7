import type { Certainty } from '../../analysis/analysis-summary.js';
import type { ColorRole } from './chart-palette.js';

/**
 * A chart as plain data: what is drawn, not how. The same definition becomes a PNG (`png/render-png.ts`), a chart in an HTML
 * report and the table beside it. It survives JSON. Text may come from captures, made printable by `escapeTerminal`.
 */
export type ChartDefinition = CurveChart | BarChart | HistogramChart | TimelineChart | MapChart;

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
  /** Where on a line there is no value, ascending: crosses at the upper edge, and the line is broken there. */
  readonly absent?: readonly number[];
}

/** `line` joins points; `steppedArea` holds each value up to the next x, and stacks the series. */
export interface CurveChart extends ChartBase {
  readonly kind: 'line' | 'steppedArea';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly CurveSeries[];
  readonly references?: readonly Reference[];
  /** What a cross at the upper edge means. */
  readonly absentLabel?: string;
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
  /** Indices of categories whose bars would be longer had they not been broken off: hatched. */
  readonly brokenOff?: readonly number[];
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

export interface MapCell {
  /** Index in `columns`. */
  readonly column: number;
  /** Index in `rows`. */
  readonly row: number;
  /** The larger, the darker. Null: the series' name says all; the cell is hatched. */
  readonly value: number | null;
}

export interface MapSeries extends SeriesBase {
  readonly cells: readonly MapCell[];
}

/** A grid of cells in equal widths and heights whatever lies between the values; first row at the bottom. */
export interface MapChart extends ChartBase {
  readonly kind: 'map';
  readonly x: Axis;
  readonly y: Axis;
  /** Values along x, ascending. */
  readonly columns: readonly number[];
  /** Values along y, ascending. */
  readonly rows: readonly number[];
  /** Of the cells. */
  readonly value: Axis;
  /** Values of the lightest and the darkest cell, so that maps beside each other compare. Default: those of this map. */
  readonly shades?: readonly [lightest: number, darkest: number];
  readonly series: readonly MapSeries[];
}
