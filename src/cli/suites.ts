import type { Command } from 'commander';
import { ahBytes, espSizes } from '../ipsec/encapsulation-size.js';
import type { AhSuite, EspSuite } from '../ipsec/suite-table.js';
import type { TableColumn } from '../report/text/table.js';
import { needlessNoProgress } from './progress-line.js';
import { reportWidth, wantsColor, writeOut } from './terminal.js';

/** What the overhead columns are computed for: about what a segment carries on a link of 1500 bytes. */
const SAMPLE_PAYLOAD_BYTES = 1400;

const EXAMPLES = `
Examples:
  $ tare suites                                    sizes on the wire, all suites
  $ tare suites --json | jq '.esp[].name'          the names that --esp takes`;

/** `tare suites`: the ESP suites and AH algorithms Tare knows, under the names that --esp and --ah take. */
export function defineSuites(program: Command): void {
  program
    .command('suites')
    .summary('list the ESP suites and AH algorithms, and what each adds to a packet')
    .description('Lists the ESP suites and AH algorithms, and what each adds to a packet.')
    .option('--json', 'print JSON (tare.suites/1, see docs/FORMATS.md)')
    .addOption(needlessNoProgress())
    .addHelpText('after', EXAMPLES)
    .action(runSuites);
}

interface SuitesOptions {
  readonly json?: boolean;
}

async function runSuites(options: SuitesOptions): Promise<void> {
  const { AH_SUITES, ESP_SUITES } = await import('../ipsec/suite-table.js');
  if (options.json) {
    const { renderJson } = await import('../report/render-json.js');
    return writeOut(renderJson(summariseSuites(ESP_SUITES, AH_SUITES)));
  }
  const { renderTable } = await import('../report/text/table.js');
  const { createTextStyle } = await import('../report/text/text-style.js');
  const { wrapText } = await import('../report/text/wrap-text.js');
  const style = createTextStyle(wantsColor(process.stdout, process.env));
  const width = reportWidth(process.stdout, process.env);
  const lines = [
    style.heading('ESP'),
    ...renderTable(ESP_COLUMNS, espRows(ESP_SUITES), { width, style }),
    '',
    style.heading('AH'),
    ...renderTable(AH_COLUMNS, ahRows(AH_SUITES), { width, style }),
    '',
    ...FOOTNOTES.flatMap((note) => wrapText(note, { width })).map(style.faint),
  ];
  return writeOut(`${lines.join('\n')}\n`);
}

const ESP_COLUMNS: TableColumn[] = [
  { title: 'name', minWidth: 20 },
  { title: 'IV', align: 'right' },
  { title: 'ICV', align: 'right' },
  { title: 'align', align: 'right' },
  { title: `adds to ${SAMPLE_PAYLOAD_BYTES}`, align: 'right' },
  { title: 'RFC' },
];

const AH_COLUMNS: TableColumn[] = [
  { title: 'name', minWidth: 20 },
  { title: 'IV', align: 'right' },
  { title: 'ICV', align: 'right' },
  { title: 'adds, IPv4', align: 'right' },
  { title: 'align4', align: 'right' },
  { title: 'IPv6', align: 'right' },
  { title: 'RFC' },
];

const FOOTNOTES = [
  'All sizes in bytes. ESP, transport mode: 8 (SPI, sequence number) + IV + padding + 2 + ICV around ' +
    `${SAMPLE_PAYLOAD_BYTES} bytes. Tunnel mode: + the outer IP header. NAT traversal: + 8 (UDP).`,
  'AH over IPv4: as Linux pads it (to 8), and with "flag align4" (RFC 4302).',
];

/** Key lengths that make no difference on the wire share a row: `aes{128,192,256}gcm16`. */
function espRows(suites: readonly EspSuite[]): string[][] {
  const rows = new Map<string, { names: string[]; suite: EspSuite }>();
  for (const suite of suites) {
    const family = suite.name.replace(/^(aes|camellia)\d{3}/, '$1*');
    const row = rows.get(family);
    if (row === undefined) rows.set(family, { names: [suite.name], suite });
    else row.names.push(suite.name);
  }
  return [...rows.values()].map(({ names, suite }) => [
    joinNames(names),
    `${suite.ivBytes}`,
    `${suite.icvBytes}`,
    `${suite.alignBytes}`,
    `${espOverheadBytes(suite)}`,
    suite.rfcs.join(', '),
  ]);
}

function joinNames(names: readonly string[]): string {
  const [first = ''] = names;
  if (names.length === 1) return first;
  const keyBits = names.map((name) => /\d{3}/.exec(name)?.[0] ?? '');
  return first.replace(/\d{3}/, `{${keyBits.join(',')}}`);
}

function ahRows(suites: readonly AhSuite[]): string[][] {
  return suites.map((suite) => [
    suite.name,
    `${suite.ivBytes}`,
    `${suite.icvBytes - suite.ivBytes}`,
    `${ahBytes(suite, 4)}`,
    `${ahBytes(suite, 4, true)}`,
    `${ahBytes(suite, 6)}`,
    suite.rfcs.join(', '),
  ]);
}

function espOverheadBytes(suite: EspSuite): number {
  return espSizes(suite, SAMPLE_PAYLOAD_BYTES).total - SAMPLE_PAYLOAD_BYTES;
}

function summariseSuites(esp: readonly EspSuite[], ah: readonly AhSuite[]): object {
  return {
    schema: 'tare.suites/1',
    samplePayloadBytes: SAMPLE_PAYLOAD_BYTES,
    esp: esp.map((suite) => ({
      name: suite.name,
      cipher: suite.cipher,
      keyBits: suite.keyBits,
      ivBytes: suite.ivBytes,
      icvBytes: suite.icvBytes,
      alignmentBytes: suite.alignBytes,
      integrity: suite.integrity,
      overheadBytes: espOverheadBytes(suite),
      rfcs: suite.rfcs,
    })),
    ah: ah.map((suite) => ({
      name: suite.name,
      integrity: suite.integrity,
      ivBytes: suite.ivBytes,
      icvBytes: suite.icvBytes,
      headerBytes: {
        ipv4: ahBytes(suite, 4),
        ipv4Align4: ahBytes(suite, 4, true),
        ipv6: ahBytes(suite, 6),
      },
      rfcs: suite.rfcs,
    })),
  };
}
