import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { LabLink } from '../orchestrator/lab/lab-link.js';
import type { LabStatus } from '../orchestrator/lab/lab-runs.js';
import { CliError, ExitCode } from './exit-code.js';
import { needlessNoProgress } from './progress-line.js';
import { printMessage, writeOut } from './terminal.js';

const DEFAULT_NAME = 'default';
const DEFAULT_LINK = '1Gbit';
const DEFAULT_RTT = '200us';
const MIN_MTU = 576;
const MAX_MTU = 9216;
const MIN_MEMORY_BYTES = 256 * 2 ** 20;

const EXAMPLES = `
Examples:
  $ tare lab setup                            fetch what is missing; asks first
  $ tare lab up --link 1Gbit --rtt 200us      start two machines and their link
  $ tare lab shell source                     look around in one of them
  $ tare lab status
  $ tare lab down

Nothing is installed on this machine, and nobody need be root: packages are
unpacked below ~/.cache/tare/lab, and the machines see this machine's files
read-only.`;

/** `tare lab`: two emulated machines to migrate between. */
export function defineLab(program: Command): void {
  const lab = program
    .command('lab')
    .summary('start and end two machines on this one, to migrate between')
    .description(
      'Starts and ends two machines on this one, to migrate between: no root, no KVM, no special kernel needed.',
    )
    .addHelpText('after', EXAMPLES);
  lab
    .command('setup')
    .summary('fetch what the lab needs and this machine lacks')
    .description('Fetches what the lab needs and this machine lacks.')
    .option('-y, --yes', 'do not ask')
    .option('--no-progress', 'no progress on stderr')
    .action(setUp);
  lab
    .command('up')
    .summary('start a lab and leave it running')
    .description('Starts a lab and leaves it running.')
    .option('--name <name>', 'of this lab: several can run side by side', DEFAULT_NAME)
    .option('--link <rate>', 'rate of the link, as the wire counts', DEFAULT_LINK)
    .option('--rtt <time>', 'round-trip time of the link', DEFAULT_RTT)
    .option('--loss <share>', 'packets lost from source to destination, such as 0.1%', '0')
    .option('--mtu <bytes>', 'MTU of the link', '1500')
    .option('--memory <size>', 'of each machine', '1GiB')
    .option('--no-progress', 'no progress on stderr')
    .action(bringUp);
  lab
    .command('down')
    .summary('end a lab')
    .description('Ends a lab.')
    .option('--name <name>', 'of the lab', DEFAULT_NAME)
    .option('--all', 'all of them')
    .addOption(needlessNoProgress())
    .action(bringDown);
  lab
    .command('status')
    .summary('list the labs that run')
    .description('Lists the labs that run.')
    .option('--json', 'print JSON (tare.labs/1, see docs/FORMATS.md)')
    .addOption(needlessNoProgress())
    .action(showStatus);
  lab
    .command('shell')
    .summary('log in to a machine')
    .description('Logs in to a machine; reads commands from standard input if that is no terminal.')
    .argument('<machine>', 'source or destination')
    .option('--name <name>', 'of the lab', DEFAULT_NAME)
    .action(openShell);
}

async function setUp(options: { yes?: boolean; progress: boolean }): Promise<void> {
  await explained(async () => {
    const { planSetup, setUpLab } = await import('../orchestrator/lab/set-up-lab.js');
    const plan = await planSetup();
    if (plan.packages.length === 0 && plan.kernel.length === 0) {
      return writeOut('The lab has all it needs. Next: tare lab up\n');
    }
    const { labCacheFolder } = await import('../orchestrator/lab/lab-paths.js');
    const lines = [
      ...plan.packages.map(({ name, why }) => `  ${name.padEnd(18)} ${why}`),
      ...plan.kernel.map((name) => `  ${name}  the kernel of the machines, about 70 MB`),
    ];
    await writeOut(
      `To be fetched with apt-get and unpacked in ${labCacheFolder()}; nothing is installed:\n${lines.join('\n')}\n`,
    );
    if (!options.yes) await requireConsent();
    await setUpLab(plan, { onStep: options.progress ? printMessage : () => {} });
    await writeOut('The lab has all it needs. Next: tare lab up\n');
  });
}

async function requireConsent(): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError(ExitCode.usage, 'nobody to ask: say --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Go on? [y/N] ');
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(ExitCode.usage, 'nothing was fetched');
}

interface UpOptions {
  readonly name: string;
  readonly link: string;
  readonly rtt: string;
  readonly loss: string;
  readonly mtu: string;
  readonly memory: string;
  readonly progress: boolean;
}

async function bringUp(options: UpOptions): Promise<void> {
  const link = await linkOf(options);
  const memoryMib = await memoryOf(options.memory);
  await explained(async () => {
    const { openLab } = await import('../orchestrator/lab/open-lab.js');
    if (options.progress && process.stderr.isTTY)
      printMessage('starting two machines; emulated, that takes ten seconds or more');
    const lab = await openLab({ name: options.name, link, memoryMib, keep: true });
    const { addresses, record } = lab;
    await lab.close();
    const how = record.accelerator === 'kvm' ? 'KVM' : 'emulation';
    await writeOut(
      [
        `The lab ${record.name} is up: Linux ${record.kernelRelease}, QEMU ${record.qemuVersion}, ${how}.`,
        `  source       ${addresses.ipv4.source}  ${addresses.ipv6.source}`,
        `  destination  ${addresses.ipv4.destination}  ${addresses.ipv6.destination}`,
        `Next: tare lab shell source${nameOption(record.name)}; tare lab down${nameOption(record.name)}`,
        '',
      ].join('\n'),
    );
  });
}

