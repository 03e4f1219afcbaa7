import { availableParallelism } from 'node:os';
import { predict } from '../../src/model/predict.js';
import { SUITE_NAMES } from '../../src/model/suite-names.js';
import { parseGridAxis } from '../../src/model/sweep/grid-axis.js';
import { runSweep } from '../../src/model/sweep/run-sweep.js';
import { gridAxes, SweepPlan } from '../../src/model/sweep/sweep-plan.js';
import { applyOverrides } from '../../src/scenario/apply-overrides.js';
import { parseNamedScenario } from '../../src/scenario/parse-scenario.js';
import type { Scenario } from '../../src/scenario/scenario.js';

const CALIBRATION = 'lab-namespaces';
/** One that converges soon, one with many iterations, one that does not converge. */
const CASES: readonly (readonly [title: string, scenario: string, overrides: Record<string, string>])[] = [
  ['a small guest, two iterations', 'lab-16mib', { esp: 'aes128gcm16' }],
  ['4 GiB that an office writes to', 'office-vm', { esp: 'aes128gcm16' }],
  ['a loop that never converges', 'lab-32mib', { esp: 'aes128-sha256', ah: 'sha256' }],
];
const ROUND_MS = 500;
const WARM_UP_MS = 200;

export interface PredictBenchOptions {
  readonly rounds: number;
  /** Of the sweeps' sizes. */
  readonly scale: number;
}

/** Analytic runs a second on one core, and how a sweep scales over threads. */
export async function benchPredict(options: PredictBenchOptions): Promise<void> {
  console.log('\nanalytic model, one core');
  for (const [title, name, overrides] of CASES) {
    const scenario = scenarioNamed(name, overrides);
    const run = () => predict(scenario, { level: 'analytic', samples: 1 });
    const rates = Array.from({ length: options.rounds }, () => runsPerSecond(run)).sort((a, b) => a - b);
    const iterations = run().iterations.length;
    console.log(
      `  ${title} (${iterations} iterations): ${rates[rates.length >> 1]!.toFixed(0)} runs/s (${rates[0]!.toFixed(0)}..${rates.at(-1)!.toFixed(0)})`,
    );
  }
  await benchSweep('analytic', ['rate=0..1999', 'esp=none,aes128gcm16'], options);
  await benchSweep('packet', ['rate=0..99', 'esp=none,aes128gcm16'], options);
}

/** Thread start-up is part of it: whoever waits for a sweep waits for that too. */
async function benchSweep(
  level: 'analytic' | 'packet',
  grid: readonly string[],
  { rounds, scale }: PredictBenchOptions,
): Promise<void> {
  const axes = gridAxes([`calibration=${CALIBRATION}`, ...grid].map(parseGridAxis)).map((axis) => ({
    ...axis,
    values: axis.values.slice(0, Math.max(2, Math.ceil(axis.values.length * scale))),
  }));
  const plan = new SweepPlan({ scenarios: [scenarioNamed('lab-16mib', {})], axes, level, samples: 1 });
  console.log(`\nsweep of ${plan.points} points, ${level} level`);
  const most = availableParallelism();
  let one = 0;
  for (let workers = 1; workers <= most; workers = workers < most ? Math.min(most, workers * 2) : most + 1) {
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) seconds.push(await sweepSeconds(plan, workers));
    const median = seconds.sort((a, b) => a - b)[rounds >> 1]!;
    if (workers === 1) one = median;
    console.log(
      `  ${workers} ${workers === 1 ? 'worker' : 'workers'}: ${(plan.points / median).toFixed(0)} points/s, ${(one / median).toFixed(2)}x`,
    );
  }
}

async function sweepSeconds(plan: SweepPlan, workers: number): Promise<number> {
  const start = performance.now();
  let points = 0;
  for await (const { rows } of runSweep(plan.request, { points: plan.points, from: 0, workers })) {
    points += rows.length;
  }
  if (points !== plan.points) throw new Error(`${points} of ${plan.points} points came back`);
  return (performance.now() - start) / 1000;
}

function runsPerSecond(run: () => unknown): number {
  runFor(run, WARM_UP_MS);
  return runFor(run, ROUND_MS);
}

function runFor(run: () => unknown, milliseconds: number): number {
  const start = performance.now();
  let runs = 0;
  let elapsed = 0;
  for (; elapsed < milliseconds; elapsed = performance.now() - start) {
    run();
    runs++;
  }
  return (runs * 1000) / elapsed;
}

function scenarioNamed(name: string, overrides: Record<string, string>): Scenario {
  const named = parseNamedScenario(name, SUITE_NAMES);
  return applyOverrides(named, { calibration: CALIBRATION, ...overrides }, SUITE_NAMES);
}
