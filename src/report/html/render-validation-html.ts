import { compareCase, summarizeValidation } from '../../result/compare-validation.js';
import type { Validation, ValidationCase } from '../../result/validation.js';
import type { ChartDefinition } from '../chart/chart-definition.js';
import { validationCharts } from '../chart/validation-charts.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { errorText, failureTexts, predictedText, timeText } from '../validation/render-validation-tables.js';
import { describeCalibration, renderValidationVerdict } from '../validation/render-validation-verdict.js';
import {
  formatError,
  formatMagnitude,
  LEVEL_NAMES,
  VALIDATION_FIGURES,
} from '../validation/validation-figures.js';
import {
  type ValidationChange,
  type ValidationQuestion,
  validationQuestions,
} from '../validation/validation-questions.js';
import { columns } from './analysis-tables.js';
import { renderHtml } from './render-html.js';
import type { Cell, Fact, LeadLine, ReportPage, ReportSection, ReportTable, Tone } from './report-page.js';

/** A validation as one HTML file: the terminal's verdict, then charts and tables. */
export function renderValidationHtml(validation: Validation): string {
  return renderHtml(validationPage(validation));
}

/** The same as data. */
export function validationPage(validation: Validation): ReportPage {
  const charts = validationCharts(validation);
  const chartsOf = (...ids: string[]): ChartDefinition[] => charts.filter(({ id }) => ids.includes(id));
  const questions = validationQuestions(validation);
  const tableOf = (id: ValidationQuestion['id']): ReportTable[] =>
    questions.filter((question) => question.id === id).map(questionTable);
  const failures = validation.cases.flatMap(failureTexts);
  const sections: ReportSection[] = [
    { heading: 'What went wrong', text: failures },
    {
      heading: 'How far off',
      charts: chartsOf('validation-total-time', 'validation-errors'),
      tables: [caseTable(validation), errorTable(validation)],
    },
    { heading: 'What IPsec costs', charts: chartsOf('ipsec-cost'), tables: tableOf('ipsec-cost') },
    {
      heading: 'What MTU and MSS win back',
      charts: chartsOf('time-over-mtu', 'packets-over-mtu'),
      tables: [...tableOf('mtu-gain'), ...tableOf('mss-gain')],
    },
    {
      heading: 'Packets and processors',
      charts: chartsOf('validation-packets', 'validation-cpu'),
      tables: [figureTable(validation)],
    },
  ];
  return {
    title: `Tare: predictions against measurements${validation.matrix === null ? '' : `, ${escapeTerminal(validation.matrix)}`}`,
    lead: leadLines(validation),
    facts: factsOf(validation),
    sections: sections.filter(
      ({ text = [], charts: drawn = [], tables = [] }) => text.length + drawn.length + tables.length > 0,
    ),
    footer: describeCalibration(validation),
  };
}

/** The terminal's wording without its lines; the style that colours the terminal tells which tone a paragraph has. */
function leadLines(validation: Validation): LeadLine[] {
  const tones = new Map<string, Tone>();
  const note = (tone: Tone) => (text: string) => {
    tones.set(text, tone);
    return text;
  };
  const plain = createTextStyle(false);
  const style = { ...plain, good: note('good'), caution: note('caution'), bad: note('bad') };
  const context: ReportContext = { width: 100_000, style };
  return renderValidationVerdict(validation, context).map((text) => {
    const tone = tones.get(text);
    return tone === undefined ? { text } : { text, tone };
  });
}

function factsOf(validation: Validation): Fact[] {
  const { levels, convergence, runs, failures } = summarizeValidation(validation);
  const { totalTimeMs: time, wirePackets: packets } = levels.packet;
  const { agree, cases } = convergence.packet;
  return [
    { label: 'Total time off by', value: formatMagnitude(time.median), note: 'median, packet by packet' },
    { label: 'At worst', value: formatMagnitude(time.worst), note: escapeTerminal(time.worstCase ?? '') },
    {
      label: 'Repeated runs differ by',
      value: formatMagnitude(time.spread?.median ?? null),
      note: time.spread === null ? 'measured once' : 'median',
    },
    { label: 'Packets off by', value: formatMagnitude(packets.worst), note: 'at most' },
    { label: 'Convergence right', value: `${formatCount(agree)} of ${formatCount(cases)}`, note: 'cases' },
    {
      label: 'Runs',
      value: formatCount(runs),
      note: failures === 0 ? 'none failed' : `and ${formatCount(failures)} failed`,
      ...(failures > 0 && { tone: 'bad' as const }),
    },
  ];
}

