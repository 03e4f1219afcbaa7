import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Calibration } from '../model/calibration/calibration.js';
import type { Validation } from '../result/validation.js';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';
import { readInputText } from './input-text.js';
import { Interruption } from './interruption.js';
import { choosePlace, type PlaceChoice, type PlaceOptions, Refusal } from './migrate-options.js';
import { explainModel } from './model-options.js';
import { explainOrchestrator } from './orchestrator-errors.js';
import { addPlaceOptions } from './place-options.js';
import { requireOtherFiles, writePictures, writeReport } from './report-files.js';
import { readScenarioArgument } from './scenario-input.js';
import { StepLine } from './step-line.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';
import { type MeasuringRequest, measureValidation } from './validate-run.js';

const MATRICES = ['quick', 'published', 'full'] as const;
type Matrix = (typeof MATRICES)[number];
/** A case is some kilobytes. */
const MAX_VALIDATION_BYTES = 256 * 1024 * 1024;

const EXAMPLES = `
SCENARIO is a name that "tare scenarios" lists, or a file. Without any, those of
a matrix: quick is clear, ESP and AH+ESP at MTU 1500 and 9000; published adds
MTUs between, and default and maximal MSS; full is quick, and suites, modes,
IPv6, multifd, loss, delay and guests that write.

Without --lab, --local or --destination: in a laboratory of its own. Without
--calibration, what processors pay is measured on these hosts first, with
transfers and idle guests. Ctrl-C ends it; what was measured is reported.

Examples:
  $ tare validate                             how far off are predictions?
  $ tare validate --matrix published --repeat 3 --html report.html
  $ tare validate mine.yaml --source alpha --destination beta
  $ tare validate --json > measured.json
  $ tare validate --from measured.json        the same report once more`;

interface ValidateOptions extends PlaceOptions {
  readonly matrix?: Matrix;
  readonly repeat: number;
  readonly calibration?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly png?: string;
  readonly from?: string;
  readonly progress: boolean;
}

/** `tare validate`: migrations predicted, then carried out. */
export function defineValidate(program: Command): void {
  const command = program
    .command('validate')
    .summary('predict migrations, carry them out, and say how far off it was')
    .description(
      'Predicts migrations, carries them out for real, and shows how far off the predictions were, and what IPsec cost.',
    )
    .argument('[scenario...]', 'named scenarios, or files; - for stdin')
    .addOption(new Option('--matrix <name>', 'cases that come with Tare (default: quick)').choices(MATRICES))
    .option('--repeat <n>', 'measure each case so often: tells the noise', parseRepeat, 1)
    .option('--calibration <name>', 'CPU costs: a shipped calibration, or a file, instead of measuring them');
  addPlaceOptions(command)
    .option('--local', 'both ends on this machine, in the clear')
    .option('--from <file>', 'measure nothing: report what --json has written')
    .option('--json', 'print JSON (tare.validation/1, see docs/FORMATS.md)')
    .option('--html <out>', 'write a report with charts, one file')
    .option('--png <folder>', 'write the charts as pictures')
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runValidate);
}

function parseRepeat(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('give a number from 1 to 999.');
  return Number(text);
}

async function runValidate(names: readonly string[], options: ValidateOptions): Promise<void> {
  const { html, png, from } = options;
  requireOtherFiles({ '--html': html, '--png': png }, [...names, ...(from === undefined ? [] : [from])]);
  if (from !== undefined) {
    requireNothingElse(names, options);
    return report(await readValidation(from), options);
  }
  if (names.length > 0 && options.matrix !== undefined) {
    throw new CliError(ExitCode.usage, 'give scenarios or --matrix, not both');
  }
  const { matrix = 'quick', repeat } = options;
  const scenarios = await Promise.all(names.map((name) => readScenarioArgument(name)));
  const calibration = await readCalibration(options.calibration);
  const choice = await admittedPlace(scenarios, options);
  requireSuccess(await measure({ scenarios, matrix, repeat, choice, calibration }, options));
}

