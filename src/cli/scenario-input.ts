import { statSync } from 'node:fs';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { readInputText, STDIN } from './input-text.js';

/** Far above what the parser takes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What is predicted when no scenario is named: a guest of 4 GiB that writes nothing, in the clear. */
const DEFAULT = 'name: guest\nguest: { memory: 4GiB }\n';

/**
 * The scenario that an argument names: one of the catalogue, or a file of YAML or JSON.
 * @param name `-` is stdin; undefined: a guest of 4 GiB that writes nothing
 * @throws CliError (usage) for a name that is neither, (input) for a file that cannot be read or is no scenario
 */
export async function readScenarioArgument(name: string | undefined): Promise<Scenario> {
  const { parseNamedScenario, parseScenario } = await import('../scenario/parse-scenario.js');
  const { namedScenario } = await import('../scenario/catalogue.js');
  const { SUITE_NAMES: suites } = await import('../model/suite-names.js');
  if (name === undefined) return parseScenario(DEFAULT, { suites });
  if (name !== STDIN && (namedScenario(name) !== null || !isFile(name))) {
    return explained(ExitCode.usage, () => parseNamedScenario(name, suites));
  }
  const content = await readInputText(name, 'the scenario', MAX_BYTES);
  const path = name === STDIN ? 'stdin' : name;
  return explained(ExitCode.input, () => parseScenario(content, { suites, path }));
}

/** A path that is missing is told as that; a bare word may be a name with a slip in it. */
function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isFile() === true || /[/\\]|\.(ya?ml|json)$/i.test(name);
}

/** Errors of scenarios name file, line and field. */
function explained<Result>(exitCode: ExitCode, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && error.name === 'ScenarioError') {
      throw new CliError(exitCode, error.message, { cause: error });
    }
    throw error;
  }
}