function caseTable({ cases }: Validation): ReportTable {
  return {
    caption: 'Total time and packets of each case',
    columns: columns(
      'Case',
      '#Measured',
      '#Spread',
      '#Predicted',
      '#Off',
      '#By formulas',
      '#Off',
      '#Packets',
      '#Off',
    ),
    rows: cases.map((each) => [escapeTerminal(each.title), ...caseCells(each)]),
    note: 'Predicted packet by packet and by formulas. The spread is the largest less the smallest of repeated runs, as a share of their median.',
  };
}

function caseCells(each: ValidationCase): Cell[] {
  const packet = compareCase(each, 'packet');
  const analytic = compareCase(each, 'analytic');
  const compared = packet ?? analytic;
  if (compared === null) return [each.failures.length > 0 ? 'failed' : '-', ...Array<string>(7).fill('')];
  const { totalTimeMs: time, wirePackets: packets } = compared.figures;
  const timeCell = (value: number | null, converged: boolean): Cell => ({
    text: timeText(value, converged),
    sort: converged ? (value ?? 0) : Number.MAX_VALUE,
  });
  const offCell = (comparison: typeof packet, figure: 'totalTimeMs' | 'wirePackets'): Cell => ({
    text: errorText(comparison, figure),
    sort: Math.abs(comparison?.figures[figure].relative ?? 0),
  });
  const predictedCell = (comparison: typeof packet): Cell =>
    timeCell(comparison?.figures.totalTimeMs.predicted ?? null, comparison?.converged.predicted ?? true);
  return [
    timeCell(time.measured, compared.converged.measured),
    { text: formatMagnitude(time.spread), sort: time.spread ?? 0 },
    predictedCell(packet),
    offCell(packet, 'totalTimeMs'),
    predictedCell(analytic),
    offCell(analytic, 'totalTimeMs'),
    { text: formatCount(Math.round(packets.measured ?? 0)), sort: packets.measured ?? 0 },
    offCell(packet, 'wirePackets'),
  ];
}

function errorTable(validation: Validation): ReportTable {
  const { packet, analytic } = summarizeValidation(validation).levels;
  const cell = (text: string, value: number | null): Cell => ({ text, sort: Math.abs(value ?? 0) });
  return {
    caption: 'Each figure over all cases that converged',
    columns: columns(
      'Off by',
      `#Median, ${LEVEL_NAMES.packet}`,
      '#Worst',
      `#Median, ${LEVEL_NAMES.analytic}`,
      '#Worst',
      '#Repeated runs, median',
    ),
    rows: VALIDATION_FIGURES.filter(({ figure }) => packet[figure].cases + analytic[figure].cases > 0).map(
      ({ figure, title }) => [
        title,
        ...[packet[figure], analytic[figure]].flatMap(({ median, worst }) => [
          cell(formatMagnitude(median), median),
          cell(formatError(worst), worst),
        ]),
        cell(formatMagnitude(packet[figure].spread?.median ?? null), packet[figure].spread?.median ?? null),
      ],
    ),
  };
}

function questionTable({ title, against, answers }: ValidationQuestion): ReportTable {
  const cells = ({ measured, predicted }: ValidationChange): Cell[] =>
    [measured, predicted].map((value) => ({ text: formatError(value), sort: value ?? 0 }));
  return {
    caption: title,
    columns: columns(
      'Case',
      '#Time',
      '#Predicted',
      '#Packets',
      '#Predicted',
      '#Bytes',
      '#Predicted',
      '#CPU',
      '#Predicted',
    ),
    rows: answers.map((answer) => [
      escapeTerminal(answer.title),
      ...[answer.time, answer.packets, answer.bytes, answer.cpu].flatMap(cells),
    ]),
    note: `${against} CPU is that of both hosts together.`,
  };
}

/** Every figure of every case: measured, and what was predicted packet by packet. */
function figureTable({ cases }: Validation): ReportTable {
  const rows = cases.flatMap((each) => {
    const comparison = compareCase(each, 'packet') ?? compareCase(each, 'analytic');
    if (comparison === null) return [];
    return VALIDATION_FIGURES.filter(({ figure }) => comparison.figures[figure].measured !== null).map(
      ({ figure, title, format }): Cell[] => {
        const error = comparison.figures[figure];
        return [
          escapeTerminal(each.title),
          title,
          { text: format(error.measured!), sort: error.measured! },
          { text: predictedText(error, format), sort: error.predicted ?? 0 },
          { text: formatMagnitude(error.spread), sort: error.spread ?? 0 },
        ];
      },
    );
  });
  return {
    caption: 'All figures',
    columns: columns('Case', 'Figure', '#Measured', '#Predicted', '#Spread'),
    rows,
  };
}
