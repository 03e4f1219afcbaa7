#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { defineAnalyze } from './analyze.js';
import { defineCalibrate } from './calibrate.js';
import { defineCapture } from './capture.js';
import { defineDemo } from './demo.js';
import { defineDoctor } from './doctor.js';
import { CliError, ExitCode } from './exit-code.js';
import { fileErrorText } from './file-error.js';
import { defineLab } from './lab.js';
import { defineMigrate } from './migrate.js';
import { discardUnfinishedFiles } from './output-file.js';
import { definePackets } from './packets.js';
import { definePlan } from './plan.js';
import { definePredict } from './predict.js';
import { defineScenarios } from './scenarios.js';
import { defineSuites } from './suites.js';
import { defineSweep } from './sweep.js';
import { printMessage } from './terminal.js';
import { defineValidate } from './validate.js';

const EXAMPLES = `
Examples:
  $ tare analyze migration.pcap                  what IPsec costs on this wire
  $ tare analyze migration.pcap --keys sa.xfrm   the same, with ESP opened
  $ sudo tare capture -i eth1                    the same, as it happens
  $ tare packets migration.pcap --range 1-20     every byte and its owner
  $ tare plan --esp aes256gcm16 --mtu 1500,9000  what IPsec will cost
  $ tare predict office-vm --mtu 9000            how long a migration takes
  $ tare sweep office-vm --grid mtu=1500,9000    the same all over a grid
  $ tare migrate --esp aes128gcm16               a real one, in a laboratory
  $ tare validate                                how far off predictions are
  $ tare calibrate -w ours.json                  what our hosts pay for IPsec
  $ tare demo                                    what an eavesdropper gets
  $ tare suites                                  what each cipher adds
  $ tare doctor                                  what this machine can do

Exit codes: 0 done, 1 a --fail-on condition was met, 2 wrong usage, 3 unusable
input, 4 the environment lacks something, 5 a migration or run failed.`;

/** As the help lists them. */
const COMMANDS: readonly (readonly [
  heading: string,
  definitions: readonly ((program: Command) => void)[],
])[] = [
  ['Packets:', [defineAnalyze, definePackets, defineCapture, defineDemo]],
  ['Before a migration:', [definePlan, definePredict, defineSweep, defineScenarios, defineSuites]],
  ['Migrations:', [defineMigrate, defineValidate, defineCalibrate, defineLab]],
  ['Help:', [defineDoctor]],
];

/** Commands import what they need when they run: `tare --version` loads none of it. */
function buildProgram(): Command {
  const program = new Command('tare')
    .description('Weighs what IPsec adds to every packet of a live migration.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or that of a command')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({ outputError: (text, write) => write(inOurWords(text)) })
    .exitOverride();
  for (const [heading, definitions] of COMMANDS) {
    program.commandsGroup(heading);
    for (const define of definitions) define(program);
  }
  return program.helpCommand('help [command]', 'print the help of a command');
}

/** Commander's complaints look like all others: `tare: option ... is invalid: give a number`. */
function inOurWords(text: string): string {
  return text.replace(/^error: /, 'tare: ').replace(/ is invalid\. (?=[a-z])/, ' is invalid: ');
}

function readVersion(): string {
  const file = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

/** @returns the exit code */
async function run(argv: readonly string[]): Promise<ExitCode> {
  const program = buildProgram();
  try {
    await program.parseAsync(withoutHelpOfNothing(program, argv));
    return (process.exitCode as ExitCode | undefined) ?? ExitCode.done;
  } catch (error) {
    return explain(error);
  }
}

/** `tare analize --help`: a slip in the name is told, instead of the help of everything as if it were that of this. */
function withoutHelpOfNothing(program: Command, argv: readonly string[]): readonly string[] {
  const name = argv[2] ?? '-';
  const isCommand = name === 'help' || program.commands.some((command) => command.name() === name);
  if (isCommand || name.startsWith('-')) return argv;
  return argv.filter((argument) => argument !== '-h' && argument !== '--help');
}

/** Says what went wrong, unless Commander already did. */
function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  if (error instanceof CliError) {
    printMessage(error.message);
    return error.exitCode;
  }
  // Left to Node this would end with 1, which means --fail-on.
  printMessage(`this is a defect in tare: ${error instanceof Error ? error.stack : String(error)}`);
  return ExitCode.defect;
}

/** `| head`: whoever reads has seen enough. That is no failure, and nobody is left to tell. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    discardUnfinishedFiles();
    if (error.code === 'EPIPE') process.exit(ExitCode.done);
    printMessage(`cannot write to stdout: ${fileErrorText(error)}`);
    process.exit(ExitCode.environment);
  });
  // Unheard, Node would end with 1, which means --fail-on.
  process.stderr.on('error', () => {});
}

/** What a timer or a listener throws reaches nobody else. Left to Node it would end with 1, too. */
function explainStrayErrors(): void {
  process.on('uncaughtException', (error) => {
    discardUnfinishedFiles();
    process.exit(explain(error));
  });
}

/**
 * Ctrl-C: tidies up, then dies of the signal as if it had never been caught, which shells show as 130 (143 for SIGTERM).
 * `process.exit` would wait for a read from a pipe nobody writes to.
 */
function endCleanlyOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      discardUnfinishedFiles();
      process.kill(process.pid, signal);
    });
  }
}

endQuietlyOnClosedPipe();
explainStrayErrors();
endCleanlyOnSignals();
process.exitCode = await run(process.argv);
