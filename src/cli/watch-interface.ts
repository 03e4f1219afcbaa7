import { accessSync, constants, fchownSync, fstatSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { linkTypeName } from '../capture/link-type-name.js';
import { type CaptureUser, chooseUser, giveUpRights, NOBODY } from '../capture/live/give-up-rights.js';
import type { LiveBlock } from '../capture/live/live-block.js';
import { LiveSource } from '../capture/live/live-source.js';
import { LiveWriter } from '../capture/live/live-writer.js';
import { LiveMonitor } from '../monitor/live-monitor.js';
import { renderJsonLine } from '../report/render-json.js';
import { formatCount, formatCounted } from '../report/text/format-quantity.js';
import { explainCapture, explainingCapture } from './capture-errors.js';
import type { CaptureOptions, CaptureSettings } from './capture-options.js';
import { CliError, ExitCode } from './exit-code.js';
import { Interruption } from './interruption.js';
import { LiveScreen } from './live-screen.js';
import { type MetricsServer, startMetrics } from './metrics-server.js';
import { printMessage, reportWidth, wantsColor, writeOut } from './terminal.js';

const SNAPSHOT_MS = 1000;
/** Behind by more of the blocks than this, packets are written and no longer analysed: what is in the file can be later. */
const MAX_BACKLOG = 0.5;

/** An open interface, and where its packets go. */
interface Capture {
  readonly source: LiveSource;
  readonly writer: LiveWriter | null;
  readonly monitor: LiveMonitor;
  /** Packets that were written and not analysed. */
  notAnalysed: number;
}

/** With those who are told how things stand. */
interface Watch extends Capture {
  readonly screen: LiveScreen;
  readonly metrics: MetricsServer | null;
}

/**
 * Captures until Ctrl-C or what the settings say, then reports.
 * @throws CliError if it cannot begin
 */
export async function watchInterface(
  settings: CaptureSettings,
  knowledge: IpsecKnowledge,
  options: CaptureOptions,
): Promise<void> {
  const user = explainingCapture(() => chooseUser(options.user));
  const source = explainingCapture(() => new LiveSource(settings));
  const stop = (): void => source.stop();
  // Ctrl-C is the ordinary end: it is not passed on.
  const interruption = new Interruption(stop);
  let metrics: MetricsServer | null = null;
  let writer: LiveWriter | null = null;
  const completeFile = (): void => complete(writer, source);
  // Whoever reads standard output may go away at any time, which ends the process.
  process.once('exit', completeFile);
  // Nor may the terminal be there until the end. (Node takes away what nohup sets.)
  process.once('SIGHUP', stop);
  try {
    if (settings.metrics !== null) {
      metrics = await startMetrics(settings.metrics.address, settings.metrics.port);
    }
    // Last, as it overwrites a file of that name.
    writer = explainingCapture(() => openWriter(settings, source, user));
    announce(settings, source, user, metrics);
    const monitor = createMonitor(settings, knowledge, options);
    const screen = createScreen(settings, options);
    const watch: Watch = { source, writer, monitor, notAnalysed: 0, screen, metrics };
    const failure = await capture(watch, settings).finally(() => screen.close());
    await report(watch, failure, options);
  } catch (error) {
    interruption.release();
    throw error;
  } finally {
    process.removeListener('SIGHUP', stop);
    process.removeListener('exit', completeFile);
    completeFile();
    source.close();
    await metrics?.close();
  }
}

/** Where the capture ended out of order: what is written is to be a whole file all the same. */
function complete(writer: LiveWriter | null, source: LiveSource): void {
  try {
    writer?.close(source.counts);
  } catch {
    // The records before are valid without their statistics.
  }
}

/** On the terminal, whichever stream that is; where there is none, lines go where they are not taken for the report. */
function createScreen({ device }: CaptureSettings, { json = false }: CaptureOptions): LiveScreen {
  const output = json || process.stdout.isTTY ? process.stdout : process.stderr;
  return new LiveScreen({ title: device, color: wantsColor(output, process.env), json, output });
}

/** Before rights are given up: the file may lie where only root may write. Later files of a ring must do without. */
function openWriter(
  settings: CaptureSettings,
  source: LiveSource,
  user: CaptureUser | null,
): LiveWriter | null {
  const { file, ring, device, filter, snapLength } = settings;
  if (file === null) return null;
  const writer = new LiveWriter(file, { device, filter, snapLength, linkType: source.linkType }, ring);
  // Nobody need own a file, unless it is to be removed when the ring comes round; /dev/null stays whose it is.
  if (user !== null && (user !== NOBODY || ring !== null) && fstatSync(writer.descriptor).isFile()) {
    fchownSync(writer.descriptor, user.uid, user.gid);
  }
  return writer;
}

function announce(
  { device, file, ring }: CaptureSettings,
  source: LiveSource,
  user: CaptureUser | null,
  metrics: MetricsServer | null,
): void {
  const rights = giveUpRights(user);
  if (ring !== null && file !== null) requireWritable(dirname(file), user);
  const stamps = source.hasNanoseconds ? 'nanoseconds' : 'microseconds';
  const parts = [`capturing on ${device} (${linkTypeName(source.linkType)}, ${stamps})`, rights];
  printMessage(parts.filter((part) => part !== '').join('; '));
  if (source.warning !== '') printMessage(`caution: ${source.warning}`);
  if (metrics !== null) {
    const whose = metrics.isPublic ? ', for everyone who reaches this machine' : '';
    printMessage(`metrics at ${metrics.url}${whose}`);
  }
}

/** @throws CliError (environment) */
function requireWritable(folder: string, user: CaptureUser | null): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const name = user?.name ?? 'this user';
    throw new CliError(
      ExitCode.environment,
      `--ring: ${name} may not create files in ${folder}, and rights are given up before the second file: ` +
        'choose a folder of theirs, or --user NAME of somebody who may, or --user root to keep all rights',
      { cause },
    );
  }
}

