import { mkdirSync } from 'node:fs';
import type { Command } from 'commander';
import type { ForeignGuest } from '../orchestrator/guests/foreign-guest.js';
import type { RunFailure } from '../orchestrator/steps/run-failure.js';
import type { FailedUndo, StepProgress } from '../orchestrator/steps/step-runner.js';
import type { RunCheck } from '../result/measured-run.js';
import type { RunResult } from '../result/run-result.js';
import type { Scenario } from '../scenario/scenario.js';
import { auditedMigration, recordCleanUp, recordRefusal, verifyAuditLog } from './audited-migration.js';
import { CliError, ExitCode } from './exit-code.js';
import { addGuestOptions, foreignGuest, type GuestOptions, namedGuest } from './guest-options.js';
import { Interruption } from './interruption.js';
import { choosePlace, openPlace, type PlaceChoice, type PlaceOptions, Refusal } from './migrate-options.js';
import { ENVIRONMENT_ERRORS, explainOrchestrator } from './orchestrator-errors.js';
import { cannotWrite } from './output-file.js';
import { addPlaceOptions } from './place-options.js';
import { addScenarioOptions, DEFAULT_ESP, givenOverrides, overrideScenario } from './predict-options.js';
import { readScenarioArgument } from './scenario-input.js';
import { StepLine } from './step-line.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const DEFAULT_SCENARIO = 'lab-16mib';

const EXAMPLES = `
Without --lab, --local or --destination: in a laboratory of its own, which is
started for the run and ends with it. SCENARIO is a name that "tare scenarios"
lists, or a file; - is stdin. Options change the scenario.

Between hosts of your own only what an inventory lists is migrated; each attempt
is recorded. The guest is a test guest of Tare's own, unless --domain or --qmp
names one of yours, which then stays at the destination (docs/GUESTS.md). All
that is done to hosts is undone at the end, and when the run fails or is
interrupted; after Tare itself was killed, with --clean-up.

Examples:
  $ tare migrate                              two emulated machines, AES-GCM
  $ tare migrate lab-32mib --esp aes128-sha256 --ah sha256 --mtu 9000
  $ tare migrate --lab default --json         in a lab that is up already
  $ tare migrate --local --esp none           on this machine, in the clear
  $ tare migrate --clean-up

Hosts as the inventory knows them; a domain of libvirt; QEMUs with QMP sockets:
  $ tare migrate office.yaml --source alpha --destination beta
  $ tare migrate --domain web1 --source alpha --destination beta
  $ tare migrate --qmp /run/vm.qmp --qmp-destination /run/in.qmp --lab default`;

interface MigrateOptions extends PlaceOptions, GuestOptions {
  readonly captureTo?: string;
  readonly wholePackets?: boolean;
  readonly json?: boolean;
  readonly progress: boolean;
  readonly cleanUp?: boolean;
  readonly verifyAudit?: string | true;
  readonly esp?: string;
  readonly ah?: string;
}

/** `tare migrate`: a real migration under real IPsec, measured. */
export function defineMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .summary('migrate a guest for real, and measure it')
    .description(
      'Sets up IPsec between two hosts, migrates a guest live, proves a test guest alive and whole, measures, and undoes everything.',
    )
    .argument(
      '[scenario]',
      `a named scenario, or a file; - for stdin (default: ${DEFAULT_SCENARIO} in ${DEFAULT_ESP})`,
    );
  addPlaceOptions(addGuestOptions(addScenarioOptions(command)))
    .option('--local', 'both ends on this machine, in the clear')
    .option('--capture-to <folder>', 'keep the captures')
    .option('--whole-packets', 'capture whole packets between real hosts, too: ICVs are checked then')
    .option('--json', 'print JSON (tare.run/1, see docs/FORMATS.md)')
    .option('--no-progress', 'no progress on stderr')
    .option('--clean-up', 'undo what runs left behind that were killed, and do nothing else')
    .option(
      '--verify-audit [file]',
      'check that the log of attempts is as it was written, and do nothing else',
    )
    .addHelpText('after', EXAMPLES)
    .action(runMigrate);
}

async function runMigrate(name: string | undefined, options: MigrateOptions): Promise<void> {
  const inventory = typeof options.inventory === 'string' ? options.inventory : null;
  if (options.cleanUp) return cleanUpRuns(inventory);
  if (options.verifyAudit !== undefined) {
    const log = options.verifyAudit === true ? null : options.verifyAudit;
    return writeOut(await verifyAuditLog(log, inventory));
  }
  const scenario = await chosenScenario(name, options);
  const choice = await admittedPlace(scenario, options);
  const guest = foreignGuest(options, choice, name !== undefined);
  const run = await migrate(scenario, choice, guest, options);
  await printRun(run, options);
}

/** Refused attempts are recorded, too. */
async function admittedPlace(scenario: Scenario, options: MigrateOptions): Promise<PlaceChoice> {
  try {
    return await choosePlace(options, namedGuest(options));
  } catch (error) {
    if (error instanceof Refusal) await recordRefusal(error.account, scenario, error.reason);
    throw error;
  }
}

async function chosenScenario(name: string | undefined, options: MigrateOptions): Promise<Scenario> {
  const isTestGuest = namedGuest(options).kind === 'test';
  const scenario = await readScenarioArgument(name ?? (isTestGuest ? DEFAULT_SCENARIO : undefined));
  const isBare =
    name === undefined && options.esp === undefined && options.ah === undefined && !options.local;
  const overrides = { ...(isBare ? { esp: DEFAULT_ESP } : {}), ...givenOverrides({ ...options }) };
  return Object.keys(overrides).length === 0 ? scenario : overrideScenario(scenario, overrides);
}

