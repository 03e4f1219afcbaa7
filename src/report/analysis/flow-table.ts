import type { FlowSummary, PacketsAndBytes } from '../../analysis/analysis-summary.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBpsPair, formatBytes, formatCount, formatCounted } from '../text/format-quantity.js';
import { type ReportContext, renderRest } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';

const MAX_ROWS = 5;

const COLUMNS: readonly TableColumn[] = [
  { title: 'flow' },
  { title: 'source -> destination', minWidth: 20 },
  { title: 'bytes', align: 'right' },
  { title: 'goodput/wire', align: 'right' },
  { title: 'MSS', align: 'right' },
  { title: 'resent', align: 'right' },
  { title: 'packets', align: 'right', dispensable: 3 },
  { title: 'payload', align: 'right', dispensable: 4 },
  { title: 'resent bytes', align: 'right', dispensable: 5 },
  { title: 'protection', dispensable: 2 },
];

/** The flows with most bytes. MSS is shown as announced/used, of the side that sends. */
export function renderFlows(
  flows: readonly FlowSummary[],
  otherFlows: PacketsAndBytes | null,
  context: ReportContext,
): string[] {
  if (flows.length === 0) return [];
  const shown = flows.toSorted((a, b) => b.bytes - a.bytes).slice(0, MAX_ROWS);
  const rows = shown.map(flowRow);
  return [
    ...renderTable(COLUMNS, rows, context),
    ...renderRest(flows.length, shown.length, context),
    ...renderOthers(otherFlows, context),
  ];
}

function renderOthers(others: PacketsAndBytes | null, { style }: ReportContext): string[] {
  if (others === null) return [];
  const text = `  too many flows to tell apart: ${formatBytes(others.bytes)} in ${formatCounted(others.packets, 'packet')}`;
  return [style.caution(text)];
}

function flowRow(flow: FlowSummary): string[] {
  const isTcp = flow.protocol === 'tcp';
  return [
    escapeTerminal(flow.protocol),
    `${endpoint(flow.source, flow.sourcePort)} -> ${endpoint(flow.destination, flow.destinationPort)}`,
    formatBytes(flow.bytes),
    flow.wireBps > 0 ? formatBpsPair(flow.goodputBps, flow.wireBps) : '-',
    isTcp ? `${flow.mss.announced ?? '?'}/${flow.mss.used ?? '?'}` : '',
    isTcp ? formatCount(flow.retransmissions) : '',
    formatCount(flow.packets),
    formatBytes(flow.payloadBytes),
    isTcp ? formatBytes(flow.retransmittedBytes) : '',
    flow.protection,
  ];
}

function endpoint(address: string, port: number | null): string {
  const safe = escapeTerminal(address);
  if (port === null) return safe;
  return address.includes(':') ? `[${safe}]:${port}` : `${safe}:${port}`;
}
