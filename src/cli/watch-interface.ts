import { accessSync, constants, fchownSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AnalysisSummary } from '../analysis/analysis-summary.js';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import { linkTypeName } from '../capture/link-type-name.js';
import { type CaptureUser, chooseUser, giveUpRights, NOBODY } from '../capture/live/give-up-rights.js';
import { LiveSource } from '../capture/live/live-source.js';
import { LiveWriter } from '../capture/live/live-writer.js';
import { LiveMonitor } from '../monitor/live-monitor.js';
import { formatCount } from '../report/format-quantity.js';
import { renderJsonLine } from '../report/render-json.js';
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
  skipped: number;
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
  // Ctrl-C is the ordinary end: it is not passed on.
  const interruption = new Interruption(() => source.stop());
  let metrics: MetricsServer | null = null;
  try {
    const writer = explainingCapture(() => openWriter(settings, source, user));
    if (settings.metrics !== null) {
      metrics = await startMetrics(settings.metrics.address, settings.metrics.port);
    }
    announce(settings, source, user, metrics);
    const monitor = createMonitor(settings, knowledge, options);
    const screen = createScreen(settings, options);
    const watch: Watch = { source, writer, monitor, skipped: 0, screen, metrics };
    const failure = await capture(watch, settings).finally(() => screen.close());
    await report(watch, settings, failure, options);
  } catch (error) {
    interruption.release();
    throw error;
  } finally {
    source.close();
    await metrics?.close();
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
  // Nobody need own a file, unless it is to be removed when the ring comes round.
  if (user !== null && (user !== NOBODY || ring !== null)) {
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
      // Before anything in it is decrypted.
      writer?.write(block, () => source.counts);
      if (writer !== null && source.backlog > MAX_BACKLOG) watch.skipped += block.count;
      else watch.monitor.add(block);
    }
    writer?.close(source.counts);
    return source.endMessage === '' ? null : `${settings.device}: ${source.endMessage}`;
  } catch (error) {
    const explained = explainCapture(error);
    if (explained instanceof CliError) return explained.message;
    throw error;
  } finally {
    clearInterval(ticks);
    if (end !== null) clearTimeout(end);
  }
}

function showSnapshot({ source, monitor, skipped, screen, metrics }: Watch): void {
  const { kernelDrops, interfaceDrops } = source.counts;
  const drops = { kernel: kernelDrops, interface: interfaceDrops, reader: skipped };
  const snapshot = monitor.snapshot(nowNs(), drops);
  screen.show(snapshot);
  metrics?.update(snapshot);
}

async function report(
  { source, writer, monitor, skipped }: Capture,
  { file, ring }: CaptureSettings,
  failure: string | null,
  options: CaptureOptions,
): Promise<void> {
  const { received, kernelDrops, interfaceDrops } = source.counts;
  const summary = monitor.finish({
    format: 'pcapng',
    linkTypes: [linkTypeName(source.linkType)],
    reportedDrops: kernelDrops + interfaceDrops + skipped,
    error: null,
  });
  await printSummary(summary, options.json === true);
  printMessage(
    `${formatCount(summary.frames.total + skipped)} packets captured, ${formatCount(received)} passed the filter, ` +
      `${formatCount(kernelDrops)} dropped by the kernel, ${formatCount(interfaceDrops)} by the interface`,
  );
  if (kernelDrops > 0) {
    printMessage(
      'caution: packets were lost: try --buffer 256MiB, --snaplen 128 or a filter that takes fewer',
    );
  }
  if (skipped > 0) {
    printMessage(
      `caution: ${formatCount(skipped)} packets were written but not analysed, as more came than could be: ` +
        'tare analyze reads them from what was written',
    );
  }
  if (writer !== null) {
    const where = ring === null ? file : `${writer.files.length} files up to ${writer.files.at(-1)}`;
    printMessage(`${formatCount(writer.packets)} packets written to ${where}`);
  }
  if (failure === null) return;
  printMessage(failure);
  process.exitCode = ExitCode.environment;
}

async function printSummary(summary: AnalysisSummary, asJson: boolean): Promise<void> {
  if (asJson) return writeOut(renderJsonLine(summary));
  const { renderAnalysis } = await import('../report/render-analysis.js');
  const width = reportWidth(process.stdout, process.env);
  return writeOut(renderAnalysis(summary, { width, color: wantsColor(process.stdout, process.env) }));
}
