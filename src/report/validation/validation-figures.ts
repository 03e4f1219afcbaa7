import type { ComparedFigure } from '../../result/compare-runs.js';
import type { PredictionLevel } from '../../result/validation.js';
import { formatMs } from '../run/describe-scenario.js';
import { formatBytes, formatCount } from '../text/format-quantity.js';

/** Figures that are told of a validation, most telling first. */
export const VALIDATION_FIGURES: readonly {
  readonly figure: ComparedFigure;
  readonly title: string;
  readonly format: (value: number) => string;
}[] = [
  { figure: 'totalTimeMs', title: 'total time', format: formatMs },
  { figure: 'downtimeMs', title: "downtime, QEMU's", format: formatMs },
  { figure: 'iterations', title: 'iterations', format: formatRounded },
  { figure: 'streamBytes', title: 'stream', format: formatBytes },
  { figure: 'wirePackets', title: 'packets', format: formatRounded },
  { figure: 'wireBytes', title: 'on the wire', format: formatBytes },
  { figure: 'acknowledgements', title: 'acknowledgements', format: formatRounded },
  { figure: 'sourceCpuSeconds', title: 'CPU of the source', format: formatSeconds },
  { figure: 'destinationCpuSeconds', title: 'CPU of the destination', format: formatSeconds },
];

export const LEVEL_NAMES: Readonly<Record<PredictionLevel, string>> = {
  packet: 'packet by packet',
  analytic: 'by formulas',
};

function formatRounded(value: number): string {
  return formatCount(Math.round(value));
}

function formatSeconds(value: number): string {
  return formatMs(value * 1000);
}

/** A share with its sign: `+3.1 %`, `-0.02 %`; large ones without decimals. Null is `-`. */
export function formatError(relative: number | null): string {
  if (relative === null) return '-';
  const sign = relative > 0 ? '+' : relative < 0 ? '-' : '';
  return `${sign}${formatMagnitude(relative)}`;
}

/** The same without sign: `3.1 %`, `0.02 %`, `420 %`. */
export function formatMagnitude(relative: number | null): string {
  if (relative === null) return '-';
  const percent = Math.abs(relative) * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return '< 0.01 %';
  return `${percent.toFixed(percent < 0.095 ? 2 : percent < 99.5 ? 1 : 0)} %`;
}
