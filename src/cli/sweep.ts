import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { GridAxis } from '../model/sweep/grid-axis.js';
import type { SweepFile } from '../model/sweep/sweep-file.js';
import type { SweepPlan } from '../model/sweep/sweep-plan.js';
import type { SweepReport } from '../report/chart/sweep-report.js';
import type { SweepRow } from '../result/sweep-row.js';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { collect } from './ipsec-options.js';
import { explainModel, levelOption, type ModelOptions, parseSamples, parseWorkers } from './model-options.js';
import { cannotWrite } from './output-file.js';
import { overrideScenario } from './predict-options.js';
import { ProgressLine } from './progress-line.js';
import { requireOtherFiles, writePictures, writeReport } from './report-files.js';
import { readScenarioArgument } from './scenario-input.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Each --grid varies a field of the scenarios; their product is calculated. Fields
are those of "tare predict" and of scenario files: mtu, esp, ah, rate, loss ...
Without a scenario a guest of 4 GiB is varied that writes nothing.

Examples:
  $ tare sweep office-vm --grid mtu=1500,9000 --grid esp=none,aes128-sha256
  $ tare sweep build-server --grid mtu=1500,9000 --grid rate=0..40000:4000
  $ tare sweep wan --grid loss=0,0.01%,0.1% --level packet --samples 20
  $ tare sweep idle database --grid link=1..10Gbit --csv a.csv --html a.html

A long one, and how to go on when it was interrupted:
  $ tare sweep wan --grid rtt=1..200ms --level packet --out wan.jsonl
  $ tare sweep wan --grid rtt=1..200ms --level packet --out wan.jsonl --resume`;

interface SweepOptions extends ModelOptions {
  readonly grid?: string[];
  readonly out?: string;
  readonly resume?: boolean;
  readonly csv?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly png?: string;
  readonly seed?: string;
  readonly workers: number;
  readonly progress: boolean;
}

/** `tare sweep`: many migrations at once, over a grid of what could be set. */
export function defineSweep(program: Command): void {
  program
    .command('sweep')
    .summary('predict migrations over a grid of settings')
    .description('Predicts a migration at every point of a grid: MTUs, suites, rates of writing, links.')
    .argument('[scenario...]', 'named scenarios, or files; - for stdin')
    .option('--grid <name=values>', 'mtu=1500,9000 or rate=0..20000:2000; repeatable', collect)
    .addOption(levelOption())
    .option('--samples <n>', 'runs of each point; gives intervals', parseSamples, 1)
    .option('--seed <n>', 'of all randomness')
    .option('--out <file>', 'write results as they come, JSON lines (tare.sweep/1)')
    .option('--resume', 'go on with what --out holds')
    .option('--csv <file>', 'write a line for each point as they come')
    .option('--json', 'print the JSON lines instead of the report')
    .option('--html <out>', 'write a report with charts, one file')
    .option('--png <folder>', 'write the charts as pictures')
    .option('--workers <n>', 'threads to spread the work over', parseWorkers, availableParallelism())
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action((names: string[], options: SweepOptions) =>
      runSweepCommand(names, options, program.version() ?? ''),
    );
}

async function runSweepCommand(
  names: readonly string[],
  options: SweepOptions,
  version: string,
): Promise<void> {
  requireSensibleOutputs(names, options);
  const plan = await planSweep(names, options);
  const header = await explainModel(async () => {
    const { calibrationsOf } = await import('../model/sweep/sweep-calibrations.js');
    return plan.header({ version, calibrations: calibrationsOf(plan.request) });
  });
  const { SweepFile, headerLine } = await import('../model/sweep/sweep-file.js');
  const file = options.out === undefined ? null : openResults(SweepFile, options.out, header, options);
  const csv = options.csv === undefined ? null : await openCsv(options.csv, plan, file?.rows ?? []);
  if (options.json) await writeOut(headerLine(header));
  const rows = await calculate(plan, file, csv, options).finally(() => {
    file?.close();
    csv?.close();
  });
  await writeReports(reportOf(plan, rows), options);
}

/** @throws CliError (usage) */
function requireSensibleOutputs(names: readonly string[], options: SweepOptions): void {
  const { out, csv, html, png, resume, json } = options;
  requireOtherFiles({ '--out': out, '--csv': csv, '--html': html, '--png': png }, names);
  requireOtherFiles({ '--csv': csv, '--html': html, '--png': png }, out === undefined ? [] : [out]);
  requireOtherFiles({ '--html': html, '--png': png }, csv === undefined ? [] : [csv]);
  if (resume && out === undefined) {
    throw new CliError(ExitCode.usage, '--resume goes on with a file of results: name it with --out FILE');
  }
  if (resume && json) {
    throw new CliError(ExitCode.usage, '--resume with --json would print the end alone: drop one of them');
  }
  if (names.filter((name) => name === '-').length > 1) {
    throw new CliError(ExitCode.usage, '- (stdin) is given more than once: it can be read only once');
  }
}

async function planSweep(names: readonly string[], options: SweepOptions): Promise<SweepPlan> {
  const { gridAxes, SweepPlan } = await import('../model/sweep/sweep-plan.js');
  const axes = await explainGrid(async () => {
    const { parseGridAxis } = await import('../model/sweep/grid-axis.js');
    return gridAxes((options.grid ?? []).map(parseGridAxis));
  });
  requireSomething(names, axes);
  const scenarios: Scenario[] = [];
  for (const name of names.length === 0 ? [undefined] : names) {
    const scenario = await readScenarioArgument(name);
    scenarios.push(
      options.seed === undefined ? scenario : await overrideScenario(scenario, { seed: options.seed }),
    );
  }
  requireDistinct(scenarios);
  const { level, samples } = options;
  const plan = new SweepPlan({ scenarios, axes, level, samples });
  await explainGrid(() => plan.requireSensible());
  return plan;
}

async function explainGrid<Result>(parse: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'GridError') throw error;
    throw new CliError(ExitCode.usage, `--grid: ${error.message}`, { cause: error });
  }
}

function requireSomething(names: readonly string[], axes: readonly GridAxis[]): void {
  if (axes.length > 0 || names.length > 1) return;
  throw new CliError(
    ExitCode.usage,
    'there is nothing to vary: give --grid NAME=VALUES, e.g. --grid mtu=1500,9000 (for one run there is "tare predict")',
  );
}

function requireDistinct(scenarios: readonly Scenario[]): void {
  const names = scenarios.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new CliError(ExitCode.usage, `two scenarios are called ${twice}: results could not be told apart`);
}

function openResults(
  File: typeof SweepFile,
  path: string,
  header: ConstructorParameters<typeof SweepFile>[1],
  { resume = false }: SweepOptions,
): SweepFile {
  try {
    return new File(path, header, { resume });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SweepFileError') throw cannotWrite(path, error);
    throw new CliError(resume ? ExitCode.input : ExitCode.usage, `--out ${path}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Lines of CSV, written as they come. */
