import type {
  AnalysisSummary,
  FlowSummary,
  InputSummary,
  PacketsAndBytes,
  ProtectionClass,
  SecurityAssociationSummary,
} from '../../analysis/analysis-summary.js';
import { markCertainty } from '../analysis/certainty-mark.js';
import { LAYER_NAMES, LAYER_ORDER } from '../chart/layer-style.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBps, formatBytes, formatCount, formatCounted, formatShare } from '../text/format-quantity.js';
import type { Cell, ReportColumn, ReportTable } from './report-page.js';

/** Longer tables are of no use on paper or in a meeting; JSON has all. */
const MAX_ROWS = 200;

export const PROTECTION_NAMES: Readonly<Record<ProtectionClass, string>> = {
  ahEsp: 'AH and ESP',
  esp: 'ESP',
  ah: 'AH: authenticated, readable',
  clear: 'In the clear',
  ike: 'IKE',
  notIp: 'Not IP',
};

export function protectionTable({ protection, wire }: AnalysisSummary): ReportTable {
  const classes = Object.keys(PROTECTION_NAMES) as ProtectionClass[];
  return {
    caption: 'Bytes by protection',
    columns: columns('Protection', '#Bytes', '#Share', '#Packets'),
    rows: classes
      .filter((kind) => protection[kind].packets > 0)
      .map((kind) => {
        const { packets, bytes } = protection[kind];
        return [PROTECTION_NAMES[kind], byteCell(bytes), shareCell(bytes, wire.bytes), countCell(packets)];
      }),
  };
}

export function layerTable({ bytes, wire }: AnalysisSummary): ReportTable {
  const layers = LAYER_ORDER.filter((layer) => bytes[layer].bytes > 0 || (bytes[layer].max ?? 0) > 0);
  const hasLimits = layers.some((layer) => bytes[layer].certainty === 'bounded');
  return {
    caption: 'Bytes by owner',
    columns: columns(
      'Owner',
      '#Bytes',
      '#Share',
      'Certainty',
      ...(hasLimits ? ['#At least', '#At most'] : []),
    ),
    rows: layers.map((layer) => {
      const { bytes: count, certainty, min, max } = bytes[layer];
      const row = [LAYER_NAMES[layer], countCell(count), shareCell(count, wire.bytes), certainty];
      return hasLimits ? [...row, countCell(min ?? count), countCell(max ?? count)] : row;
    }),
  };
}

export function associationTable(associations: readonly SecurityAssociationSummary[]): ReportTable {
  return cut({
    caption: 'Each of them, most bytes first',
    columns: columns(
      'SPI',
      'From',
      'To',
      'Mode',
      'Suite',
      '#Packets',
      '#Bytes',
      '#Rate',
      '#Overhead',
      '#Of its bytes',
      '#Missing',
      '#Twice',
      '#Late',
      'ICV',
    ),
    rows: associations.toSorted((a, b) => b.bytes - a.bytes).map(associationRow),
  });
}

function associationRow(sa: SecurityAssociationSummary): Cell[] {
  const { suite, sequence } = sa;
  const name = suite.name === null ? 'unknown' : markCertainty(escapeTerminal(suite.name), suite.certainty);
  return [
    `${sa.protocol.toUpperCase()} ${escapeTerminal(sa.spi)}`,
    escapeTerminal(sa.source),
    escapeTerminal(sa.destination),
    sa.mode + (sa.udpEncap ? ' in UDP' : ''),
    name,
    countCell(sa.packets),
    byteCell(sa.bytes),
    { text: sa.rateBps > 0 ? formatBps(sa.rateBps) : '-', sort: sa.rateBps },
    { text: markCertainty(formatBytes(sa.overheadBytes), sa.overheadCertainty), sort: sa.overheadBytes },
    shareCell(sa.overheadBytes, sa.bytes),
    countCell(sequence.missing),
    countCell(sequence.duplicate),
    countCell(sequence.reordered),
    describeIntegrity(sa),
  ];
}

