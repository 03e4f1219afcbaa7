import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { PlantedSecret } from '../exposure/planted-secrets.js';
import type { RunPlace } from '../orchestrator/steps/run-context.js';
import type { Scenario } from '../scenario/scenario.js';
import type { DemoRuns } from './demo-runs.js';
import { CliError, ExitCode } from './exit-code.js';
import { Interruption } from './interruption.js';
import { explainOrchestrator } from './orchestrator-errors.js';
import { TemporaryFolder } from './output-file.js';
import { overrideScenario } from './predict-options.js';
import { readScenarioArgument } from './scenario-input.js';
import { StepLine } from './step-line.js';

const SCENARIO = 'lab-16mib';
const PROTECTED = { esp: 'aes128-sha256', ah: 'sha256' };
/** Of base32: nothing that is mistaken for something else. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Migrates a guest with secrets that were made up a moment ago, in the clear and under IPsec, in a laboratory whose link is recorded from
 * outside: by the QEMU that is the cable, which has no keys.
 * @param show is given the captures, which are gone afterwards
 * @throws CliError
 */
export async function demoInLab(
  options: { readonly lab: string | null; readonly progress: boolean },
  show: (runs: DemoRuns) => Promise<void>,
): Promise<void> {
  const folder = new TemporaryFolder('tare-demo-');
  try {
    const { text, secrets } = await plantSecrets();
    const scenario = await readScenarioArgument(SCENARIO);
    const runs = [
      { name: 'a migration in the clear', scenario: await overrideScenario(scenario, { esp: 'none' }) },
      {
        name: 'the same in AES-128-CBC ESP inside AH',
        scenario: await overrideScenario(scenario, PROTECTED),
      },
    ];
    const paths = await record(runs, text, folder.path, options);
    await show({
      runs: runs.map(({ name }, i) => ({ name, path: paths[i]!, associations: [] })),
      secrets,
    });
  } finally {
    folder.discard();
  }
}

/** What the guest has at the end of every page. */
async function plantSecrets(): Promise<{ text: string; secrets: PlantedSecret[] }> {
  const { PlantedSecret } = await import('../exposure/planted-secrets.js');
  const password = randomLetters(16).toLowerCase();
  const key = `AKIA${randomLetters(16)}`;
  return {
    text: `root password: ${password}; ${key}; END`,
    secrets: [new PlantedSecret('the password', password), new PlantedSecret('the access key', key)],
  };
}

function randomLetters(count: number): string {
  return Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

async function record(
  runs: readonly { readonly name: string; readonly scenario: Scenario }[],
  text: string,
  folder: string,
  { lab, progress }: { readonly lab: string | null; readonly progress: boolean },
): Promise<string[]> {
  const { openLabPlace } = await import('../orchestrator/open-place.js');
  const line = new StepLine(process.stderr, progress);
  const interruption = new Interruption(() => line.show('undoing what was done; once more ends at once'));
  try {
    line.show(lab === null ? 'starting the laboratory' : 'connecting');
    const { family } = runs[0]!.scenario.network;
    const { place, close } = await openLabPlace(lab, family, { signal: interruption.signal });
    try {
      const paths: string[] = [];
      for (const [i, run] of runs.entries()) {
        paths.push(
          await recordOne(run.scenario, place, text, join(folder, String(i)), line, interruption.signal),
        );
      }
      return paths;
    } finally {
      await close();
    }
  } catch (error) {
    throw explained(error);
  } finally {
    line.clear();
    interruption.release();
  }
}

async function recordOne(
  scenario: Scenario,
  place: RunPlace,
  text: string,
  folder: string,
  line: StepLine,
  signal: AbortSignal,
): Promise<string> {
  const { mkdir } = await import('node:fs/promises');
  const { guestSectorOf } = await import('../orchestrator/qemu/guest-sector.js');
  const { runMigration } = await import('../orchestrator/run-migration.js');
  await mkdir(folder);
  await runMigration(scenario, place, {
    captureTo: folder,
    bootSector: (each) => guestSectorOf(each, text),
    signal,
    progress: {
      onStep: ({ title }, index, count) => line.show(`${scenario.name}, ${index + 1} of ${count}: ${title}`),
      onUndo: ({ title, role }) => line.show(`undoing: ${title} (${role})`),
    },
  });
  return join(folder, 'source.pcap');
}

function explained(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'RunFailure') return explainOrchestrator(error);
  return new CliError(ExitCode.run, `the migration failed: ${error.message}`, { cause: error });
}
