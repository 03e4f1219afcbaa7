import type { AnalysisSummary, MigrationSummary } from '../analysis/analysis-summary.js';
import type { Ipsec, Scenario } from '../scenario/scenario.js';
import { reportBrokenInputs } from './broken-inputs.js';
import { CliError, ExitCode } from './exit-code.js';
import { requireOneStdin } from './ipsec-options.js';
import { readKeyFiles } from './key-files.js';
import { ProgressLine } from './progress-line.js';
import { printMessage } from './terminal.js';

/** Where a guest is to be learned from. */
export interface RecordedSource {
  readonly from: readonly string[];
  readonly keys?: readonly string[];
  readonly progress: boolean;
}

/**
 * A scenario with the guest, MTU, protection and channels of a recorded migration. What a capture does not tell (link rate,
 * round trips, max-bandwidth, processors) stays as it is in `base`; a message on stderr says so.
 * @throws CliError (input) if there is no migration to be read, or none from its beginning
 */
export async function recordedScenario(base: Scenario, source: RecordedSource): Promise<Scenario> {
  requireOneStdin([...source.from, ...(source.keys ?? [])]);
  const summary = await analyze(source);
  reportBrokenInputs(summary.inputs);
  const migration = largestMigration(summary, source);
  const { learnGuest } = await import('../model/learn/learn-guest.js');
  const guest = explained(() => learnGuest(migration));
  const { formatBytes, formatMemory, formatCounted } = await import('../report/text/format-quantity.js');
  const mtu = summary.inputs[0]!.mtu.bytes;
  const written = guest.workload.kind === 'trace' ? guest.workload.groups : [];
  const pages = written.reduce((sum, group) => sum + group.pages, 0);
  printMessage(
    `learned from ${source.from.join(', ')}: a guest of ${formatMemory(guest.memoryBytes)}, ${formatMemory(guest.filledBytes)} of it with content, ` +
      `${formatCounted(pages, 'page')} of which sent again; MTU ${mtu}; ${formatBytes(migration.streamBytes)} of stream.\n` +
      'The rest is assumed: link, round trips, max-bandwidth and processors are not in a capture (--link, --rtt, --max-bandwidth, --calibration).',
  );
  return {
    ...base,
    name: 'recorded',
    description: 'A guest learned from a recorded migration',
    guest,
    network: { ...base.network, mtu, family: familyOf(migration) },
    ipsec: protectionOf(migration, summary, base.ipsec),
    migration: { ...base.migration, multifdChannels: migration.channels },
  };
}

async function analyze({ from, keys, progress }: RecordedSource): Promise<AnalysisSummary> {
  const { analyzeFiles } = await import('../pipeline/analyze-files.js');
  const line = new ProgressLine(process.stderr, progress);
  return analyzeFiles({
    paths: from,
    associations: await readKeyFiles([...(keys ?? [])]),
    assumedEsp: null,
    assumedAh: null,
    workers: 1,
    onProgress: (state) => line.update(state),
  }).finally(() => line.clear());
}

function largestMigration(
  { migrations, protection }: AnalysisSummary,
  { from, keys }: RecordedSource,
): MigrationSummary {
  const [first, ...others] = migrations.toSorted((a, b) => b.streamBytes - a.streamBytes);
  if (first === undefined) {
    const hint =
      protection.esp.packets + protection.ahEsp.packets > 0 && keys === undefined
        ? 'what is in ESP can only be read with its keys: give --keys FILE'
        : 'it must hold a QEMU migration from its first packet on';
    throw new CliError(ExitCode.input, `no live migration to learn from in ${from.join(', ')}: ${hint}`);
  }
  if (others.length > 0) {
    printMessage(
      `caution: ${migrations.length} migrations are recorded; the one with the longest stream is taken`,
    );
  }
  return first;
}

function familyOf({ connections }: MigrationSummary): 'ipv4' | 'ipv6' {
  return connections[0]?.destination.includes(':') === true ? 'ipv6' : 'ipv4';
}

/** As it was recorded: suites and mode of the SAs from source to destination. */
function protectionOf(migration: MigrationSummary, summary: AnalysisSummary, base: Ipsec): Ipsec {
  const main = migration.connections[0]!;
  const associations = summary.securityAssociations.filter(
    ({ source, destination }) => source === main.source && destination === main.destination,
  );
  const used = migration.transport === 'clear' ? [] : associations;
  const esp = used.find(({ protocol }) => protocol === 'esp');
  const ah = used.find(({ protocol }) => protocol === 'ah');
  const mode = (esp ?? ah)?.mode;
  return {
    ...base,
    esp: esp?.suite.name ?? null,
    ah: ah?.suite.name ?? null,
    mode: mode === undefined || mode === 'unknown' ? 'transport' : mode,
    encap: esp?.udpEncap ?? false,
  };
}

function explained<Result>(learn: () => Result): Result {
  try {
    return learn();
  } catch (error) {
    if (error instanceof Error && error.name === 'ModelError') {
      throw new CliError(ExitCode.input, error.message, { cause: error });
    }
    throw error;
  }
}
