import { type Command, Option } from 'commander';
import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import type { PlanResult } from '../plan/plan-result.js';
import type { PlanSettings } from '../plan/plan-settings.js';
import type { ObservedTraffic } from '../plan/what-if-report.js';
import { reportBrokenInputs } from './broken-inputs.js';
import { CliError, ExitCode } from './exit-code.js';
import { collect, KEYS_OF_CAPTURES, requireOneStdin } from './ipsec-options.js';
import type { PlanOptions } from './plan-options.js';
import { ProgressLine } from './progress-line.js';
import { requireOtherFiles, writePictures, writeReport } from './report-files.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Without --esp and --ah: aes128gcm16. "tare suites" lists the names. Calculated
for TCP with timestamps on Linux; --mss auto is what Linux derives from suite,
mode and MTU by itself. An MSS counts payload: 1448 is announced as 1460.

Examples:
  $ tare plan                              AES-GCM in transport mode, MTU 1500
  $ tare plan --esp aes256-sha256 --mode tunnel --encap --link 10Gbit
  $ tare plan --compare all                every suite, fewest bytes first
  $ tare plan --ah sha256 --mtu 1280..9000:20 --csv > mtus.csv
  $ tare plan --esp aes128-sha1 --mss 1300..1420     which MSS wastes padding
  $ tare plan --device eth1 --destination 10.0.0.2   with commands to paste
  $ tare plan --html plan.html --png pictures/ --compare aes256-sha256,ah:sha256