async function migrate(
  scenario: Scenario,
  choice: PlaceChoice,
  guest: ForeignGuest | null,
  options: MigrateOptions,
): Promise<RunResult> {
  const { runMigration } = await import('../orchestrator/run-migration.js');
  const line = new StepLine(process.stderr, options.progress);
  const interruption = new Interruption(() => line.show('undoing what was done; once more ends at once'));
  try {
    line.show(choice.kind === 'lab' && choice.name === null ? 'starting the laboratory' : 'connecting');
    return await auditedMigration(choice, scenario, interruption.signal, async (run) => {
      const { place, close } = await openPlace(choice, scenario.network.family, interruption.signal);
      try {
        return await runMigration(scenario, place, {
          ...run,
          signal: interruption.signal,
          progress: stepProgress(line),
          ...(guest !== null && { guest }),
          ...(options.captureTo !== undefined && { captureTo: makeFolder(options.captureTo) }),
          ...(options.wholePackets && { fullCapture: true }),
        });
      } finally {
        await close();
      }
    });
  } catch (error) {
    line.clear();
    // The signal that was held back ends this process below.
    if (interruption.signal.aborted) printMessage(`interrupted: ${await describeEnd(error)}`);
    throw await explained(error, options);
  } finally {
    line.clear();
    interruption.release();
  }
}

function stepProgress(line: StepLine): StepProgress {
  return {
    onStep: ({ title }, index, count) => line.show(`${index + 1} of ${count}: ${title}`),
    onUndo: ({ title, role }) => line.show(`undoing: ${title} (${role})`),
  };
}

/** @returns its path. @throws CliError (environment) */
function makeFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    return path;
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Errors of the environment end with 4; whatever went wrong with the run itself ends with 5. */
async function explained(error: unknown, options: MigrateOptions): Promise<unknown> {
  if (!(error instanceof Error) || error.name !== 'RunFailure') return explainOrchestrator(error);
  const failure = error as RunFailure;
  if (failure.result !== null) await printRun(failure.result, options);
  const lines = [failure.message, ...describeLeftovers(failure.leftovers)];
  return new CliError(ExitCode.run, `the migration failed: ${lines.join('\n')}`, { cause: error });
}

async function describeEnd(error: unknown): Promise<string> {
  if (!(error instanceof Error) || error.name !== 'RunFailure') return 'all is undone';
  const { guestAt, leftovers } = error as RunFailure;
  const { describeGuestPlace } = await import('../orchestrator/steps/run-failure.js');
  const place = guestAt === 'unknown' ? '' : `${describeGuestPlace(guestAt)}; `;
  return `${place}${leftovers.length === 0 ? 'all is undone' : describeLeftovers(leftovers).join('\n')}`;
}

function describeLeftovers(leftovers: readonly FailedUndo[]): string[] {
  if (leftovers.length === 0) return [];
  return [
    'not undone, because the host could not be asked to; "tare migrate --clean-up" tries again:',
    ...leftovers.map(({ undo, message }) => `  ${undo.role}: ${undo.title} (${message})`),
  ];
}

async function printRun(run: RunResult, { json }: MigrateOptions): Promise<void> {
  if (json) {
    const { renderJson } = await import('../report/render-json.js');
    const { runJson } = await import('../result/run-json.js');
    return writeOut(renderJson(runJson(run)));
  }
  const { renderRun } = await import('../report/run/render-run.js');
  const report = { run, clear: null, base: run, variants: [], overMtu: null, overRate: null };
  const width = reportWidth(process.stdout, process.env);
  const text = renderRun(report, { width, color: wantsColor(process.stdout, process.env) });
  await writeOut(`${text}\n${await renderChecks(run.checks ?? [], width)}`);
}

async function renderChecks(checks: readonly RunCheck[], width: number): Promise<string> {
  const { wrapText } = await import('../report/text/wrap-text.js');
  const lines = checks.flatMap(({ requirement, ok, evidence }) =>
    wrapText(`${ok ? 'yes' : 'NO '}  ${requirement}: ${evidence}.`, { width }),
  );
  return `${lines.join('\n')}\n`;
}

/** @throws CliError (environment) if something is left */
async function cleanUpRuns(inventory: string | null): Promise<void> {
  const { findJournals, journalFolder } = await import('../orchestrator/steps/journal.js');
  const journals = findJournals(journalFolder());
  if (journals.length === 0) return writeOut('There is nothing to clean up.\n');
  const { reopenPlace } = await import('../orchestrator/open-place.js');
  const { cleanUp, forget } = await import('../orchestrator/steps/step-runner.js');
  const left: string[] = [];
  for (const journal of journals) {
    const { header, open } = journal;
    try {
      const place = await reopenPlace(header.hosts);
      const failed = place === null ? [] : await cleanUp(journal, place.hosts).finally(() => place.close());
      if (place === null) forget(journal);
      left.push(...describeLeftovers(failed));
      const titles = failed.map(({ undo }) => `${undo.role}: ${undo.title}`);
      await recordCleanUp(header.runId, titles, inventory).catch((error: Error) => left.push(error.message));
      if (failed.length === 0)
        await writeOut(`The run of ${header.startedAt} is undone (${open.length} steps).\n`);
    } catch (error) {
      if (!(error instanceof Error) || !ENVIRONMENT_ERRORS.includes(error.name)) throw error;
      left.push(`the run of ${header.startedAt}: ${error.message}`);
    }
  }
  if (left.length > 0) throw new CliError(ExitCode.environment, left.join('\n'));
}
