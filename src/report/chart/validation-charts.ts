import { compareCase } from '../../result/compare-validation.js';
import type { RunResult } from '../../result/run-result.js';
import type { PredictionLevel, Validation, ValidationCase } from '../../result/validation.js';
import { protectionName } from '../run/protection-name.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { validationQuestions } from '../validation/validation-questions.js';
import type {
  Axis,
  BarChart,
  BarSeries,
  ChartDefinition,
  CurveChart,
  CurveSeries,
} from './chart-definition.js';
import type { ColorRole } from './chart-palette.js';

/** As many cases as can be read in one picture; the tables have all. */
const MAX_CASES = 30;
/** Measured and predicted of each protection. */
const LINE_PAIRS: readonly (readonly [measured: ColorRole, predicted: ColorRole])[] = [
  ['blue', 'sky'],
  ['vermilion', 'orange'],
  ['green', 'pink'],
];

/** The charts of a validation, most telling first; those without data are left out. */
export function validationCharts(validation: Validation): ChartDefinition[] {
  const charts = [
    timeChart(validation),
    errorChart(validation),
    costChart(validation),
    overMtuChart(validation, {
      id: 'time-over-mtu',
      title: 'Total time over the MTU',
      y: { title: 'Total time', unit: 'seconds', min: 0 },
      value: ({ totalTimeMs }) => totalTimeMs / 1000,
    }),
    overMtuChart(validation, {
      id: 'packets-over-mtu',
      title: 'Packets over the MTU',
      y: { title: 'Packets', unit: 'count', min: 0 },
      value: ({ wire }) => wire.packets,
    }),
    packetChart(validation),
    processorChart(validation),
  ];
  return charts.filter((chart) => chart !== null);
}

/** How long each case took, and was predicted to take. */
export function timeChart(validation: Validation): BarChart | null {
  return predictedAndMeasured(validation, {
    id: 'validation-total-time',
    title: 'Total time, predicted and measured',
    subtitle: 'The median of what was measured; a line shows the least and the most of repeated runs.',
    axis: { title: 'Total time', unit: 'seconds' },
    value: ({ totalTimeMs }) => totalTimeMs / 1000,
  });
}

export function packetChart(validation: Validation): BarChart | null {
  return predictedAndMeasured(validation, {
    id: 'validation-packets',
    title: 'Packets, predicted and measured',
    subtitle: 'Of the data direction, as the capture has them.',
    axis: { title: 'Packets', unit: 'count' },
    value: ({ wire }) => wire.packets,
  });
}

export function processorChart(validation: Validation): BarChart | null {
  return predictedAndMeasured(validation, {
    id: 'validation-cpu',
    title: 'Processor time of both hosts, predicted and measured',
    subtitle: "Measured is all that was not idle, less what the guest's own processors used.",
    axis: { title: 'Processor time', unit: 'seconds' },
    value: ({ cpu }) => cpu.source.seconds + cpu.destination.seconds,
  });
}

interface FigureChart {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly axis: Axis;
  readonly value: (run: RunResult) => number;
}

function predictedAndMeasured(validation: Validation, chart: FigureChart): BarChart | null {
  const cases = comparedCases(validation);
  if (cases.length === 0) return null;
  const { id, title, axis, value } = chart;
  const measured = cases.map((each) => each.measured.map(value).toSorted((a, b) => a - b));
  const isRepeated = measured.some(({ length }) => length > 1);
  const brokenOff = cases.flatMap((each, i) =>
    each.measured.every(({ converged }) => converged) ? [] : [i],
  );
  return {
    id,
    kind: 'groupedBar',
    title,
    subtitle: [
      chart.subtitle,
      ...(brokenOff.length > 0 ? ['Crossed out: does not converge, and was broken off.'] : []),
    ].join(' '),
    categories: cases.map(nameOf),
    value: axis,
    series: [
      {
        name: 'Measured',
        color: 'blue',
        certainty: 'measured',
        values: measured.map(middleOf),
        ...(isRepeated && { limits: measured.map(limitsOf) }),
      },
      predictedSeries(cases, 'packet', value),
      predictedSeries(cases, 'analytic', value),
    ],
    brokenOff,
  };
}

function predictedSeries(
  cases: readonly ValidationCase[],
  level: PredictionLevel,
  value: (run: RunResult) => number,
): BarSeries {
  const values = cases.map(({ predictions }) => {
    const { run } = predictions[level];
    return run === null ? null : value(run);
  });
  return level === 'packet'
    ? { name: 'Predicted, packet by packet', color: 'vermilion', certainty: 'measured', values }
    : { name: 'Predicted, by formulas', color: 'orange', certainty: 'measured', values };
}

/** Cases that were measured and predicted at one level at least. */
function comparedCases({ cases }: Validation): ValidationCase[] {
  return cases
    .filter(
      ({ measured, predictions: { packet, analytic } }) =>
        measured.length > 0 && (packet.run !== null || analytic.run !== null),
    )
    .slice(0, MAX_CASES);
}

function nameOf({ title }: ValidationCase): string {
  return escapeTerminal(title);
}

/** @param values ascending, at least one */
function limitsOf(values: readonly number[]): readonly [number, number] | null {
  return values.length > 1 ? [values[0]!, values.at(-1)!] : null;
}

