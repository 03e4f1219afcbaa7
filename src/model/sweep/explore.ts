import type { RunVariant } from '../../result/run-variant.js';
import { type SweepRow, sweepFigures } from '../../result/sweep-row.js';
import { PAGE_BYTES, type Scenario } from '../../scenario/scenario.js';
import { ModelError } from '../model-error.js';
import { predict } from '../predict.js';
import type { GridAxis } from './grid-axis.js';

/** A small sweep around one scenario, by the analytic model. */
export interface Exploration {
  readonly scenarios: readonly string[];
  readonly axes: readonly GridAxis[];
  readonly rows: readonly SweepRow[];
  readonly level: 'analytic';
  readonly samples: 1;
}

const MTUS = [1280, 1500, 2000, 3000, 4500, 6000, 9000];
const RATE_STEPS = 8;

/** Protections to compare, by the name to show. */
type Protections = ReadonlyMap<string, Scenario>;

/** The scenario over MTUs: in the clear, as asked, and as it would be with other suites. */
export function exploreMtu(protections: Protections): Exploration {
  const mtus = mtusAround(protections);
  return explore(protections, [{ name: 'mtu', values: mtus.map(String) }], (scenario, [mtu]) =>
    withMtu(scenario, Number(mtu)),
  );
}

/** The scenario over MTUs and rates of writing; null for guests that do not write at one rate. */
export function exploreRate(protections: Protections): Exploration | null {
  const [first] = protections.values();
  const workload = first?.guest.workload;
  if (workload === undefined || !('pagesPerSecond' in workload) || workload.pagesPerSecond === 0) return null;
  const rates = ratesAround(protections, workload.pagesPerSecond);
  const axes = [
    { name: 'mtu', values: mtusAround(protections).map(String) },
    { name: 'rate', values: rates.map(String) },
  ];
  return explore(protections, axes, (scenario, [mtu, rate]) => ({
    ...withMtu(scenario, Number(mtu)),
    guest: { ...scenario.guest, workload: { ...workload, pagesPerSecond: Number(rate) } },
  }));
}

/**
 * What is compared: in the clear, as asked, and the variants that change nothing but the protection.
 * @param clear null if what is asked for is in the clear
 */
export function protectionsOf(
  nameOf: (scenario: Scenario) => string,
  asked: Scenario,
  clear: Scenario | null,
  variants: readonly RunVariant[],
): Protections {
  const others = variants
    .map(({ run }) => run.scenario)
    .filter((scenario) => differsInSuite(scenario, asked));
  const shown = [clear, asked, ...others].filter((scenario) => scenario !== null);
  return new Map(shown.map((scenario) => [nameOf(scenario), scenario]));
}

function differsInSuite({ ipsec, network }: Scenario, asked: Scenario): boolean {
  const isOther = ipsec.esp !== asked.ipsec.esp || ipsec.ah !== asked.ipsec.ah;
  return isOther && network.mtu === asked.network.mtu && network.mss === asked.network.mss;
}

function explore(
  protections: Protections,
  axes: readonly GridAxis[],
  change: (scenario: Scenario, values: readonly string[]) => Scenario,
): Exploration {
  const rows: SweepRow[] = [];
  for (const [protection, scenario] of protections) {
    for (const values of product(axes.map((axis) => axis.values))) {
      const settings = Object.fromEntries([
        ['protection', protection],
        ...axes.map(({ name }, i) => [name, values[i]!]),
      ]);
      rows.push({
        index: rows.length,
        scenario: scenario.name,
        settings,
        ...outcome(change(scenario, values)),
      });
    }
  }
  const [first] = protections.values();
  return {
    scenarios: [first?.name ?? ''],
    axes: [{ name: 'protection', values: [...protections.keys()] }, ...axes],
    rows,
    level: 'analytic',
    samples: 1,
  };
}

function outcome(scenario: Scenario): Pick<SweepRow, 'figures' | 'error'> {
  try {
    return { figures: sweepFigures(predict(scenario, { level: 'analytic', samples: 1 })), error: null };
  } catch (error) {
    if (error instanceof ModelError) return { figures: null, error: error.message };
    throw error;
  }
}

function product(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>(
    (tuples, list) => tuples.flatMap((tuple) => list.map((value) => [...tuple, value])),
    [[]],
  );
}

function mtusAround(protections: Protections): number[] {
  const own = [...protections.values()].map(({ network }) => network.mtu);
  return [...new Set([...MTUS, ...own])].sort((a, b) => a - b);
}

function withMtu(scenario: Scenario, mtu: number): Scenario {
  return { ...scenario, network: { ...scenario.network, mtu } };
}

/** From nothing to twice what was asked for, or to more than the quickest of the channels carries. */
function ratesAround(protections: Protections, own: number): number[] {
  const carried = [...protections.values()].map((scenario) => {
    const { figures } = outcome(scenario);
    return (figures?.throughputBps ?? 0) / 8 / PAGE_BYTES;
  });
  const step = Math.max(2 * own, 1.5 * Math.max(...carried)) / RATE_STEPS;
  const magnitude = 10 ** Math.floor(Math.log10(step));
  const round = Math.ceil(step / magnitude) * magnitude;
  const rates = Array.from({ length: RATE_STEPS + 1 }, (_, i) => Number((i * round).toPrecision(6)));
  return [...new Set([...rates, own])].sort((a, b) => a - b);
}
