import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { RunReport } from '../report/chart/run-report.js';
import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { collect, KEYS_OF_CAPTURES } from './ipsec-options.js';
import { explainModel, levelOption, type ModelOptions, parseSamples } from './model-options.js';
import { addScenarioOptions, DEFAULT_ESP, givenOverrides, overrideScenario } from './predict-options.js';
import { ProgressLine } from './progress-line.js';
import { recordedScenario } from './recorded-scenario.js';
import { requireOtherFiles, writePictures, writeReport } from './report-files.js';
import { readScenarioArgument } from './scenario-input.js';
import { reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
SCENARIO is a name that "tare scenarios" lists, or a file of YAML or JSON; - is
stdin. Without it: a guest of 4 GiB that writes nothing, in aes128gcm16. Options
change the scenario. The same migration in the clear is calculated beside it.

Examples:
  $ tare predict office-vm                 how long, and does it converge
  $ tare predict office-vm --esp aes128-sha256 --mtu 9000
  $ tare predict --memory 16GiB --workload uniform --rate 20000 --link 10Gbit
  $ tare predict wan --level packet --samples 100       with intervals
  $ tare predict mine.yaml --html report.html --png pictures/
  $ tare predict --from clear.pcap --esp aes128gcm16    that VM, under IPsec
  $ tare scenarios office-vm | tare predict - --json`;

/** Fewer are sooner done than threads are started. */
const INLINE_SAMPLES = 50;

interface PredictCliOptions extends ModelOptions {
  readonly json?: boolean;
  readonly html?: string;
  readonly png?: string;
  readonly progress: boolean;
  readonly from?: string[];
  readonly keys?: string[];
  readonly esp?: string;
  readonly ah?: string;
}

/** `tare predict`: how long a migration takes, and what IPsec has to do with it, before it is made. */
export function definePredict(program: Command): void {
  const command = program
    .command('predict')
    .summary('predict how long a migration takes, and whether it converges')
    .description(
      'Predicts how long a live migration takes, how long the guest stands still, whether it converges, and what IPsec costs it.',
    )
    .argument('[scenario]', 'a named scenario, or a file; - for stdin');
  addScenarioOptions(command)
    .option('--from <file...>', 'captures of a migration: take the guest, and how it writes, from there')
    .option('--keys <file>', KEYS_OF_CAPTURES, collect)
    .addOption(levelOption())
    .option('--samples <n>', 'runs with seeds of their own; gives intervals', parseSamples, 1)
    .option('--json', 'print JSON (tare.run/1, see docs/FORMATS.md)')
    .option('--html <out>', 'write a report with charts, one file')
    .option('--png <folder>', 'write the charts as pictures')
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runPredict);
}

async function runPredict(name: string | undefined, options: PredictCliOptions): Promise<void> {
  const { html, png, from = [], keys = [] } = options;
  const inputs = [...(name === undefined ? [] : [name]), ...from, ...keys];
  requireOtherFiles({ '--html': html, '--png': png }, inputs);
  if (from.length === 0 && keys.length > 0) {
    throw new CliError(ExitCode.usage, '--keys opens captures: give them with --from FILE');
  }
  const scenario = await chosenScenario(name, options);
  const run = await explainModel(() => calculate(scenario, options));
  const withCharts = html !== undefined || png !== undefined;
  const report = withCharts || !options.json ? await reportOf(run, withCharts, options) : null;
  if (report !== null && withCharts) await writeCharts(report, options);
  await writeOut(await render(run, report, options));
}

/** @param report null where JSON is asked for alone */
async function render(run: RunResult, report: RunReport | null, options: PredictCliOptions): Promise<string> {
  if (options.json || report === null) {
    const { renderJson } = await import('../report/render-json.js');
    const { runJson } = await import('../result/run-json.js');
    return renderJson(runJson(run));
  }
  const { renderRun } = await import('../report/run/render-run.js');
  const width = reportWidth(process.stdout, process.env);
  return renderRun(report, { width, color: wantsColor(process.stdout, process.env) });
}

/** A guest of our own is protected unless it is told otherwise; scenarios and captures say themselves whether they are. */
async function chosenScenario(name: string | undefined, options: PredictCliOptions): Promise<Scenario> {
  const base = await readScenarioArgument(name);
  const { from } = options;
  const scenario = from === undefined ? base : await recordedScenario(base, { ...options, from });
  const isBare =
    name === undefined && from === undefined && options.esp === undefined && options.ah === undefined;
  const overrides = { ...(isBare ? { esp: DEFAULT_ESP } : {}), ...givenOverrides({ ...options }) };
  return Object.keys(overrides).length === 0 ? scenario : overrideScenario(scenario, overrides);
}

/** The packet level may take minutes: on threads, so that Ctrl-C is heard. */
async function calculate(scenario: Scenario, options: PredictCliOptions): Promise<RunResult> {
  const { level, samples } = options;
  if (level === 'analytic' && samples <= INLINE_SAMPLES) {
    const { predict } = await import('../model/predict.js');
    return predict(scenario, { level, samples });
  }
  const { loadCalibration } = await import('../model/calibration/load-calibration.js');
  const { predictOnThreads } = await import('../model/sweep/predict-on-threads.js');
  // Threads tell of errors no more than the message.
  loadCalibration(scenario.hosts.calibration);
  const progress = new ProgressLine(process.stderr, options.progress);
  return predictOnThreads(
    scenario,
    { level, samples },
    {
      workers: availableParallelism(),
      onProgress: (done) => progress.update({ done, total: samples, before: 0, pieces: 'samples' }),
    },
  ).finally(() => progress.clear());
}

/** The run with what it is to be compared with: in the clear at the same level, everything else by the analytic model. */
async function reportOf(run: RunResult, withCharts: boolean, options: PredictCliOptions): Promise<RunReport> {
  const { predict } = await import('../model/predict.js');
  const { adviseRun } = await import('../model/run-advice.js');
  const { scenario } = run;
  const plain = clearScenario(scenario);
  const clear = plain === null ? null : await calculate(plain, { ...options, samples: 1 });
  const analytic = (each: Scenario) => predict(each, { level: 'analytic', samples: 1 });
  const base = run.source === 'model:analytic' ? run : analytic(scenario);
  const variants = adviseRun(base, analytic);
  const report = { run, clear, base, variants, overMtu: null, overRate: null };
  if (!withCharts) return report;
  const { exploreMtu, exploreRate, protectionsOf } = await import('../model/sweep/explore.js');
  const { protectionName } = await import('../report/run/protection-name.js');
  const nameOf = ({ ipsec }: Scenario) => protectionName(ipsec);
  return {
    ...report,
    overMtu: exploreMtu(protectionsOf(nameOf, scenario, plain, variants)),
    overRate: exploreRate(protectionsOf(nameOf, scenario, plain, [])),
  };
}

function clearScenario(scenario: Scenario): Scenario | null {
  const { ipsec } = scenario;
  if (ipsec.esp === null && ipsec.ah === null) return null;
  return {
    ...scenario,
    ipsec: { ...ipsec, esp: null, ah: null, mode: 'transport', encap: false, align4: false },
  };
}

async function writeCharts(report: RunReport, { html, png }: PredictCliOptions): Promise<void> {
  if (html !== undefined) {
    const { renderRunHtml } = await import('../report/html/render-run-html.js');
    writeReport(html, renderRunHtml(report));
  }
  if (png !== undefined) {
    const { renderPngs } = await import('../report/png/render-report-pngs.js');
    const { runCharts } = await import('../report/chart/run-charts.js');
    await writePictures(png, () => renderPngs(runCharts(report)));
  }
}
