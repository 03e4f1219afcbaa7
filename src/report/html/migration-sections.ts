import type { AnalysisSummary, MigrationSummary } from '../../analysis/analysis-summary.js';
import type { MigrationTransport } from '../../migration/migration-record.js';
import { type MigrationStage, stagesOf } from '../analysis/migration-stages.js';
import { judgeMigration } from '../analysis/migration-verdict.js';
import { migrationCharts } from '../chart/migration-charts.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import {
  formatBps,
  formatBytes,
  formatCount,
  formatCounted,
  formatMemory,
  formatSeconds,
} from '../text/format-quantity.js';
import { byteCell, columns, countCell, endpoint, PROTECTION_NAMES } from './analysis-tables.js';
import type { Cell, LeadLine, ReportSection, ReportTable } from './report-page.js';

const MAX_SECTIONS = 8;
const MAX_PASSES = 200;
/** Of tables that tell details. */
const MAX_ROWS = 12;

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
        sendsTable(migration),
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
      .slice(0, MAX_ROWS)
      .map(({ role, source, sourcePort, destination, destinationPort, packets, streamBytes }) => [
        role,
        endpoint(source, sourcePort),
        endpoint(destination, destinationPort),
        describePackets(packets),
        byteCell(streamBytes),
      ]),
    ...restNote(connections.length),
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
      .slice(0, MAX_ROWS)
      .map(({ name, bytes }) => [escapeTerminal(name), { text: formatMemory(bytes), sort: bytes }]),
    ...restNote(blocks.length),
  };
}

function sendsTable({ pagesBySends }: MigrationSummary): ReportTable {
  const rows = pagesBySends
    .map((pages, i) => [countCell(i + 1), countCell(pages)])
    .filter((_, i) => pagesBySends[i]! > 0);
  return {
    caption: 'How often pages were sent',
    columns: columns('#Times', '#Pages'),
    rows: rows.slice(0, MAX_ROWS),
    ...restNote(rows.length),
  };
}

interface PageRun {
  readonly block: string;
  readonly offset: number;
  readonly sent: number;
  readonly pages: number;
}

function hotPageTable({ hotPages, pageBytes }: MigrationSummary): ReportTable {
  const runs = joinPages(hotPages, pageBytes);
  return {
    caption: `The ${formatCounted(hotPages.length, 'page')} sent most often`,
    columns: columns('Block', '#From', '#To', '#Pages', '#Times sent'),
    rows: runs
      .slice(0, MAX_ROWS)
      .map(({ block, offset, sent, pages }) => [
        escapeTerminal(block),
        addressCell(offset),
        addressCell(offset + pages * pageBytes - 1),
        countCell(pages),
        countCell(sent),
      ]),
    ...restNote(runs.length),
  };
}

/** Neighbours that were sent equally often become one. */
function joinPages(pages: MigrationSummary['hotPages'], pageBytes: number): PageRun[] {
  const runs: PageRun[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    const continues =
      last !== undefined &&
      last.block === page.block &&
      last.sent === page.sent &&
      last.offset + last.pages * pageBytes === page.offset;
    if (continues) runs[runs.length - 1] = { ...last, pages: last.pages + 1 };
    else runs.push({ ...page, pages: 1 });
  }
  return runs;
}

function deviceTable({
  deviceState: { devices, descriptionBytes, agreesWithDescription },
}: MigrationSummary): ReportTable {
  const table: ReportTable = {
    caption: 'State of devices',
    columns: columns('Device', '#Instance', '#Stream bytes'),
    rows: devices
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_ROWS)
      .map(({ name, instance, bytes }) => [escapeTerminal(name), countCell(instance), byteCell(bytes)]),
  };
  const { note = '' } = restNote(devices.length);
  if (agreesWithDescription === null) return note === '' ? table : { ...table, note };
  const agrees = agreesWithDescription ? 'tells the same devices and sizes' : 'tells other devices or sizes';
  return {
    ...table,
    note: `QEMU's own description (${formatBytes(descriptionBytes)}) ${agrees}. ${note}`.trim(),
  };
}

function restNote(rows: number): { note?: string } {
  return rows > MAX_ROWS ? { note: `The first ${MAX_ROWS} of ${formatCount(rows)}; --json has all.` } : {};
}

function addressCell(offset: number): Cell {
  return { text: `0x${offset.toString(16)}`, sort: offset };
}

function secondsCell(seconds: number): Cell {
  return { text: formatSeconds(seconds), sort: seconds };
}
