import { type Command, Option } from 'commander';
import type { IpsecKnowledge } from '../analysis/known-ipsec.js';
import type { CaptureSource } from '../capture/capture-source.js';
import type { IpsecOpener } from '../packet/ipsec-opener.js';
import type { PacketBatch } from '../packet/packet-batch.js';
import { CliError, ExitCode } from './exit-code.js';
import { addIpsecOptions, type IpsecOptions, readIpsecOptions, requireOneStdin } from './ipsec-options.js';
import type { PacketFormat } from './packet-format.js';
import { ALL_PACKETS, type PacketRange, parsePacketRange } from './packet-range.js';
import { ProgressLine } from './progress-line.js';
import { printMessage, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Bytes by layer: link ip udp (around ESP) ah esp iv pad trl (pad length, next
header) icv inner (IP in a tunnel) l4 (TCP, UDP, ICMP) payload other, closed
(ESP without key), frag (IP fragment). Each byte is in one column; together they
are the length on the wire.

Examples:
  $ tare packets migration.pcap --range 1-20
  $ tare packets migration.pcap --keys sa.xfrm | less -S
  $ tare packets migration.pcap.gz --csv > packets.csv
  $ tare packets migration.pcap --ndjson | jq 'select(.bytes.pad > 8)'`;

interface PacketsOptions extends IpsecOptions {
  readonly csv?: boolean;
  readonly ndjson?: boolean;
  readonly range: PacketRange;
  readonly progress: boolean;
}

/** `tare packets`: one line a packet, each of its bytes under its owner. */
export function definePackets(program: Command): void {
  const command = program
    .command('packets')
    .summary('list packets with the owner of every byte')
    .description('Lists the packets of a capture, one a line, with the bytes of each layer.')
    .argument('<file>', 'pcap or pcapng, gzip or not; - for stdin');
  addIpsecOptions(command)
    .addOption(new Option('--csv', 'print comma-separated values').conflicts('ndjson'))
    .option('--ndjson', 'print one JSON object a line')
    .addOption(
      new Option('--range <packets>', 'only these packet numbers: 100-200, 100- or 7')
        .argParser(parsePacketRange)
        .default(ALL_PACKETS, 'all'),
    )
    .option('--no-progress', 'no progress on stderr')
    .addHelpText('after', EXAMPLES)
    .action(runPackets);
}

async function runPackets(path: string, options: PacketsOptions): Promise<void> {
  requireOneStdin([path, ...(options.keys ?? [])]);
  const knowledge = await readIpsecOptions(options);
  const { PacketLister } = await import('./packet-lister.js');
  const lister = new PacketLister({
    range: options.range,
    assumedEsp: knowledge.assumedEsp,
    opener: await createOpener(knowledge),
    createFormat: await chooseFormat(options),
    write: writeOut,
  });
  const source = await openSource(path);
  const progress = new ProgressLine(process.stderr, options.progress && !process.stdout.isTTY);
  try {
    for await (const block of source) {
      await lister.list(block);
      const { bytesRead: bytesDone, sizeBytes: bytesTotal, framesRead: frames } = source;
      progress.update({ bytesDone, bytesTotal, frames });
      if (lister.isPastRange) break;
    }
    await lister.finish();
  } finally {
    progress.clear();
    source.close();
  }
  if (source.error === null) return;
  printMessage(`${source.path}: ${source.error.message}`);
  process.exitCode = ExitCode.input;
}

/** @throws CliError (input) */
async function openSource(path: string): Promise<CaptureSource> {
  const { openCapture } = await import('../capture/capture-source.js');
  const { CaptureOpenError } = await import('../capture/capture-open-error.js');
  try {
    return await openCapture(path);
  } catch (error) {
    if (!(error instanceof CaptureOpenError)) throw error;
    throw new CliError(ExitCode.input, error.message, { cause: error });
  }
}

async function createOpener(knowledge: IpsecKnowledge): Promise<IpsecOpener | null> {
  const { createSaTable } = await import('../analysis/known-ipsec.js');
  const { KeyedOpener } = await import('../ipsec/open/keyed-opener.js');
  const table = createSaTable(knowledge);
  return table.size === 0 ? null : new KeyedOpener(table);
}

async function chooseFormat(options: PacketsOptions): Promise<(batch: PacketBatch) => PacketFormat> {
  const { AlignedFormat, CsvFormat, NdjsonFormat } = await import('./packet-format.js');
  if (options.csv) return (batch) => new CsvFormat(batch);
  if (options.ndjson) return (batch) => new NdjsonFormat(batch);
  const { createTextStyle } = await import('../report/text/text-style.js');
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  return (batch) => new AlignedFormat(batch, style);
}