function createMonitor(
  { device, file, ring }: CaptureSettings,
  knowledge: IpsecKnowledge,
  { migrationPort = [] }: CaptureOptions,
): LiveMonitor {
  return new LiveMonitor({
    ...knowledge,
    path: file !== null && ring === null ? file : device,
    startNs: nowNs(),
    mtuBytes: mtuOf(device),
    migrationPorts: migrationPort,
  });
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** Null for what has none, such as `any`. */
function mtuOf(device: string): number | null {
  try {
    const bytes = Number(readFileSync(`/sys/class/net/${device}/mtu`, 'utf8'));
    return Number.isInteger(bytes) && bytes > 0 ? bytes : null;
  } catch {
    return null;
  }
}

/** @returns what ended it before its time; null if nothing did */
async function capture(watch: Watch, settings: CaptureSettings): Promise<string | null> {
  const { source, writer } = watch;
  const end = settings.durationMs === null ? null : setTimeout(() => source.stop(), settings.durationMs);
  const ticks = setInterval(() => showSnapshot(watch), SNAPSHOT_MS);
  try {
    for await (const block of source) {
      try {
        // Before anything in it is decrypted.
        writer?.write(block, () => source.counts);
      } finally {
        analyse(watch, block);
      }
    }
    writer?.close(source.counts);
    if (source.endMessage === '') return null;
    const kept = writer === null ? 'reported' : 'reported, and written';
    return `${settings.device}: ${source.endMessage}; what came before is ${kept}`;
  } catch (error) {
    const explained = explainCapture(error);
    if (explained instanceof CliError) return explained.message;
    throw error;
  } finally {
    clearInterval(ticks);
    if (end !== null) clearTimeout(end);
  }
}

function analyse(watch: Watch, block: LiveBlock): void {
  const { source, writer, monitor } = watch;
  if (writer !== null && source.backlog > MAX_BACKLOG) watch.notAnalysed += block.count;
  else monitor.add(block);
}

function showSnapshot({ source, monitor, notAnalysed, screen, metrics }: Watch): void {
  const { kernelDrops, interfaceDrops } = source.counts;
  const snapshot = monitor.snapshot(nowNs(), { kernel: kernelDrops, interface: interfaceDrops }, notAnalysed);
  screen.show(snapshot);
  metrics?.update(snapshot);
}

async function report(capture: Capture, failure: string | null, options: CaptureOptions): Promise<void> {
  const { source, monitor, notAnalysed } = capture;
  const { kernelDrops, interfaceDrops } = source.counts;
  const summary = monitor.finish({
    format: 'pcapng',
    linkTypes: [linkTypeName(source.linkType)],
    reportedDrops: kernelDrops + interfaceDrops,
    ...(notAnalysed > 0 && { notAnalysed }),
    error: null,
  });
  await printSummary(summary, options.json === true);
  for (const message of describeEnd(capture, summary.frames.total + notAnalysed)) {
    printMessage(message);
  }
  if (failure === null) return;
  printMessage(failure);
  process.exitCode = ExitCode.environment;
}

/** What became of the packets, as sentences. */
function describeEnd({ source, writer, notAnalysed }: Capture, captured: number): string[] {
  const { received, kernelDrops, interfaceDrops } = source.counts;
  const counts =
    `${formatCounted(captured, 'packet')} captured, ${formatCount(received)} passed the filter, ` +
    `${formatCount(kernelDrops)} dropped by the kernel, ${formatCount(interfaceDrops)} by the interface`;
  const remedy = 'try --buffer 256MiB, --snaplen 128 or a filter that takes fewer';
  const files = writer?.files ?? [];
  const where = files.length > 1 ? `${files.length} files up to ${files.at(-1)}` : files[0];
  return [
    counts,
    ...(kernelDrops > 0 ? [`caution: packets were lost: ${remedy}`] : []),
    ...(notAnalysed > 0
      ? [
          `caution: ${formatCounted(notAnalysed, 'packet')} written but not analysed, as more came than could be: ` +
            'tare analyze reads them from what was written',
        ]
      : []),
    ...(writer === null ? [] : [`${formatCounted(writer.packets, 'packet')} written to ${where}`]),
  ];
}

async function printSummary(summary: AnalysisSummary, asJson: boolean): Promise<void> {
  if (asJson) return writeOut(renderJsonLine(summary));
  const { renderAnalysis } = await import('../report/analysis/render-analysis.js');
  const width = reportWidth(process.stdout, process.env);
  return writeOut(renderAnalysis(summary, { width, color: wantsColor(process.stdout, process.env) }));
}
