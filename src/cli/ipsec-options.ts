import type { Command } from 'commander';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { CliError, ExitCode } from './exit-code.js';
import { readKeyFiles } from './key-files.js';
import { parseSuiteOption } from './suite-option.js';

/** What the user told about IPsec on the command line. */
export interface IpsecOptions {
  readonly keys?: string[];
  readonly esp?: string;
  readonly ah?: string;
}

/** What `--keys` is beside `--from`. */
export const KEYS_OF_CAPTURES =
  'of these captures: "ip xfrm state", esp_sa or "setkey -D" output; repeatable';

/** Adds --keys, --esp and --ah. Keys come from files alone: everybody can read a command line. */
export function addIpsecOptions(command: Command): Command {
  return command
    .option('--keys <file>', '"ip xfrm state", esp_sa or "setkey -D" output; repeatable', collect)
    .option('--esp <suite>', 'suite of ESP without keys, e.g. aes128gcm16 (see tare suites)')
    .option('--ah <algorithm>', 'algorithm of AH, e.g. sha256');
}

/** Values of an option that may be given several times. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/**
 * Reads and checks what the options name.
 * @throws CliError (usage) for suites there are not, (input) for unusable key files
 */
export async function readIpsecOptions(options: IpsecOptions): Promise<IpsecKnowledge> {
  const { parseAhSuite, parseEspSuite } = await import('../ipsec/suite.js');
  return {
    assumedEsp: options.esp === undefined ? null : parseSuiteOption('--esp', options.esp, parseEspSuite),
    assumedAh: options.ah === undefined ? null : parseSuiteOption('--ah', options.ah, parseAhSuite),
    associations: await readKeyFiles(options.keys ?? []),
  };
}

/** stdin can be read once. */
export function requireOneStdin(paths: readonly string[]): void {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new CliError(ExitCode.usage, '- (stdin) is given more than once: it can be read only once');
  }
}
