import type { Command } from 'commander';
import type { Finding, Purpose } from '../orchestrator/lab/examine-machine.js';
import type { TableColumn } from '../report/text/table.js';
import type { TextStyle } from '../report/text/text-style.js';
import { ExitCode } from './exit-code.js';
import { needlessNoProgress } from './progress-line.js';
import { reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Examples:
  $ tare doctor                               what is missing here
  $ tare doctor --json | jq '.usableFor'      the same for programs

Exit code 4 if even captures cannot be analysed here.`;

const PURPOSE_NAMES: Readonly<Record<Purpose, string>> = {
  analyze: 'analyze, plan, predict',
  capture: 'live capture',
  lab: 'migrations in the lab',
  ssh: 'migrations between hosts over ssh',
  local: 'migrations on this machine itself',
};

/** `tare doctor`: what this machine can do, what is missing, and the command that brings it. */
export function defineDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('say what this machine can be used for, and what is missing')
    .description('Says what this machine can be used for, what is missing, and the command that brings it.')
    .option('--json', 'print JSON (tare.doctor/1, see docs/FORMATS.md)')
    .addOption(needlessNoProgress())
    .addHelpText('after', EXAMPLES)
    .action(runDoctor);
}

async function runDoctor(options: { json?: boolean }): Promise<void> {
  const { examineMachine, PURPOSES, usableFor } = await import('../orchestrator/lab/examine-machine.js');
  const findings = await examineMachine();
  const usable = usableFor(findings);
  if (!usable.includes('analyze')) process.exitCode = ExitCode.environment;
  if (options.json) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson({ schema: 'tare.doctor/1', usableFor: usable, findings }));
  }
  const { createTextStyle } = await import('../report/text/text-style.js');
  const { renderTable } = await import('../report/text/table.js');
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  const width = reportWidth(process.stdout, process.env);
  const rows = findings.map((finding) => [
    finding.name,
    markOf(finding, style),
    finding.found,
    finding.state === 'ok' ? '' : finding.remedy,
  ]);
  const verdicts = PURPOSES.map((purpose) => verdictOn(purpose, findings, usable.includes(purpose), style));
  return writeOut(`${[...verdicts, '', ...renderTable(COLUMNS, rows, { width, style }), ''].join('\n')}`);
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'what', minWidth: 12 },
  { title: '' },
  { title: 'found', minWidth: 14 },
  { title: 'what to do', minWidth: 16 },
];

function markOf({ state }: Finding, style: TextStyle): string {
  if (state === 'ok') return style.good('ok');
  return state === 'missing' ? style.bad('missing') : style.caution('optional');
}

function verdictOn(
  purpose: Purpose,
  findings: readonly Finding[],
  isUsable: boolean,
  style: TextStyle,
): string {
  const missing = findings.filter(
    ({ state, neededFor }) => state === 'missing' && neededFor.includes(purpose),
  );
  const name = PURPOSE_NAMES[purpose];
  if (isUsable) return `${style.good('ready')}      ${name}`;
  return `${style.bad('not ready')}  ${name}: ${missing.map((finding) => finding.name).join(', ')}`;
}
