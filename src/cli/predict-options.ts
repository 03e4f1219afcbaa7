import type { Command } from 'commander';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';

/** Options of `tare predict` that change a field of the scenario, under the names that `applyOverrides` takes. */
const FIELDS: readonly (readonly [flag: string, placeholder: string, text: string])[] = [
  ['memory', '<size>', 'of the guest: 4GiB'],
  ['filled', '<size>', 'part of it that is not zero'],
  ['workload', '<kind>', 'idle, uniform, sequential or hot-set'],
  ['rate', '<pages>', 'written a second: 2000pages/s, 8MiB/s'],
  ['working-set', '<size>', 'part of memory that is written'],
  ['link', '<rate>', '10Gbit'],
  ['rtt', '<time>', 'round trip of the idle path: 200us'],
  ['loss', '<share>', 'of packets lost: 0.01%'],
  ['mtu', '<bytes>', 'of the link'],
  ['mss', '<bytes>', 'TCP payload of a full segment, or auto'],
  ['esp', '<suite>', 'ESP suite, e.g. aes256-sha256, or none'],
  ['ah', '<algorithm>', 'AH algorithm, e.g. sha256, or none'],
  ['mode', '<mode>', 'of IPsec: transport, tunnel or beet'],
  ['channels', '<n>', 'of multifd; 0: off'],
  ['max-bandwidth', '<rate>', "QEMU's: 128MiB/s"],
  ['downtime-limit', '<time>', "QEMU's: 300ms"],
  ['timeout', '<time>', 'after which it counts as not converging'],
  ['cores', '<n>', 'of each host for QEMU and network'],
  ['calibration', '<name>', 'CPU costs: a shipped calibration, or a file'],
  ['seed', '<n>', 'of all randomness'],
];
const SWITCHES: readonly (readonly [flag: string, text: string])[] = [
  ['encap', 'ESP in UDP (NAT traversal)'],
  ['auto-converge', "QEMU's, which slows the guest down"],
];

export const DEFAULT_ESP = 'aes128gcm16';

/** Adds the options. */
export function addScenarioOptions(command: Command): Command {
  for (const [flag, placeholder, text] of FIELDS) command.option(`--${flag} ${placeholder}`, text);
  for (const [flag, text] of SWITCHES) command.option(`--${flag}`, text);
  return command;
}

/** What was given, under the names of the options. */
export function givenOverrides(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [flag] of [...FIELDS, ...SWITCHES]) {
    const value = options[camelCase(flag)];
    if (value !== undefined) given[flag] = String(value);
  }
  return given;
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The scenario as the options change it.
 * @throws CliError (usage) naming the options
 */
export async function overrideScenario(
  scenario: Scenario,
  overrides: Readonly<Record<string, string>>,
): Promise<Scenario> {
  const { applyOverrides } = await import('../scenario/apply-overrides.js');
  const { ScenarioError } = await import('../scenario/scenario-error.js');
  const { SUITE_NAMES } = await import('../model/suite-names.js');
  try {
    return applyOverrides(scenario, overrides, SUITE_NAMES);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const lines = error.problems.map(({ field, message }) =>
      field in overrides ? `--${field}: ${message}` : field === '' ? message : `${field}: ${message}`,
    );
    throw new CliError(ExitCode.usage, lines.join('\n'), { cause: error });
  }
}
