import {
  type FigureSummary,
  summarizeValidation,
  type ValidationSummary,
} from '../../result/compare-validation.js';
import type { Validation } from '../../result/validation.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount, formatCounted } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { wrapText } from '../text/wrap-text.js';
import { formatMagnitude } from './validation-figures.js';

/** The goal for total times: median and worst error. */
const GOOD_MEDIAN = 0.05;
const GOOD_WORST = 0.15;

/** How far off the predictions were, and how far repeated runs are from each other. */
export function renderValidationVerdict(validation: Validation, { width, style }: ReportContext): string[] {
  const summary = summarizeValidation(validation);
  const time = summary.levels.packet.totalTimeMs;
  const isGood = (time.median ?? 1) <= GOOD_MEDIAN && Math.abs(time.worst ?? 1) <= GOOD_WORST;
  const wrap = (text: string) => (text === '' ? [] : wrapText(text, { width }));
  return [
    ...wrap(headline(validation, summary)).map((line) =>
      style.heading((isGood ? style.good : style.caution)(line)),
    ),
    ...wrap(describeWire(summary)),
    ...wrap(describeConvergence(validation, summary)),
    ...wrap(describeTrouble(validation, summary)).map(style.bad),
  ];
}

function headline(validation: Validation, { levels, runs }: ValidationSummary): string {
  const { packet, analytic } = levels;
  if (packet.totalTimeMs.cases + analytic.totalTimeMs.cases === 0) {
    return `Nothing can be compared: ${formatCounted(runs, 'run')} measured that were predicted and converged.`;
  }
  const [first, second] = [
    describeTime(packet.totalTimeMs, 'Predicted packet by packet, total times are off by'),
    describeTime(analytic.totalTimeMs, 'by formulas by'),
  ];
  const off = [first, second].filter((text) => text !== '').join('; ');
  return `${off}. ${describeNoise(validation, packet.totalTimeMs.spread)}`;
}

function describeTime({ median, worst, worstCase, cases }: FigureSummary, lead: string): string {
  if (median === null || worst === null) return '';
  if (cases === 1) return `${lead} ${formatMagnitude(worst)}`;
  const where = worstCase === null ? '' : ` (${escapeTerminal(worstCase)})`;
  return `${lead} ${formatMagnitude(median)} in the median and ${formatMagnitude(worst)} at worst${where}`;
}

function describeNoise({ repeat }: Validation, spread: FigureSummary['spread']): string {
  if (spread === null) return 'Each was measured once, so the noise is not known: --repeat 3 tells it.';
  return (
    `Measured ${formatCounted(repeat, 'time')}, the same migration itself differs by ` +
    `${formatMagnitude(spread.median)} in the median and ${formatMagnitude(spread.worst)} at worst.`
  );
}

function describeWire({ levels: { packet } }: ValidationSummary): string {
  const { wirePackets, wireBytes, streamBytes } = packet;
  if (wirePackets.worst === null) return '';
  const worst = ({ worst }: FigureSummary) => formatMagnitude(worst);
  return (
    `Packets on the wire are off by at most ${worst(wirePackets)}, their bytes by ${worst(wireBytes)}, ` +
    `the stream by ${worst(streamBytes)}.`
  );
}

function describeConvergence({ cases }: Validation, { convergence: { packet } }: ValidationSummary): string {
  const isEndless = cases.filter(({ measured }) => measured.some(({ converged }) => !converged)).length;
  if (packet.agree === packet.cases) {
    return isEndless === 0
      ? ''
      : `${formatCounted(isEndless, 'case')} did not converge, as predicted; all others did, as predicted.`;
  }
  const wrong = packet.cases - packet.agree;
  return `Whether it converges was predicted wrongly in ${formatCount(wrong)} of ${formatCounted(packet.cases, 'case')}.`;
}

function describeTrouble({ complete }: Validation, { failures }: ValidationSummary): string {
  return [
    ...(failures > 0 ? [`${formatCounted(failures, 'run')} failed.`] : []),
    ...(complete ? [] : ['Interrupted: some measurements are missing.']),
  ].join(' ');
}

/** Where and when it was measured, and what the predictions were made with. */
export function describeCalibration({ calibration, startedAt, cases }: Validation): string {
  const { name, machine, date, measuredHere } = calibration;
  const costs = measuredHere
    ? 'CPU costs measured on these hosts just before, with transfers and idle guests'
    : `CPU costs of calibration ${escapeTerminal(name)} (${escapeTerminal(machine)}, ${escapeTerminal(date)})`;
  const environment = cases.flatMap(({ measured }) => measured)[0]?.environment;
  const where =
    environment === undefined
      ? ''
      : ` QEMU ${escapeTerminal(environment.source.qemu)} (${escapeTerminal(environment.source.accelerator)}), ` +
        `Linux ${escapeTerminal(environment.source.kernel)}, ` +
        `${formatCounted(environment.source.cores, 'core')} a host.`;
  return `Measured ${startedAt.slice(0, 16).replace('T', ' ')} UTC. ${costs}.${where} Errors are (predicted - measured) / measured.`;
}
