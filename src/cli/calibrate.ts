import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseAhSuite, parseEspSuite } from '../ipsec/suite.js';
import type { Calibration } from '../model/calibration/calibration.js';
import type { Scenario } from '../scenario/scenario.js';
import { auditedMigration } from './audited-migration.js';
import { CliError, ExitCode } from './exit-code.js';
import { Interruption } from './interruption.js';
import { choosePlace, openPlace, type PlaceChoice, type PlaceOptions, Refusal } from './migrate-options.js';
import { explainOrchestrator } from './orchestrator-errors.js';
import { addPlaceOptions } from './place-options.js';
import { writeReport } from './report-files.js';
import { StepLine } from './step-line.js';
import { parseSuiteOption } from './suite-option.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Takes some minutes: transfers of a second or two and migrations of guests that
write nothing, in the clear and under each suite alone, with small packets and
large ones. Without --lab or --destination: in a laboratory of its own. Ctrl-C
undoes everything.

Examples:
  $ tare calibrate -w ours.json --source alpha --destination beta
  $ tare predict office-vm --calibration ./ours.json
  $ tare validate --calibration ./ours.json --source alpha --destination beta`;

interface CalibrateOptions extends PlaceOptions {
  readonly name: string;
  readonly esp: readonly string[];
  readonly ah: readonly string[];
  readonly write?: string;
  readonly json?: boolean;
  readonly progress: boolean;
}

/** `tare calibrate`: what two hosts pay for packets, bytes, suites and pages. */
export function defineCalibrate(program: Command): void {
  const command = program
    .command('calibrate')
    .summary('measure what two hosts pay for packets, suites and pages')
    .description(
      'Measures what two hosts pay for packets, bytes, suites and pages, for predictions that are theirs.',
    )
    .option('-w, --write <file>', 'write the calibration (tare.calibration/1, see docs/FORMATS.md)')
    .option('--name <name>', 'what the calibration is called', 'measured')
    .addOption(suitesOption('--esp <suites>', 'ESP suites', ['aes128gcm16', 'aes128-sha256']))
    .addOption(suitesOption('--ah <algorithms>', 'AH algorithms', ['sha256']));
  addPlaceOptions(command)
    .option('--json', 'print JSON (tare.calibration/1, see docs/FORMATS.md)')
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runCalibrate);
}

function suitesOption(flags: string, what: string, names: readonly string[]): Option {
  return new Option(flags, `${what} with commas between, or none`)
    .argParser(parseNames)
    .default(names, names.join(','));
}

function parseNames(text: string): string[] {
  if (text === 'none') return [];
  const names = text.split(',');
  if (names.some((name) => name === '')) throw new InvalidArgumentError('write names with commas between.');
  return [...new Set(names)];
}

async function runCalibrate(options: CalibrateOptions): Promise<void> {
  for (const name of options.esp) parseSuiteOption('--esp', name, parseEspSuite);
  for (const name of options.ah) parseSuiteOption('--ah', name, parseAhSuite);
  const choice = await admittedPlace(options);
  const line = new StepLine(process.stderr, options.progress);
  const interruption = new Interruption(() => line.show('undoing what was done; once more ends at once'));
  try {
    const calibration = await measure(choice, options, line, interruption.signal);
    line.clear();
    await report(calibration, options);
  } catch (error) {
    line.clear();
    if (interruption.signal.aborted) printMessage('interrupted: nothing was measured');
    throw explained(error);
  } finally {
    line.clear();
    interruption.release();
  }
}

/** Refused attempts are recorded, too. */
async function admittedPlace(options: CalibrateOptions): Promise<PlaceChoice> {
  try {
    return await choosePlace(options);
  } catch (error) {
    if (error instanceof Refusal) {
      const { recordRefusal } = await import('./audited-migration.js');
      const { calibrationCases } = await import('../validation/calibration-cases.js');
      await recordRefusal(error.account, calibrationCases(options, 'small').guests[0], error.reason);
    }
    throw error;
  }
}

async function measure(
  choice: PlaceChoice,
  { name, esp, ah }: CalibrateOptions,
  line: StepLine,
  signal: AbortSignal,
): Promise<Calibration> {
  line.show(choice.kind === 'lab' && choice.name === null ? 'starting the laboratory' : 'connecting');
  const { calibratePlace } = await import('../validation/calibrate-place.js');
  const { runMigration } = await import('../orchestrator/run-migration.js');
  const { place, close } = await openPlace(choice, 'ipv4', signal, true);
  try {
    return await calibratePlace(place, {
      name,
      esp,
      ah,
      signal,
      onProgress: (text) => line.show(text),
      migrate: (scenario: Scenario) =>
        auditedMigration(choice, scenario, signal, (run) =>
          runMigration(scenario, place, { ...run, signal }),
        ),
    });
  } finally {
    await close();
  }
}

async function report(calibration: Calibration, { write, json }: CalibrateOptions): Promise<void> {
  const { renderJson } = await import('../report/render-json.js');
  const text = renderJson(calibration);
  if (write !== undefined) writeReport(write, text);
  if (json) return writeOut(text);
  const { renderCalibration } = await import('../report/validation/render-calibration.js');
  const width = reportWidth(process.stdout, process.env);
  const { description, origin, tcp, esp: espCosts, ah: ahCosts, qemu } = calibration;
  const packets = [
    { what: 'TCP in the clear', ...tcp },
    ...espCosts.map((costs) => ({ what: `ESP ${costs.suite}, besides`, ...costs })),
    ...ahCosts.map((costs) => ({ what: `AH ${costs.suite}, besides`, ...costs })),
  ];
  const summary = { description, origin, packets, pages: qemu };
  const color = wantsColor(process.stdout, process.env);
  await writeOut(renderCalibration(summary, { width, color }));
}

function explained(error: unknown): unknown {
  if (!(error instanceof RangeError)) return explainOrchestrator(error);
  const message = `what was measured makes no sense: ${error.message}`;
  return new CliError(ExitCode.run, message, { cause: error });
}
