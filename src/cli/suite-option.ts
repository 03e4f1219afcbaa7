import { CliError, ExitCode } from './exit-code.js';

/**
 * The suite that an option names.
 * @throws CliError (usage) naming the option and the closest suites
 */
export function parseSuiteOption<Suite>(option: string, name: string, parse: (name: string) => Suite): Suite {
  try {
    return parse(name);
  } catch (error) {
    if (error instanceof Error && error.name === 'SuiteNameError') {
      throw new CliError(ExitCode.usage, `${option}: ${error.message} ("tare suites" lists all)`, {
        cause: error,
      });
    }
    throw error;
  }
}
