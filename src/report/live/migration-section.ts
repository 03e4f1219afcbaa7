import type { LiveMigration, LiveSnapshot } from '../../monitor/live-snapshot.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import {
  formatBps,
  formatBytes,
  formatCount,
  formatMemory,
  formatSeconds,
  secondsBetween,
} from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import type { TableColumn } from '../text/table.js';
import type { TextStyle } from '../text/text-style.js';
import { type LiveSection, tableSection } from './live-section.js';

const COLUMNS: readonly TableColumn[] = [
  { title: 'migration' },
  { title: 'IPsec' },
  { title: 'iteration' },
  { title: 'now', align: 'right' },
  { title: 'time left', minWidth: 12 },
  { title: 'sent', align: 'right', dispensable: 1 },
  { title: 'memory', align: 'right', dispensable: 2 },
  { title: 'channels', align: 'right', dispensable: 3 },
];
/** Widths of what changes: columns must not move each second. */
const RATE_WIDTH = 11;
const ITERATION_WIDTH = 12;
const TIME_WIDTH = 14;
const BYTES_WIDTH = 7;

/** Of AH alone everything can be read. */
const TRANSPORTS: Readonly<Record<LiveMigration['transport'], string>> = {
  clear: 'none',
  ah: 'AH',
  esp: 'ESP',
  ahEsp: 'AH+ESP',
  mixed: 'partly',
};

/** Migrations under way, those that began last first, and those that ended a short while ago. */
export function migrationSection({ migrations, timeNs }: LiveSnapshot, context: ReportContext): LiveSection {
  const underWay = migrations.filter(({ state }) => state === 'running').toReversed();
  const others = migrations.filter(({ state }) => state !== 'running').toReversed();
  const rows = [...underWay, ...others].map((migration) => migrationRow(migration, timeNs, context.style));
  return tableSection('migration', COLUMNS, rows, rows.length, context);
}

function migrationRow(migration: LiveMigration, timeNs: string, style: TextStyle): string[] {
  const { source, destination, destinationPort, transport, state, streamBytes, memoryBytes } = migration;
  const isReadable = transport !== 'esp' && transport !== 'ahEsp';
  const protection = TRANSPORTS[transport];
  const host = destination.includes(':') ? `[${destination}]` : destination;
  return [
    escapeTerminal(`${source} -> ${host}:${destinationPort}`),
    isReadable ? style.bad(protection) : protection,
    describeStage(migration).padEnd(ITERATION_WIDTH),
    state === 'running' ? formatBps(migration.rateBps).padStart(RATE_WIDTH) : '',
    describeEnd(migration, timeNs, style),
    formatBytes(streamBytes).padStart(BYTES_WIDTH),
    memoryBytes > 0 ? formatMemory(memoryBytes) : '?',
    migration.channels > 0 ? formatCount(migration.channels) : 'one stream',
  ];
}

function describeStage({ stage, state, iteration, passShare }: LiveMigration): string {
  if (state === 'ended') return `${iteration}, ended`;
  if (stage === 'setup' || iteration === 0) return 'setting up';
  if (stage === 'stopAndCopy') return `${iteration}, stopped`;
  if (stage === 'device') return 'devices';
  if (stage === 'postcopy') return 'post-copy';
  return passShare === null ? `${iteration}` : `${iteration}, ${Math.floor(passShare * 100)} %`;
}

function describeEnd(migration: LiveMigration, timeNs: string, style: TextStyle): string {
  const { state, startNs, lastTimeNs, converges, secondsLeft, passSecondsLeft } = migration;
  if (state === 'ended')
    return `took ${formatSeconds(secondsBetween(startNs, lastTimeNs))}`.padEnd(TIME_WIDTH);
  if (state === 'silent') {
    return style.caution(`silent for ${describeSpan(secondsBetween(lastTimeNs, timeNs))}`);
  }
  if (converges === false) return style.bad('not converging');
  if (secondsLeft !== null) return `~${describeSpan(secondsLeft)}`.padEnd(TIME_WIDTH);
  return (passSecondsLeft === null ? '?' : `pass ~${describeSpan(passSecondsLeft)}`).padEnd(TIME_WIDTH);
}

/** Estimates need no parts of seconds. */
function describeSpan(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : formatSeconds(seconds);
}
