import { InvalidArgumentError, Option } from 'commander';
import type { Level } from '../model/predict.js';
import { CliError, ExitCode } from './exit-code.js';

/** Options of commands that calculate runs. */
export interface ModelOptions {
  readonly level: Level;
  readonly samples: number;
}

const LEVELS = ['analytic', 'packet'] as const satisfies readonly Level[];

export function levelOption(): Option {
  return new Option('--level <level>', 'analytic: in an instant; packet: every packet simulated')
    .choices(LEVELS)
    .default('analytic');
}

export function parseSamples(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a number from 1 to 999999.');
  return Number(text);
}

export function parseWorkers(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('give a number from 1 to 999.');
  return Number(text);
}

/**
 * What the models refuse is what was asked: a suite without costs, an MTU without room.
 * @throws CliError (usage), (input) for a file that is no calibration
 */
export async function explainModel<Result>(calculate: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await calculate();
  } catch (error) {
    if (error instanceof Error && ['ModelError', 'CalibrationError'].includes(error.name)) {
      const exitCode = isAboutFile(error) ? ExitCode.input : ExitCode.usage;
      throw new CliError(exitCode, error.message, { cause: error });
    }
    throw error;
  }
}

/** A CalibrationError, or a ModelError because of one. */
function isAboutFile(error: Error): boolean {
  const origin = error.name === 'CalibrationError' ? error : error.cause;
  return origin instanceof Error && 'path' in origin && typeof origin.path === 'string';
}