/** Refused attempts are recorded, too. */
async function admittedPlace(scenarios: readonly Scenario[], options: ValidateOptions): Promise<PlaceChoice> {
  try {
    return await choosePlace(options);
  } catch (error) {
    if (error instanceof Refusal) {
      const { recordRefusal } = await import('./audited-migration.js');
      const { matrixCases } = await import('../validation/matrix.js');
      const refused = scenarios[0] ?? matrixCases('quick', 'small')[0]!.scenario;
      await recordRefusal(error.account, refused, error.reason);
    }
    throw error;
  }
}

/** @throws CliError (usage) */
function requireNothingElse(names: readonly string[], options: ValidateOptions): void {
  const { matrix, calibration, lab, local, source, destination } = options;
  const others = { '--matrix': matrix, '--calibration': calibration, '--lab': lab, '--local': local };
  const hosts = { '--source': source, '--destination': destination };
  const given = Object.entries({ ...others, ...hosts }).find(([, value]) => value !== undefined);
  const culprit = names.length > 0 ? 'scenarios do' : given === undefined ? null : `${given[0]} does`;
  if (culprit === null) return;
  throw new CliError(ExitCode.usage, `--from measures nothing: ${culprit} not go with it`);
}

/** @throws CliError (input) */
async function readValidation(path: string): Promise<Validation> {
  const { parseValidation } = await import('../result/parse-validation.js');
  const text = await readInputText(path, 'the validation', MAX_VALIDATION_BYTES);
  try {
    return parseValidation(text);
  } catch (error) {
    throw new CliError(ExitCode.input, `${path}: ${fileErrorText(error)}`, { cause: error });
  }
}

/** @returns null if it is to be measured. @throws CliError (usage) */
async function readCalibration(name: string | undefined): Promise<Calibration | null> {
  if (name === undefined) return null;
  const { loadCalibration } = await import('../model/calibration/load-calibration.js');
  return explainModel(() => loadCalibration(name));
}

/** Also reports: what was measured until an interruption is told before that ends the process. */
async function measure(
  request: Omit<MeasuringRequest, 'line' | 'signal'>,
  options: ValidateOptions,
): Promise<Validation> {
  const line = new StepLine(process.stderr, options.progress);
  const interruption = new Interruption(() => line.show('undoing what was done; once more ends at once'));
  const { signal } = interruption;
  try {
    const validation = await measureValidation({ ...request, line, signal });
    line.clear();
    await report(validation, options);
    return validation;
  } catch (error) {
    line.clear();
    // The signal that was held back ends this process below.
    if (signal.aborted) printMessage('interrupted: nothing was measured');
    throw explainOrchestrator(error);
  } finally {
    line.clear();
    interruption.release();
  }
}

async function report(validation: Validation, { json, html, png }: ValidateOptions): Promise<void> {
  if (html !== undefined) {
    const { renderValidationHtml } = await import('../report/html/render-validation-html.js');
    writeReport(html, renderValidationHtml(validation));
  }
  if (png !== undefined) {
    const { renderPngs } = await import('../report/png/render-report-pngs.js');
    const { validationCharts } = await import('../report/chart/validation-charts.js');
    await writePictures(png, () => renderPngs(validationCharts(validation)));
  }
  if (json) {
    const { renderJson } = await import('../report/render-json.js');
    const { validationJson } = await import('../result/validation-json.js');
    return writeOut(renderJson(validationJson(validation)));
  }
  const { renderValidation } = await import('../report/validation/render-validation.js');
  const width = reportWidth(process.stdout, process.env);
  await writeOut(renderValidation(validation, { width, color: wantsColor(process.stdout, process.env) }));
}

/** That a prediction is off is a result; a run that failed is not. @throws CliError (run) */
function requireSuccess({ cases, complete }: Validation): void {
  if (!complete) return;
  const failed = cases.reduce((sum, { failures }) => sum + failures.length, 0);
  const broken = cases
    .flatMap(({ measured }) => measured)
    .filter(({ checks = [] }) => checks.some(({ ok }) => !ok)).length;
  const what = [
    ...(failed > 0 ? [`${failed} run${failed === 1 ? '' : 's'} failed`] : []),
    ...(broken > 0 ? [`${broken} did not pass every check`] : []),
  ];
  if (what.length > 0) throw new CliError(ExitCode.run, `${what.join(', ')}: see the report`);
}