interface CsvLines {
  append(rows: readonly SweepRow[]): void;
  close(): void;
}

/** Points that are done already are written first: the file is always the whole of what there is. */
async function openCsv(path: string, { request }: SweepPlan, done: readonly SweepRow[]): Promise<CsvLines> {
  const { sweepCsvHeader, sweepCsvLine } = await import('../report/run/render-run-csv.js');
  const attempt = <Result>(write: () => Result): Result => {
    try {
      return write();
    } catch (error) {
      throw cannotWrite(path, error);
    }
  };
  const descriptor = attempt(() => openSync(path, 'w'));
  const put = (text: string) => attempt(() => writeWhole(descriptor, text));
  put(sweepCsvHeader(request.axes.map(({ name }) => name)));
  const append = (rows: readonly SweepRow[]) => put(rows.map(sweepCsvLine).join(''));
  append(done);
  return { append, close: () => closeSync(descriptor) };
}

function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

/** @returns all points of the grid, those done before among them */
async function calculate(
  plan: SweepPlan,
  file: SweepFile | null,
  csv: CsvLines | null,
  options: SweepOptions,
): Promise<SweepRow[]> {
  const rows = [...(file?.rows ?? [])];
  const before = rows.length;
  const progress = new ProgressLine(process.stderr, options.progress);
  const farewell = () => {
    progress.clear();
    printMessage(describeInterruption(rows.length, plan.points, options.out));
  };
  for (const signal of SIGNALS) process.prependOnceListener(signal, farewell);
  try {
    const { runSweep } = await import('../model/sweep/run-sweep.js');
    const run = { points: plan.points, from: before, workers: options.workers };
    for await (const batch of runSweep(plan.request, run)) {
      keep(file, batch.lines, options);
      csv?.append(batch.rows);
      // Before a slow reader is waited for: whoever interrupts meanwhile is told what the file holds.
      for (const row of batch.rows) rows.push(row);
      if (options.json) await writeOut(batch.lines);
      progress.update({ done: rows.length, total: plan.points, before, pieces: 'points' });
    }
    return rows;
  } finally {
    progress.clear();
    for (const signal of SIGNALS) process.removeListener(signal, farewell);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function keep(file: SweepFile | null, lines: string, { out = '' }: SweepOptions): void {
  try {
    file?.append(lines);
  } catch (error) {
    const { message, exitCode } = cannotWrite(out, error);
    throw new CliError(exitCode, `${message}; make room, then repeat the command with --resume`, {
      cause: error,
    });
  }
}

function describeInterruption(done: number, points: number, out: string | undefined): string {
  const state = `stopped after ${done} of ${points} points`;
  return out === undefined
    ? `${state}; they are lost: with --out FILE they would be kept`
    : `${state}; ${out} keeps them: repeat the command with --resume to go on`;
}

function reportOf({ request }: SweepPlan, rows: readonly SweepRow[]): SweepReport {
  const { scenarios, axes, level, samples } = request;
  return { scenarios: scenarios.map(({ name }) => name), axes, rows, level, samples };
}

async function writeReports(report: SweepReport, { html, png, json }: SweepOptions): Promise<void> {
  if (html !== undefined) {
    const { renderSweepHtml } = await import('../report/html/render-sweep-html.js');
    writeReport(html, renderSweepHtml(report));
  }
  if (png !== undefined) {
    const { renderPngs } = await import('../report/png/render-report-pngs.js');
    const { sweepCharts } = await import('../report/chart/sweep-charts.js');
    await writePictures(png, () => renderPngs(sweepCharts(report)));
  }
  if (json) return;
  const { renderSweep } = await import('../report/run/render-run-sweep.js');
  const width = reportWidth(process.stdout, process.env);
  await writeOut(renderSweep(report, { width, color: wantsColor(process.stdout, process.env) }));
}
