import type { Command } from 'commander';
import type { NetworkInterface } from '../capture/live/native-addon.js';
import type { CaptureOptions } from './capture-options.js';
import { CliError, ExitCode } from './exit-code.js';
import { addIpsecOptions, readIpsecOptions } from './ipsec-options.js';
import { collectPort } from './port-option.js';
import { reportWidth, wantsColor, writeOut } from './terminal.js';

const EXAMPLES = `
Ctrl-C ends with the report of tare analyze. The right to capture is given up
once the interface is open: from root to the user who called sudo, otherwise to
nobody; --user names another.

Examples:
  $ sudo tare capture -i eth1
  $ sudo tare capture -i eth1 -f 'host 10.0.0.2 and (esp or ah)' --keys sa.xfrm
  $ sudo tare capture -i eth1 -w migration.pcapng --duration 10min
  $ sudo tare capture -i any -w all.pcapng --ring size=100MB,files=5
  $ sudo tare capture -i eth1 --metrics 127.0.0.1:9464
  $ tare capture --list`;

/** `tare capture`: what `tare analyze` says of a file, said of an interface while it happens. */
export function defineCapture(program: Command): void {
  const command = program
    .command('capture')
    .summary('watch an interface: what IPsec costs there, and migrations as they happen')
    .description('Captures on an interface and analyses what comes, until Ctrl-C.')
    .showHelpAfterError('(--help shows what there is; a filter goes behind -f, in quotes)')
    .option('-i, --interface <nic>', 'where to capture; any: on all, a packet once for each it passes')
    .option('--list', 'list the interfaces')
    .option('-f, --filter <filter>', "packets to take, in tcpdump's language")
    .option('-w, --write <file>', 'write the packets to a file too, pcapng')
    .option('--ring <limits>', 'write a ring of files: size=100MB,files=5')
    .option('--duration <time>', 'end after so long: 10min')
    .option('-c, --count <n>', 'end after so many packets')
    .option('-s, --snaplen <bytes>', 'bytes to keep of each packet', '262144')
    .option('--no-promiscuous', 'only packets for this machine')
    .option('-B, --buffer <size>', 'where the kernel keeps packets until they are read', '32MiB')
    .option('--user <name>', 'whom to go on as once the interface is open; root: keep all rights');
  addIpsecOptions(command)
    .option(
      '--migration-port <port>',
      'where a migration goes that has begun already; repeatable',
      collectPort,
    )
    .option('--json', 'print JSON: how things stand each second (tare.live/1), then the report')
    .option('--metrics <address:port>', 'serve metrics for Prometheus')
    .addHelpText('after', EXAMPLES)
    .action(runCapture);
}

async function runCapture(options: CaptureOptions): Promise<void> {
  const { listInterfaces } = await import('../capture/live/live-source.js');
  const { explainingCapture } = await import('./capture-errors.js');
  if (options.list) return printInterfaces(explainingCapture(listInterfaces), options.json === true);
  if (options.interface === undefined) {
    const names = explainingCapture(listInterfaces).map(({ name }) => name);
    throw new CliError(ExitCode.usage, `name an interface with -i; there are: ${names.join(', ')}`);
  }
  const { captureSettings } = await import('./capture-options.js');
  const settings = captureSettings(options, options.interface);
  const { requireOtherFiles } = await import('./report-files.js');
  requireOtherFiles({ '-w': settings.ring === null ? options.write : undefined }, options.keys ?? []);
  // While we may still read them.
  const knowledge = await readIpsecOptions(options);
  const { watchInterface } = await import('./watch-interface.js');
  await watchInterface(settings, knowledge, options);
}

async function printInterfaces(interfaces: readonly NetworkInterface[], asJson: boolean): Promise<void> {
  if (asJson) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson({ schema: 'tare.interfaces/1', interfaces }));
  }
  const { escapeTerminal } = await import('../report/text/escape-terminal.js');
  const { createTextStyle } = await import('../report/text/text-style.js');
  const { renderTable } = await import('../report/text/table.js');
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  const rows = interfaces.map(({ name, description, isUp, isRunning }) => [
    escapeTerminal(name),
    isRunning ? style.good('running') : isUp ? 'up' : style.faint('down'),
    escapeTerminal(description),
  ]);
  const columns = [{ title: 'interface' }, { title: '' }, { title: 'what', minWidth: 12 }];
  const width = reportWidth(process.stdout, process.env);
  return writeOut(`${renderTable(columns, rows, { width, style }).join('\n')}\n`);
}