function describeIntegrity({
  integrity: { verified, failed, unchecked },
}: SecurityAssociationSummary): string {
  const parts = [
    failed > 0 ? `${formatCount(failed)} WRONG` : '',
    verified > 0 ? `${formatCount(verified)} verified` : '',
    unchecked > 0 && verified + failed > 0 ? `${formatCount(unchecked)} unchecked` : '',
  ].filter((part) => part !== '');
  return parts.join(', ') || 'unchecked';
}

export function flowTable(flows: readonly FlowSummary[], others: PacketsAndBytes | null): ReportTable {
  const table = cut({
    caption: 'Those with most bytes first',
    columns: columns(
      'Protocol',
      'From',
      'To',
      'Protection',
      '#Bytes',
      '#Packets',
      '#Wire rate',
      '#Goodput',
      '#MSS used',
      '#MSS announced',
      '#Sent again',
    ),
    rows: flows.toSorted((a, b) => b.bytes - a.bytes).map(flowRow),
  });
  if (others === null) return table;
  const rest = `Too many flows to tell apart: ${formatBytes(others.bytes)} in ${formatCounted(others.packets, 'packet')} more.`;
  return { ...table, note: [table.note, rest].filter((note) => note !== undefined).join(' ') };
}

function flowRow(flow: FlowSummary): Cell[] {
  return [
    escapeTerminal(flow.protocol),
    endpoint(flow.source, flow.sourcePort),
    endpoint(flow.destination, flow.destinationPort),
    PROTECTION_NAMES[flow.protection] ?? '',
    byteCell(flow.bytes),
    countCell(flow.packets),
    { text: flow.wireBps > 0 ? formatBps(flow.wireBps) : '-', sort: flow.wireBps },
    { text: flow.goodputBps > 0 ? formatBps(flow.goodputBps) : '-', sort: flow.goodputBps },
    optionalCell(flow.mss.used),
    optionalCell(flow.mss.announced),
    countCell(flow.retransmissions),
  ];
}

export function inputTable(inputs: readonly InputSummary[]): ReportTable {
  return cut({
    caption: 'Captures read',
    columns: columns('File', 'Format', 'Link types', '#Frames', '#MTU', 'Trouble'),
    rows: inputs.map((input) => [
      escapeTerminal(input.path),
      input.format === null ? 'unknown' : input.format + (input.compressed ? ', gzip' : ''),
      input.linkTypes.map(escapeTerminal).join(', '),
      countCell(input.frames),
      { text: markCertainty(`${input.mtu.bytes}`, input.mtu.certainty), sort: input.mtu.bytes },
      describeTrouble(input),
    ]),
  });
}

function describeTrouble({ error, reportedDrops }: InputSummary): string {
  const drops =
    (reportedDrops ?? 0) > 0 ? `${formatCounted(reportedDrops ?? 0, 'packet')} dropped by the capture` : '';
  const broken =
    error === null ? '' : `broken at byte ${formatCount(error.offset)}: ${escapeTerminal(error.message)}`;
  return [drops, broken].filter((part) => part !== '').join('; ');
}

export function endpoint(address: string, port: number | null): string {
  const safe = escapeTerminal(address);
  if (port === null) return safe;
  return address.includes(':') ? `[${safe}]:${port}` : `${safe}:${port}`;
}

/** `#` before a title: a column of numbers. */
export function columns(...titles: readonly string[]): ReportColumn[] {
  return titles.map((title) =>
    title.startsWith('#') ? { title: title.slice(1), align: 'right' } : { title },
  );
}

export function byteCell(bytes: number): Cell {
  return { text: formatBytes(bytes), sort: bytes };
}

export function countCell(count: number): Cell {
  return { text: formatCount(count), sort: count };
}

export function shareCell(part: number, whole: number): Cell {
  return { text: formatShare(part, whole), sort: whole === 0 ? 0 : part / whole };
}

function optionalCell(count: number | null): Cell {
  return count === null ? '' : countCell(count);
}

function cut(table: ReportTable): ReportTable {
  if (table.rows.length <= MAX_ROWS) return table;
  const note = `The first ${MAX_ROWS} of ${formatCount(table.rows.length)}; --json has all.`;
  return { ...table, rows: table.rows.slice(0, MAX_ROWS), note };
}
