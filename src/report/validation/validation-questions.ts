import { compareCase, medianOf } from '../../result/compare-validation.js';
import type { RunResult } from '../../result/run-result.js';
import type { Validation, ValidationCase } from '../../result/validation.js';
import type { Scenario } from '../../scenario/scenario.js';

/** What the published experiment asked: each compares cases that differ in one thing alone. */
export interface ValidationQuestion {
  readonly id: 'ipsec-cost' | 'mtu-gain' | 'mss-gain';
  /** `What IPsec costs` */
  readonly title: string;
  /** `Against the same in the clear.` */
  readonly against: string;
  readonly answers: readonly ValidationAnswer[];
}

export interface ValidationAnswer {
  /** Title of the case. */
  readonly title: string;
  readonly time: ValidationChange;
  readonly packets: ValidationChange;
  readonly bytes: ValidationChange;
  /** Of both hosts together. */
  readonly cpu: ValidationChange;
}

/** As a share of what it is held against: 0.5 is half as much more. Null where that cannot be told. */
export interface ValidationChange {
  readonly measured: number | null;
  readonly predicted: number | null;
}

type Figure = (run: RunResult) => number;

const FIGURES = {
  time: (run) => run.totalTimeMs,
  packets: (run) => run.wire.packets,
  bytes: (run) => run.wire.bytes,
  cpu: (run) => run.cpu.source.seconds + run.cpu.destination.seconds,
} as const satisfies Record<string, Figure>;

/** What a pair differs in, and which of two is the one that others are held against. */
interface Aspect {
  readonly id: ValidationQuestion['id'];
  readonly title: string;
  readonly against: string;
  /** All of a scenario that must be the same. */
  readonly rest: (scenario: Scenario) => unknown;
  readonly isBase: (scenario: Scenario, among: readonly Scenario[]) => boolean;
}

const ASPECTS: readonly Aspect[] = [
  {
    id: 'ipsec-cost',
    title: 'What IPsec costs',
    against: 'Against the same migration in the clear.',
    rest: ({ ipsec: _, ...rest }) => rest,
    isBase: ({ ipsec }) => ipsec.esp === null && ipsec.ah === null,
  },
  {
    id: 'mtu-gain',
    title: 'What MTU wins back',
    against: 'Against the same migration at the smallest MTU.',
    rest: ({ network: { mtu: _, ...network }, ...rest }) => ({ ...rest, network }),
    isBase: ({ network }, among) => among.every((other) => other.network.mtu >= network.mtu),
  },
  {
    id: 'mss-gain',
    title: 'What MSS wins back',
    against: "Against the same migration with TCP's default MSS.",
    rest: ({ network: { mss: _, ...network }, ...rest }) => ({ ...rest, network }),
    isBase: ({ network }) => network.mss !== 'auto',
  },
];

/** The questions that the cases answer; those without answers are left out. */
export function validationQuestions({ cases }: Validation): ValidationQuestion[] {
  const usable = cases.filter((each) => compareCase(each, 'packet')?.isComparable);
  return ASPECTS.map(({ id, title, against, ...aspect }) => ({
    id,
    title,
    against,
    answers: answersOf(usable, aspect),
  })).filter(({ answers }) => answers.length > 0);
}

function answersOf(cases: readonly ValidationCase[], { rest, isBase }: Pick<Aspect, 'rest' | 'isBase'>) {
  const groups = new Map<string, ValidationCase[]>();
  for (const each of cases) {
    const { name: _name, description: _description, seed: _seed, ...scenario } = each.scenario;
    const key = JSON.stringify(rest(scenario as Scenario));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const answers = new Map<ValidationCase, ValidationAnswer>();
  for (const group of groups.values()) {
    const scenarios = group.map(({ scenario }) => scenario);
    const base = group.find(({ scenario }) => isBase(scenario, scenarios));
    if (base === undefined) continue;
    for (const each of group) {
      if (each !== base && !isBase(each.scenario, scenarios)) answers.set(each, answerOf(each, base));
    }
  }
  return cases.flatMap((each) => answers.get(each) ?? []);
}

function answerOf(each: ValidationCase, base: ValidationCase): ValidationAnswer {
  const change = (figure: Figure): ValidationChange => ({
    measured: changeOf(medianOf(each.measured.map(figure)), medianOf(base.measured.map(figure))),
    predicted: changeOf(predictedFigure(each, figure), predictedFigure(base, figure)),
  });
  return {
    title: each.title,
    time: change(FIGURES.time),
    packets: change(FIGURES.packets),
    bytes: change(FIGURES.bytes),
    cpu: change(FIGURES.cpu),
  };
}

function predictedFigure({ predictions }: ValidationCase, figure: Figure): number | null {
  return predictions.packet.run === null ? null : figure(predictions.packet.run);
}

function changeOf(value: number | null, base: number | null): number | null {
  return value === null || base === null || base === 0 ? null : value / base - 1;
}