/** @param values ascending, at least one */
function middleOf(values: readonly number[]): number {
  return (values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2;
}

/** Errors of the total time beside the noise. */
export function errorChart(validation: Validation): BarChart | null {
  const rows = comparedCases(validation)
    .map((each) => ({
      name: nameOf(each),
      packet: compareCase(each, 'packet'),
      analytic: compareCase(each, 'analytic'),
    }))
    .filter(({ packet, analytic }) => (packet ?? analytic)?.isComparable);
  if (rows.length === 0) return null;
  const errors = (level: PredictionLevel) =>
    rows.map((row) => magnitude(row[level]?.figures.totalTimeMs.relative ?? null));
  const spreads = rows.map((row) => (row.packet ?? row.analytic)?.figures.totalTimeMs.spread ?? null);
  const isRepeated = spreads.some((spread) => spread !== null);
  return {
    id: 'validation-errors',
    kind: 'groupedBar',
    title: 'How far off the total times were',
    subtitle: isRepeated
      ? 'Without their sign, beside how far repeated runs of the same migration lie apart.'
      : 'Without their sign. Each was measured once: the noise is not known.',
    categories: rows.map(({ name }) => name),
    value: { title: 'Share of the measured time', unit: 'share' },
    series: [
      {
        name: 'Error, packet by packet',
        color: 'vermilion',
        certainty: 'measured',
        values: errors('packet'),
      },
      { name: 'Error, by formulas', color: 'orange', certainty: 'measured', values: errors('analytic') },
      ...(isRepeated
        ? [
            {
              name: 'Spread of repeated runs',
              color: 'graphite',
              certainty: 'measured',
              values: spreads,
            } as const,
          ]
        : []),
    ],
  };
}

function magnitude(value: number | null): number | null {
  return value === null ? null : Math.abs(value);
}

/** Total times as shares of those in the clear. */
export function costChart(validation: Validation): BarChart | null {
  const question = validationQuestions(validation).find(({ id }) => id === 'ipsec-cost');
  if (question === undefined) return null;
  const answers = question.answers.slice(0, MAX_CASES);
  const whole = (change: number | null) => (change === null ? null : 1 + change);
  return {
    id: 'ipsec-cost',
    kind: 'groupedBar',
    title: 'What IPsec costs in time',
    subtitle: 'Total time as a share of that of the same migration in the clear.',
    categories: answers.map(({ title }) => escapeTerminal(title)),
    value: { title: 'Share of the time in the clear', unit: 'share' },
    series: [
      {
        name: 'Measured',
        color: 'blue',
        certainty: 'measured',
        values: answers.map(({ time }) => whole(time.measured)),
      },
      {
        name: 'Predicted, packet by packet',
        color: 'vermilion',
        certainty: 'measured',
        values: answers.map(({ time }) => whole(time.predicted)),
      },
    ],
  };
}

interface OverMtu {
  readonly id: string;
  readonly title: string;
  readonly y: Axis;
  readonly value: (run: RunResult) => number;
}

/** Lines over the MTU, measured and predicted, for each protection with what Linux takes for the MSS. */
export function overMtuChart(validation: Validation, { id, title, y, value }: OverMtu): CurveChart | null {
  const groups = overMtu(validation).slice(0, LINE_PAIRS.length);
  if (groups.length === 0) return null;
  const series = groups.flatMap(({ name, cases }, i): CurveSeries[] => {
    const [measured, predicted] = LINE_PAIRS[i]!;
    const line = (of: (each: ValidationCase) => number | null) =>
      cases.flatMap((each) => {
        const found = of(each);
        return found === null ? [] : [{ x: each.scenario.network.mtu, y: found }];
      });
    return [
      {
        name: `${name}, measured`,
        color: measured,
        certainty: 'measured',
        points: line((each) => middleOf(each.measured.map(value).toSorted((a, b) => a - b))),
      },
      {
        name: `${name}, predicted`,
        color: predicted,
        certainty: 'measured',
        points: line(({ predictions: { packet } }) => (packet.run === null ? null : value(packet.run))),
      },
    ];
  });
  return {
    id,
    kind: 'line',
    title,
    subtitle: 'What larger packets win back, measured and predicted packet by packet.',
    x: { title: 'MTU of the link', unit: 'bytes', prefix: 'none' },
    y,
    series,
  };
}

/** Cases that differ in the MTU alone, ascending, at least two of them, of one guest: that of the first such group. */
function overMtu(validation: Validation): { name: string; cases: ValidationCase[] }[] {
  const groups = new Map<string, ValidationCase[]>();
  for (const each of comparedCases(validation)) {
    const { scenario } = each;
    const { mtu: _, ...network } = scenario.network;
    if (network.mss !== 'auto' || !compareCase(each, 'packet')?.isComparable) continue;
    const key = JSON.stringify([scenario.guest, scenario.migration, scenario.ipsec, network]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()]
    .filter(({ length }) => length > 1)
    .map((cases) => ({
      name: escapeTerminal(protectionName(cases[0]!.scenario.ipsec)),
      cases: cases.toSorted((a, b) => a.scenario.network.mtu - b.scenario.network.mtu),
    }));
}
