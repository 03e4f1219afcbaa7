import { formatBps, formatBytes, formatCount, formatSeconds, formatShare } from '../text/format-quantity.js';
import type { Axis, Unit } from './chart-definition.js';

/** How the numbers along an axis are written: all in the unit that the title names. */
export interface AxisFormat {
  /** With the unit: `Throughput (Mbit/s)`. */
  readonly title: string;
  /** Base units for one of the unit in the title. */
  readonly scale: number;
}

interface Step {
  readonly unit: string;
  readonly scale: number;
}

const STEPS: Readonly<Record<Unit, readonly Step[]>> = {
  bytes: siSteps('B'),
  bitsPerSecond: siSteps('bit/s'),
  seconds: [
    { unit: 'us', scale: 1e-6 },
    { unit: 'ms', scale: 1e-3 },
    { unit: 's', scale: 1 },
    { unit: 'min', scale: 60 },
    { unit: 'h', scale: 3600 },
  ],
  share: [{ unit: '%', scale: 0.01 }],
  count: [
    { unit: '', scale: 1 },
    { unit: 'thousand', scale: 1e3 },
    { unit: 'million', scale: 1e6 },
    { unit: 'billion', scale: 1e9 },
  ],
};

/** A step is taken when at least so much of it fits on the axis: 5000 reads better than 5 thousand. */
const LEAST: Readonly<Record<Unit, number>> = {
  bytes: 2,
  bitsPerSecond: 2,
  seconds: 2,
  share: 0,
  count: 20,
};

function siSteps(unit: string): Step[] {
  return ['', 'k', 'M', 'G', 'T', 'P'].map((prefix, i) => ({ unit: prefix + unit, scale: 1000 ** i }));
}

/** @param largest greatest magnitude on the axis, in base units */
export function axisFormat(axis: Axis, largest: number): AxisFormat {
  const steps = STEPS[axis.unit];
  const base = steps.find(({ scale }) => scale === 1) ?? steps[0];
  const fitting =
    axis.prefix === 'none'
      ? base
      : steps.findLast(({ scale }) => Math.abs(largest) >= scale * LEAST[axis.unit]);
  const { unit, scale } = fitting ?? (largest === 0 ? base : steps[0]) ?? { unit: '', scale: 1 };
  return { title: unit === '' ? axis.title : `${axis.title} (${unit})`, scale };
}

const TICK = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 });

/** The number beside a tick, without unit. */
export function formatTick(value: number, format: AxisFormat): string {
  return TICK.format(value / format.scale);
}

/** A value by itself, with its unit: in a tooltip or table. */
export function formatValue(value: number, { unit, prefix }: Pick<Axis, 'unit' | 'prefix'>): string {
  switch (unit) {
    case 'bytes':
      return prefix === 'none' ? `${formatCount(value)} B` : formatBytes(value);
    case 'bitsPerSecond':
      return formatBps(value);
    case 'seconds':
      return formatSeconds(value);
    case 'share':
      return value === 0 ? '0 %' : formatShare(value, 1);
    case 'count':
      return formatCount(value);
  }
}
