import type { AnalysisSummary, MigrationSummary } from '../../analysis/analysis-summary.js';
import type { MigrationTransport } from '../../migration/migration-record.js';
import { migrationCharts } from '../chart/migration-charts.js';
import { escapeTerminal } from '../escape-terminal.js';
import { formatBps, formatBytes, formatCount, formatMemory, formatSeconds } from '../format-quantity.js';
import { type MigrationStage, stagesOf } from '../migration-stages.js';
import { judgeMigration } from '../migration-verdict.js';
import { byteCell, columns, countCell, endpoint, PROTECTION_NAMES } from './analysis-tables.js';
import type { Cell, LeadLine, ReportSection, ReportTable } from './report-page.js';

const MAX_SECTIONS = 8;
const MAX_PASSES = 200;
const MAX_CONNECTIONS = 40;
const MAX_DEVICES = 40;

/** The headlines, for the top of the page. */
export function migrationLead(summary: AnalysisSummary): LeadLine[] {
  return summary.migrations.slice(0, MAX_SECTIONS).map((migration) => {
    const { tone, headline, exposure } = judgeMigration(migration, summary);
    return { text: `${headline} ${exposure}`, tone };
  });
}

/** A section for each migration. */
export function migrationSections(summary: AnalysisSummary): ReportSection[] {
  const { migrations } = summary;
  const charts = new Map(migrationCharts(summary).map((chart) => [chart.id, chart]));
  return migrations.slice(0, MAX_SECTIONS).map((migration, i) => {
    const { headline, exposure, remarks } = judgeMigration(migration, summary);
    const chart = charts.get(i === 0 ? 'migration' : `migration-${i + 1}`);
    return {
      heading: migrations.length === 1 ? 'Live migration' : `Live migration ${i + 1} of ${migrations.length}`,
      text: [headline, exposure, ...remarks],
      ...(chart === undefined ? {} : { charts: [chart] }),
      tables: [
        stageTable(migration),
        connectionTable(migration),
        memoryTable(migration),
        hotPageTable(migration),
        deviceTable(migration),
      ].filter(({ rows }) => rows.length > 0),
    };
  });
}

function stageTable(migration: MigrationSummary): ReportTable {
  return {
    caption: 'Stages',
    columns: columns(
      'Stage',
      '#From',
      '#Time',
      '#Pages',
      '#Zero pages',
      '#Sent again',
      '#Stream bytes',
      '#Mean rate',
    ),
    rows: stagesOf(migration, MAX_PASSES).map(stageRow),
  };
}

function stageRow({ name, startSeconds, seconds, pages, bytes }: MigrationStage): Cell[] {
  const rate = seconds > 0 ? (bytes * 8) / seconds : 0;
  return [
    name,
    secondsCell(Math.max(0, startSeconds)),
    secondsCell(seconds),
    ...(pages === null
      ? ['', '', '']
      : [countCell(pages.normal), countCell(pages.zero), countCell(pages.resent)]),
    byteCell(bytes),
    { text: seconds > 0 ? formatBps(rate) : '-', sort: rate },
  ];
}

function connectionTable({ connections }: MigrationSummary): ReportTable {
  return {
    caption: 'Connections',
    columns: columns('What for', 'From', 'To', 'Protection', '#Stream bytes'),
    rows: connections
      .slice(0, MAX_CONNECTIONS)
      .map(({ role, source, sourcePort, destination, destinationPort, packets, streamBytes }) => [
        role,
        endpoint(source, sourcePort),
        endpoint(destination, destinationPort),
        describePackets(packets),
        byteCell(streamBytes),
      ]),
  };
}

/** `ESP`; where protection changed under way also how many packets had which. */
function describePackets(packets: Readonly<Record<MigrationTransport, number>>): string {
  const kinds = (Object.keys(packets) as MigrationTransport[]).filter((kind) => packets[kind] > 0);
  if (kinds.length === 1) return PROTECTION_NAMES[kinds[0]!];
  return kinds.map((kind) => `${PROTECTION_NAMES[kind]}: ${formatCount(packets[kind])}`).join(', ');
}

function memoryTable({ blocks, machine }: MigrationSummary): ReportTable {
  return {
    caption: machine === null ? 'Memory' : `Memory of the guest (${escapeTerminal(machine)})`,
    columns: columns('Block', '#Size'),
    rows: blocks
      .slice(0, MAX_CONNECTIONS)
      .map(({ name, bytes }) => [escapeTerminal(name), { text: formatMemory(bytes), sort: bytes }]),
  };
}

function hotPageTable({ hotPages }: MigrationSummary): ReportTable {
  return {
    caption: 'Pages sent most often',
    columns: columns('Block', '#Offset', '#Times sent'),
    rows: hotPages.map(({ block, offset, sent }) => [
      escapeTerminal(block),
      { text: `0x${offset.toString(16)}`, sort: offset },
      countCell(sent),
    ]),
  };
}

function deviceTable({
  deviceState: { devices, descriptionBytes, agreesWithDescription },
}: MigrationSummary): ReportTable {
  const table: ReportTable = {
    caption: 'State of devices',
    columns: columns('Device', '#Instance', '#Stream bytes'),
    rows: devices
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_DEVICES)
      .map(({ name, instance, bytes }) => [escapeTerminal(name), countCell(instance), byteCell(bytes)]),
  };
  if (agreesWithDescription === null) return table;
  const agrees = agreesWithDescription ? 'tells the same devices and sizes' : 'tells other devices or sizes';
  return { ...table, note: `QEMU's own description (${formatBytes(descriptionBytes)}) ${agrees}.` };
}

function secondsCell(seconds: number): Cell {
  return { text: formatSeconds(seconds), sort: seconds };
}