function nameOption(name: string): string {
  return name === DEFAULT_NAME ? '' : ` --name ${name}`;
}

async function linkOf(options: UpOptions): Promise<Partial<LabLink>> {
  const { parseBitRate, parseDuration, parseShare } = await import('../scenario/parse-quantity.js');
  const mtu = Number(options.mtu);
  if (!Number.isInteger(mtu) || mtu < MIN_MTU || mtu > MAX_MTU) {
    throw new CliError(
      ExitCode.usage,
      `--mtu ${options.mtu}: write whole bytes from ${MIN_MTU} to ${MAX_MTU}`,
    );
  }
  return {
    linkBps: await named('--link', () => parseBitRate(options.link)),
    rttUs: await named('--rtt', () => parseDuration(options.rtt, 'us')),
    loss: await named('--loss', () => parseShare(options.loss)),
    mtu,
  };
}

async function memoryOf(text: string): Promise<number> {
  const { parseBytes } = await import('../scenario/parse-quantity.js');
  const bytes = await named('--memory', () => parseBytes(text));
  if (bytes >= MIN_MEMORY_BYTES) return Math.floor(bytes / 2 ** 20);
  throw new CliError(ExitCode.usage, `--memory ${text}: a machine needs 256MiB at least`);
}

/** Puts the option's name in front of what is wrong with its value. */
async function named(option: string, parse: () => number): Promise<number> {
  const { QuantityError } = await import('../scenario/parse-quantity.js');
  try {
    return parse();
  } catch (error) {
    if (error instanceof QuantityError) throw new CliError(ExitCode.usage, `${option}: ${error.message}`);
    throw error;
  }
}

async function bringDown(options: { name: string; all?: boolean }): Promise<void> {
  const { endLab, listLabs } = await import('../orchestrator/lab/lab-runs.js');
  const labs = await listLabs();
  const ending = options.all ? labs : labs.filter(({ name }) => name === options.name);
  if (ending.length === 0 && !options.all) throw noSuchLab(options.name, labs);
  await Promise.all(ending.map(endLab));
  await writeOut(
    ending.map(({ name }) => `The lab ${name} has ended.\n`).join('') || 'No lab was running.\n',
  );
}

function noSuchLab(name: string, labs: readonly LabStatus[]): CliError {
  const others = labs.map((each) => each.name).join(', ');
  const advice = others === '' ? 'tare lab up starts one' : `there is ${others}`;
  return new CliError(ExitCode.input, `there is no lab named ${name}: ${advice}`);
}

async function showStatus(options: { json?: boolean }): Promise<void> {
  const { listLabs } = await import('../orchestrator/lab/lab-runs.js');
  const labs = await listLabs();
  if (options.json) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson({ schema: 'tare.labs/1', labs: labs.map(jsonOf) }));
  }
  if (labs.length === 0) return writeOut('No lab is running. tare lab up starts one.\n');
  const { renderTable } = await import('../report/text/table.js');
  const { createTextStyle } = await import('../report/text/text-style.js');
  const { reportWidth, wantsColor } = await import('./terminal.js');
  const { writeBitRate, writeDuration, writeShare } = await import('../scenario/write-quantity.js');
  const rows = labs.map(({ name, state, record }) => {
    if (record === null) return [name, state, '', '', ''];
    const { link } = record;
    const loss = link.loss === 0 ? '' : `, ${writeShare(link.loss)} lost`;
    const what = `${writeBitRate(link.linkBps)}, ${writeDuration(link.rttUs, 'us')}, MTU ${link.mtu}${loss}`;
    return [name, state, what, record.accelerator, record.since];
  });
  const columns = ['lab', 'state', 'link', 'runs on', 'since'].map((title) => ({ title }));
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  const width = reportWidth(process.stdout, process.env);
  return writeOut(`${renderTable(columns, rows, { width, style }).join('\n')}\n`);
}

function jsonOf({ name, state, supervisor, record }: LabStatus): object {
  return { name, state, supervisorPid: supervisor.pid, ...record };
}

async function openShell(machine: string, options: { name: string }): Promise<void> {
  if (machine !== 'source' && machine !== 'destination') {
    throw new CliError(ExitCode.usage, `"${machine}" is no machine of a lab: source or destination`);
  }
  const { listLabs } = await import('../orchestrator/lab/lab-runs.js');
  const labs = await listLabs();
  const status = labs.find(({ name }) => name === options.name);
  if (status === undefined) throw noSuchLab(options.name, labs);
  if (status.record === null)
    throw new CliError(ExitCode.environment, `the lab ${status.name} is still starting`);
  const { ports } = status.record;
  await explained(async () => {
    const { machineTarget } = await import('../orchestrator/lab/open-lab.js');
    const { loginArguments } = await import('../orchestrator/hosts/ssh-host.js');
    const target = await machineTarget(status, machine, ports[machine]);
    process.exitCode = await runAttached(target.program ?? 'ssh', loginArguments(target));
  });
}

/** A program that has our terminal for itself. */
function runAttached(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** What the lab and its hosts complain of is no defect of ours. */
async function explained(act: () => Promise<void>): Promise<void> {
  const { LabError } = await import('../orchestrator/lab/lab-error.js');
  const { HostError } = await import('../orchestrator/hosts/host-error.js');
  try {
    await act();
  } catch (error) {
    if (error instanceof LabError || error instanceof HostError) {
      throw new CliError(ExitCode.environment, error.message, { cause: error });
    }
    throw error;
  }
}
