import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import { isAtLeast, SEVERITIES, type Severity } from '../analysis/findings/finding.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import type { SecurityAssociation } from '../ipsec/security-association.js';
import { reportBrokenInputs } from './broken-inputs.js';
import { CliError, ExitCode } from './exit-code.js';
import { addIpsecOptions, type IpsecOptions, readIpsecOptions, requireOneStdin } from './ipsec-options.js';
import { parseWorkers } from './model-options.js';
import { cannotWrite, StagedOutput, writeOutputFile } from './output-file.js';
import { collectPort } from './port-option.js';
import { ProgressLine } from './progress-line.js';
import { requireOtherFiles, writePictures, writeReport } from './report-files.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Without keys, sizes inside ESP follow from the packet lengths: the report marks
them ~ (inferred) or ± (best estimate). With keys they are measured, and every
ICV is checked.

Examples:
  $ tare analyze migration.pcapng
  $ tare analyze part1.pcap.gz part2.pcap.gz --json > summary.json
  $ tcpdump -i eth1 -w - | tare analyze -
  $ ip xfrm state | tare analyze migration.pcap --keys -
  $ tare analyze migration.pcap --esp aes128gcm16 --ah sha256
  $ tare analyze late.pcap --migration-port 49152
  $ tare analyze migration.pcap --fail-on high
  $ tare analyze migration.pcap --html report.html --png pictures/
  $ tare analyze migration.pcap --keys sa.xfrm --write-esp-sa esp_sa`;

interface AnalyzeOptions extends IpsecOptions {
  readonly json?: boolean;
  readonly html?: string;
  readonly png?: string;
  readonly writeDecrypted?: string;
  readonly writeEspSa?: string;
  readonly migrationPort?: number[];
  readonly failOn?: Severity;
  readonly workers: number;
  readonly progress: boolean;
}

/** `tare analyze`: what is on the wire, how it is protected, and what that costs. */
export function defineAnalyze(program: Command): void {
  const command = program
    .command('analyze')
    .summary('report what IPsec costs in a capture')
    .description('Reports how traffic in captures is protected and where every byte of it goes.')
    .argument('<file...>', 'pcap or pcapng, gzip or not; - for stdin');
  addIpsecOptions(command)
    .option('--json', 'print JSON (tare.analysis/1, see docs/FORMATS.md)')
    .option('--html <out>', 'write a report with charts, one file')
    .option('--png <folder>', 'write the charts as pictures')
    .option('--write-decrypted <out.pcapng>', 'write the packets with ESP opened; needs --keys')
    .option('--write-esp-sa <out>', "write the keys as Wireshark's esp_sa; needs --keys")
    .option(
      '--migration-port <port>',
      'where a migration goes that had begun before the capture; repeatable',
      collectPort,
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 if there is a finding this severe').choices(SEVERITIES),
    )
    .option('--workers <n>', 'threads to spread the work over', parseWorkers, availableParallelism())
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runAnalyze);
}

async function runAnalyze(paths: string[], options: AnalyzeOptions): Promise<void> {
  requireOneStdin([...paths, ...(options.keys ?? [])]);
  requireSensibleOutputs(paths, options);
  const knowledge = await readIpsecOptions(options);
  if (options.writeEspSa !== undefined) await writeEspSa(options.writeEspSa, knowledge.associations);

  const { analyzeFiles } = await import('../pipeline/analyze-files.js');
  const progress = new ProgressLine(process.stderr, options.progress);
  const summary = await analyzeFiles({
    paths,
    ...knowledge,
    migrationPorts: options.migrationPort ?? [],
    workers: options.workers,
    onProgress: (state) => progress.update(state),
  }).finally(() => progress.clear());

  await writeReports(summary, options);
  await printSummary(summary, options);
  const readable = summary.inputs.filter(({ format }) => format !== null).map(({ path }) => path);
  if (options.writeDecrypted !== undefined && readable.length > 0) {
    await writeDecryptedCopy(readable, knowledge, options.writeDecrypted);
  }
  reportBrokenInputs(summary.inputs);
  if (options.failOn !== undefined) failOn(options.failOn, summary);
}

/** A finding counts for more than an input that broke off. */
function failOn(threshold: Severity, { findings }: AnalysisSummary): void {
  const worst = findings.find(({ severity }) => isAtLeast(severity, threshold));
  if (worst === undefined) return;
  printMessage(`--fail-on ${threshold}: there is a finding of severity ${worst.severity}, ${worst.id}`);
  process.exitCode = ExitCode.failOn;
}

async function writeReports(summary: AnalysisSummary, { html, png }: AnalyzeOptions): Promise<void> {
  if (html !== undefined) {
    const { renderAnalysisHtml } = await import('../report/html/render-analysis-html.js');
    writeReport(html, renderAnalysisHtml(summary));
  }
  if (png !== undefined) {
    const { renderAnalysisPngs } = await import('../report/png/render-report-pngs.js');
    await writePictures(png, () => renderAnalysisPngs(summary));
  }
}

async function printSummary(summary: AnalysisSummary, options: AnalyzeOptions): Promise<void> {
  if (options.json) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson(summary));
  }
  const { renderAnalysis } = await import('../report/analysis/render-analysis.js');
  const width = reportWidth(process.stdout, process.env);
  return writeOut(renderAnalysis(summary, { width, color: wantsColor(process.stdout, process.env) }));
}

/** @throws CliError (usage) */
function requireSensibleOutputs(paths: readonly string[], options: AnalyzeOptions): void {
  const secrets = { '--write-decrypted': options.writeDecrypted, '--write-esp-sa': options.writeEspSa };
  for (const [option, output] of Object.entries(secrets)) {
    if (output !== undefined && options.keys === undefined) {
      throw new CliError(ExitCode.usage, `${option} needs the keys: give --keys FILE`);
    }
  }
  const inputs = [...paths, ...(options.keys ?? [])];
  requireOtherFiles({ ...secrets, '--html': options.html, '--png': options.png }, inputs);
  if (options.writeDecrypted !== undefined && paths.includes('-')) {
    throw new CliError(ExitCode.usage, '--write-decrypted reads the capture twice: give a file, not -');
  }
}

async function writeEspSa(path: string, associations: readonly SecurityAssociation[]): Promise<void> {
  const { renderEspSa } = await import('../ipsec/import/render-esp-sa.js');
  const { text, skipped } = renderEspSa(associations);
  writeOutputFile(path, text, { secret: true });
  for (const { spi, why } of skipped) {
    printMessage(`caution: --write-esp-sa: SPI 0x${spi.toString(16).padStart(8, '0')} left out: ${why}`);
  }
}

async function writeDecryptedCopy(
  paths: readonly string[],
  knowledge: IpsecKnowledge,
  output: string,
): Promise<void> {
  const { writeDecrypted } = await import('../pipeline/write-decrypted.js');
  const staged = new StagedOutput(output);
  try {
    const { written, opened, fragmentsLeftOut } = await writeDecrypted(paths, knowledge, staged.path);
    staged.commit();
    const rest =
      fragmentsLeftOut > 0 ? `, ${fragmentsLeftOut} fragments of incomplete datagrams left out` : '';
    printMessage(`${output}: ${written} packets written, ${opened} of them opened${rest}`);
  } catch (error) {
    throw error instanceof CliError ? error : cannotWrite(output, error);
  } finally {
    staged.discard();
  }
}
