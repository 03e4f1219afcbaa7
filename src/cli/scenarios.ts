import { type Command, Option } from 'commander';
import type { Scenario } from '../scenario/scenario.js';
import { CliError, ExitCode } from './exit-code.js';
import { needlessNoProgress } from './progress-line.js';
import { reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Examples:
  $ tare scenarios                           all there are
  $ tare scenarios office-vm > mine.yaml     one to start from, with hints
  $ tare scenarios office-vm --json          the same as JSON
  $ tare predict mine.yaml                   use it

A scenario may also begin with "extends: office-vm" and give only what is
different. docs/FORMATS.md lists every field.`;

/** `tare scenarios`: the named scenarios, and each in its written form. */
export function defineScenarios(program: Command): void {
  program
    .command('scenarios')
    .summary('list the named scenarios, or print one to start from')
    .description(
      'Lists the named scenarios, or prints one in full: guest, network, IPsec, migration and hosts.',
    )
    .argument('[name]', 'a named scenario')
    .addOption(
      new Option('--yaml', 'print YAML (tare.scenario/1); a name alone does so too').conflicts('json'),
    )
    .option('--json', 'print JSON (tare.scenario/1; of all, tare.scenarios/1)')
    .addOption(needlessNoProgress())
    .addHelpText('after', EXAMPLES)
    .action(runScenarios);
}

interface ScenariosOptions {
  readonly yaml?: boolean;
  readonly json?: boolean;
}

async function runScenarios(name: string | undefined, options: ScenariosOptions): Promise<void> {
  const scenarios = await readNamed(name);
  if (options.json) return writeOut(await renderAsJson(scenarios, name !== undefined));
  if (options.yaml || name !== undefined) return writeOut(await renderAsYaml(scenarios));
  await writeOut(await renderList(scenarios));
}

/** @param name undefined: all of them */
async function readNamed(name: string | undefined): Promise<Scenario[]> {
  const { parseNamedScenario } = await import('../scenario/parse-scenario.js');
  const { CATALOGUE } = await import('../scenario/catalogue.js');
  const { parseAhSuite, parseEspSuite } = await import('../ipsec/suite.js');
  const names = name === undefined ? CATALOGUE.map((scenario) => scenario.name) : [name];
  try {
    return names.map((each) => parseNamedScenario(each, { esp: parseEspSuite, ah: parseAhSuite }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ScenarioError') throw error;
    throw new CliError(ExitCode.usage, error.message, { cause: error });
  }
}

/** One is the file that --yaml would be; all are a list of them. */
async function renderAsJson(scenarios: readonly Scenario[], isOne: boolean): Promise<string> {
  const { renderJson } = await import('../report/render-json.js');
  const { writeScenario } = await import('../scenario/render-scenario.js');
  const written = scenarios.map(writeScenario);
  return renderJson(isOne ? written[0] : { schema: 'tare.scenarios/1', scenarios: written });
}

async function renderAsYaml(scenarios: readonly Scenario[]): Promise<string> {
  const { renderScenario } = await import('../scenario/render-scenario.js');
  return scenarios.map((scenario) => renderScenario(scenario, { hints: true })).join('---\n');
}

async function renderList(scenarios: readonly Scenario[]): Promise<string> {
  const { renderTable } = await import('../report/text/table.js');
  const { createTextStyle } = await import('../report/text/text-style.js');
  const { protectionName } = await import('../report/run/protection-name.js');
  const { writeBytes, writeBitRate } = await import('../scenario/write-quantity.js');
  const { wrapText } = await import('../report/text/wrap-text.js');
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  const width = reportWidth(process.stdout, process.env);
  const lines = renderTable(
    [
      { title: 'name' },
      { title: 'memory', align: 'right', dispensable: 1 },
      { title: 'link', align: 'right', dispensable: 3 },
      { title: 'MTU', align: 'right', dispensable: 4 },
      { title: 'IPsec', dispensable: 2 },
      { title: 'what it is', minWidth: 46 },
    ],
    scenarios.map(({ name, description, guest, network, ipsec }) => [
      name,
      writeBytes(guest.memoryBytes),
      writeBitRate(network.linkBps),
      `${network.mtu}`,
      protectionName(ipsec),
      description,
    ]),
    { width, style },
  );
  const hint = '"tare scenarios NAME > mine.yaml" writes one to start from.';
  return `${[...lines, '', ...wrapText(hint, { width }).map(style.faint)].join('\n')}\n`;
}
