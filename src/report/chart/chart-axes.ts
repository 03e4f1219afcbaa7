import { type AxisFormat, axisFormat, formatTick } from './axis-format.js';
import type { Axis } from './chart-definition.js';
import { chartFont, type DrawingOptions } from './drawing-options.js';

/**
 * An axis of numbers.
 * @param top greatest magnitude on it, in base units: decides the unit
 */
export function linearAxis(axis: Axis, top: number, drawing: DrawingOptions) {
  const { theme } = drawing;
  const format: AxisFormat = axisFormat(axis, top);
  return {
    type: 'linear' as const,
    ...(axis.min === undefined ? {} : { min: axis.min }),
    ...(axis.max === undefined ? {} : { max: axis.max }),
    title: axisTitle(format.title, drawing),
    grid: { color: theme.grid },
    border: { color: theme.faintText },
    ticks: {
      color: theme.faintText,
      font: chartFont(drawing),
      maxRotation: 0,
      autoSkipPadding: 16,
      ...(axis.unit === 'count' ? { precision: 0 } : {}),
      ...(Number.isInteger(Math.log10(format.scale))
        ? {}
        : { stepSize: niceStep(top / format.scale) * format.scale }),
      callback: (value: string | number) => formatTick(Number(value), format),
    },
  };
}

/** Minutes and hours are no powers of ten of a second: what is a round number of seconds is none of them. */
function niceStep(top: number): number {
  const rough = top / 8;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
}

/** An axis of bars, one name each. */
export function laneAxis(drawing: DrawingOptions) {
  const { theme } = drawing;
  return {
    type: 'category' as const,
    grid: { display: false },
    border: { color: theme.faintText },
    ticks: { color: theme.text, font: chartFont(drawing), autoSkip: false, crossAlign: 'far' as const },
  };
}

export function axisTitle(text: string, drawing: DrawingOptions) {
  return { display: true, text, color: drawing.theme.faintText, font: chartFont(drawing) };
}