What a recorded migration would have cost instead:
  $ tare plan --from migration.pcap --keys sa.xfrm --mtu 1500,9000`;

/** `tare plan`: what an MTU, an MSS, a suite and a mode will cost, before anything is set up. */
export function definePlan(program: Command): void {
  program
    .command('plan')
    .summary('calculate what an MTU, MSS, suite and mode cost')
    .description('Calculates what IPsec will cost, finds the best MTU and MSS, and says how to set them.')
    .option('--esp <suite>', 'ESP suite, e.g. aes256-sha256')
    .option('--ah <algorithm>', 'AH algorithm, e.g. sha256; around ESP if both are given')
    .addOption(
      new Option('--mode <mode>', 'of IPsec').choices(['transport', 'tunnel', 'beet']).default('transport'),
    )
    .option('--encap', 'ESP in UDP (NAT traversal)')
    .option('--esn', 'extended sequence numbers')
    .option('--align4', 'AH on IPv4 padded to 4 bytes, as in the RFC; Linux pads to 8')
    .option('--ipv6', 'IPv6 instead of IPv4')
    .option('--mtu <bytes>', 'of the link: 1500, 1500,9000 or 1280..9000:20 (default: 1500)')
    .option('--mss <bytes>', 'TCP payload of a full segment: auto, 1400 or 1300..1400 (default: auto)')
    .option('--bytes <size>', 'what is sent: 400MB, 4GiB (default: 4GiB, with --from what it carried)')
    .option('--link <rate>', 'of the link, for times: 10Gbit, 2.5Gbit/s')
    .option('--compare <suites>', 'ESP suites and ah:ALGORITHMs, or all; separated by commas')
    .option('--from <file...>', 'captures: take the flows recorded there; - for stdin')
    .option('--keys <file>', KEYS_OF_CAPTURES, collect)
    .option('--device <name>', 'network device in the advice (default: eth0)')
    .option('--destination <address>', 'other host or network in the advice (default: a stand-in)')
    .option('--gateway <address>', 'next router in the advice, if the destination is behind one')
    .option('--json', 'print JSON (tare.plan/1, see docs/FORMATS.md)')
    .option('--csv', 'print a line for each combination')
    .option('--html <out>', 'write a report with charts, one file')
    .option('--png <folder>', 'write the charts as pictures')
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runPlan);
}

async function runPlan(options: PlanOptions): Promise<void> {
  const { planSettings } = await import('./plan-options.js');
  const { from, html, png } = options;
  // Wrong usage is told before a long capture is read.
  const preliminary = planSettings(options, null);
  const inputs = [...(from ?? []), ...(options.keys ?? [])];
  requireOneStdin(inputs);
  requireOtherFiles({ '--html': html, '--png': png }, inputs);
  if (from === undefined) return print(await calculate(preliminary, null), options);
  const { traffic, summary } = await observe(from, options);
  if (traffic.captured.packets === 0) await refuseEmpty(summary);
  const { payloadBytesOf } = await import('../plan/what-if-report.js');
  const payloadBytes = payloadBytesOf(traffic);
  const settings = planSettings(options, payloadBytes || null);
  const result = await calculate(settings, { paths: from, traffic });
  if (payloadBytes === 0 && options.bytes === undefined) await cautionAboutPayload(result);
  await print(result, options);
  reportBrokenInputs(summary.inputs);
}

/** @throws CliError (input): nothing was recorded that another MTU or suite could be tried on */
async function refuseEmpty({ inputs, frames }: AnalysisSummary): Promise<never> {
  const { formatCounted } = await import('../report/text/format-quantity.js');
  reportBrokenInputs(inputs);
  const names = inputs.map(({ path }) => (path === '-' ? 'stdin' : path)).join(', ');
  throw new CliError(
    ExitCode.input,
    frames.total === 0
      ? `${names}: no packets in it: record while the migration runs, or plan without --from`
      : `${names}: ${formatCounted(frames.total, 'frame')}, but none was on the wire as it was recorded (decapsulated copies, ` +
          'super-frames of offloading): record on the other host, or with "ethtool -K DEVICE tso off gso off gro off"',
  );
}

/** What is planned beside the recorded traffic needs an amount. */
async function cautionAboutPayload({ settings }: PlanResult): Promise<void> {
  const { formatBytes } = await import('../report/text/format-quantity.js');
  printMessage(
    'caution: nothing recorded could be cut into segments anew, so the recorded traffic stays as it is; what is planned ' +
      `beside it is for ${formatBytes(settings.payloadBytes)}: give --bytes`,
  );
}

async function observe(
  paths: string[],
  options: PlanOptions,
): Promise<{ traffic: ObservedTraffic; summary: AnalysisSummary }> {
  const { readKeyFiles } = await import('./key-files.js');
  const associations = await readKeyFiles(options.keys ?? []);
  const { observeFiles } = await import('../pipeline/observe-files.js');
  const progress = new ProgressLine(process.stderr, options.progress);
  try {
    return await observeFiles({
      paths,
      associations,
      assumedEsp: null,
      assumedAh: null,
      onProgress: (state) => progress.update(state),
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'CaptureOpenError') throw error;
    throw new CliError(ExitCode.input, error.message, { cause: error });
  } finally {
    progress.clear();
  }
}

/** What the calculation refuses is what was asked: an MTU with no room inside, a device that is no name. */
async function calculate(
  settings: PlanSettings,
  observed: { paths: readonly string[]; traffic: ObservedTraffic } | null,
): Promise<PlanResult> {
  const { calculatePlan } = await import('../plan/plan-result.js');
  const { reportWhatIf } = await import('../plan/what-if-report.js');
  try {
    const whatIf = observed === null ? null : reportWhatIf(observed.paths, observed.traffic, settings);
    return calculatePlan(settings, whatIf);
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(ExitCode.usage, error.message, { cause: error });
    throw error;
  }
}

async function print(result: PlanResult, options: PlanOptions): Promise<void> {
  if (options.html !== undefined) {
    const { planPage } = await import('../report/plan/render-plan-page.js');
    const { renderHtml } = await import('../report/html/render-html.js');
    writeReport(options.html, renderHtml(planPage(result)));
  }
  if (options.png !== undefined) {
    const { planReport } = await import('../report/plan/render-plan-page.js');
    const { renderPlanPngs } = await import('../report/png/render-report-pngs.js');
    await writePictures(options.png, () => renderPlanPngs(planReport(result)));
  }
  await writeOut(await render(result, options));
}

async function render(result: PlanResult, options: PlanOptions): Promise<string> {
  if (options.json) {
    const { planJson } = await import('../report/plan/render-plan-json.js');
    const { renderJson } = await import('../report/render-json.js');
    return renderJson(planJson(result));
  }
  if (options.csv) {
    const { renderPlanCsv } = await import('../report/plan/render-plan-csv.js');
    return renderPlanCsv(result);
  }
  const { renderPlan } = await import('../report/plan/render-plan.js');
  const width = reportWidth(process.stdout, process.env);
  return renderPlan(result, { width, color: wantsColor(process.stdout, process.env) });
}
