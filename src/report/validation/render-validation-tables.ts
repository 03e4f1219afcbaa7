import {
  type CaseComparison,
  compareCase,
  type FigureError,
  summarizeValidation,
} from '../../result/compare-validation.js';
import type { Validation, ValidationCase } from '../../result/validation.js';
import { formatMs } from '../run/describe-scenario.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { wrapText } from '../text/wrap-text.js';
import { formatError, formatMagnitude, VALIDATION_FIGURES } from './validation-figures.js';
import type { ValidationAnswer, ValidationChange, ValidationQuestion } from './validation-questions.js';

/** Total time and packets of each case, predicted beside measured. */
export function renderCases({ cases }: Validation, context: ReportContext): string[] {
  const columns: TableColumn[] = [
    { title: 'case', minWidth: 25 },
    { title: 'measured', align: 'right' },
    { title: 'spread', align: 'right', dispensable: 1 },
    { title: 'predicted', align: 'right' },
    { title: 'off', align: 'right' },
    { title: 'formulas off', align: 'right', dispensable: 2 },
    { title: 'packets', align: 'right' },
    { title: 'off', align: 'right' },
  ];
  const isRepeated = cases.some(({ measured }) => measured.length > 1);
  const shown = columns.filter(({ title }) => title !== 'spread' || isRepeated);
  const rows = cases.map((each) => caseCells(each, isRepeated));
  return renderTable(shown, rows, context);
}

function caseCells(each: ValidationCase, isRepeated: boolean): string[] {
  const packet = compareCase(each, 'packet');
  const analytic = compareCase(each, 'analytic');
  const compared = packet ?? analytic;
  const title = escapeTerminal(each.title);
  if (compared === null) return [title, each.failures.length > 0 ? 'failed' : '-'];
  const { totalTimeMs: time, wirePackets: packets } = compared.figures;
  return [
    title,
    timeText(time.measured, compared.converged.measured),
    ...(isRepeated ? [formatMagnitude(time.spread)] : []),
    timeText(packet?.figures.totalTimeMs.predicted ?? null, packet?.converged.predicted ?? true),
    errorText(packet, 'totalTimeMs'),
    errorText(analytic, 'totalTimeMs'),
    packets.measured === null ? '-' : formatCount(Math.round(packets.measured)),
    errorText(packet, 'wirePackets'),
  ];
}

/** A total time that the time limit made is none. */
export function timeText(milliseconds: number | null, converged: boolean): string {
  if (milliseconds === null) return '-';
  return converged ? formatMs(milliseconds) : 'endless';
}

export function errorText(
  comparison: CaseComparison | null,
  figure: keyof CaseComparison['figures'],
): string {
  if (comparison === null) return '-';
  if (comparison.isComparable) return formatError(comparison.figures[figure].relative);
  const { predicted, measured } = comparison.converged;
  return predicted === measured ? 'as said' : 'wrong';
}

/** What went wrong, case by case. */
export function renderFailures({ cases }: Validation, { width, style }: ReportContext): string[] {
  return cases.flatMap(failureTexts).flatMap((text) => wrapText(text, { width, rest: '  ' }).map(style.bad));
}

/** One sentence for each thing: runs that failed, checks that did, what cannot be predicted. */
export function failureTexts({ title, failures, measured, predictions }: ValidationCase): string[] {
  const name = escapeTerminal(title);
  const errors = new Set([predictions.packet.error, predictions.analytic.error]);
  const broken = measured.flatMap(({ checks = [] }) => checks.filter(({ ok }) => !ok));
  return [
    ...failures.map(({ message }) => `${name}: a run failed: ${escapeTerminal(message)}`),
    ...broken.map(
      ({ requirement, evidence }) =>
        `${name}: not so: ${escapeTerminal(requirement)} (${escapeTerminal(evidence)})`,
    ),
    ...[...errors]
      .filter((error) => error !== null)
      .map((error) => `${name}: cannot be predicted: ${escapeTerminal(error)}`),
  ];
}

/** Each figure over all cases: median and worst error at both levels, beside the spread of what was repeated. */
export function renderErrors(validation: Validation, context: ReportContext): string[] {
  const { packet, analytic } = summarizeValidation(validation).levels;
  const isRepeated = packet.totalTimeMs.spread !== null;
  const columns: TableColumn[] = [
    { title: 'off by' },
    { title: 'median', align: 'right' },
    { title: 'worst', align: 'right' },
    { title: 'formulas: median', align: 'right' },
    { title: 'worst', align: 'right' },
    ...(isRepeated ? [{ title: 'repeated: median', align: 'right', dispensable: 1 } as const] : []),
  ];
  const rows = VALIDATION_FIGURES.filter(
    ({ figure }) => packet[figure].cases + analytic[figure].cases > 0,
  ).map(({ figure, title }) => [
    title,
    formatMagnitude(packet[figure].median),
    formatError(packet[figure].worst),
    formatMagnitude(analytic[figure].median),
    formatError(analytic[figure].worst),
    ...(isRepeated ? [formatMagnitude(packet[figure].spread?.median ?? null)] : []),
  ]);
  return rows.length === 0 ? [] : renderTable(columns, rows, context);
}

/** One question of the published experiment. */
export function renderQuestion(
  { title, against, answers }: ValidationQuestion,
  context: ReportContext,
): string[] {
  const columns: TableColumn[] = [
    { title, minWidth: 16 },
    { title: 'time', align: 'right' },
    { title: 'predicted', align: 'right' },
    { title: 'packets', align: 'right' },
    { title: 'predicted', align: 'right' },
    { title: 'CPU', align: 'right' },
    { title: 'predicted', align: 'right' },
  ];
  const pair = ({ measured, predicted }: ValidationChange) => [formatError(measured), formatError(predicted)];
  const rows = answers.map((answer: ValidationAnswer) => [
    escapeTerminal(answer.title),
    ...pair(answer.time),
    ...pair(answer.packets),
    ...pair(answer.cpu),
  ]);
  const note = wrapText(against, { width: context.width, first: '  ' }).map(context.style.faint);
  return [...renderTable(columns, rows, context), ...note];
}

/** Of a figure of a case: `1.62 s (+1.9 %)`. */
export function predictedText(
  { predicted, relative }: FigureError,
  format: (value: number) => string,
): string {
  if (predicted === null) return '-';
  return relative === null ? format(predicted) : `${format(predicted)} (${formatError(relative)})`;
}
