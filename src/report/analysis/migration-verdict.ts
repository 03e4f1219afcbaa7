import type {
  AnalysisSummary,
  MigrationSummary,
  SecurityAssociationSummary,
} from '../../analysis/analysis-summary.js';
import type { MigrationTransport } from '../../migration/migration-record.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMemory,
  formatSeconds,
  secondsBetween,
} from '../text/format-quantity.js';

/** What to tell an operator about one migration, in sentences. Text from the capture is escaped. */
export interface MigrationVerdict {
  readonly tone: 'good' | 'caution' | 'bad';
  readonly headline: string;
  /** Who can read it. */
  readonly exposure: string;
  /** What else there is to know; empty if nothing. */
  readonly remarks: readonly string[];
}

const UNENCRYPTED = /^null-|gmac/;

export function judgeMigration(migration: MigrationSummary, summary: AnalysisSummary): MigrationVerdict {
  const protection = protectionOf(migration, summary);
  return {
    tone: protection.tone,
    headline: `Live migration ${protection.way}: ${describeCourse(migration)}.`,
    exposure: protection.exposure,
    remarks: [describeMissing(migration), describeChannels(migration), describeRepetition(migration)].filter(
      (remark) => remark !== '',
    ),
  };
}

interface Protection {
  readonly tone: MigrationVerdict['tone'];
  /** `in the clear`, `in ESP` */
  readonly way: string;
  readonly exposure: string;
}

function protectionOf(migration: MigrationSummary, summary: AnalysisSummary): Protection {
  switch (migration.transport) {
    case 'clear':
      return { tone: 'bad', way: 'in the clear', exposure: describeClear(summary) };
    case 'ah':
      return {
        tone: 'caution',
        way: 'under AH',
        exposure: "Nobody can change it unnoticed, but anyone on the path reads the guest's memory.",
      };
    case 'esp':
      return espProtection('in ESP', migration, summary);
    case 'ahEsp':
      return espProtection('in ESP under AH', migration, summary);
    case 'mixed':
      return mixedProtection(migration);
  }
}

/** Policies changed under way, or do not hold for all of its connections. */
function mixedProtection({ connections }: MigrationSummary): Protection {
  const sum = (transport: MigrationTransport) =>
    connections.reduce((total, { packets }) => total + packets[transport], 0);
  const clear = sum('clear');
  const ah = sum('ah');
  const counts = [
    clear > 0 ? `${formatCount(clear)} in the clear` : '',
    ah > 0 ? `${formatCount(ah)} under AH alone` : '',
    `${formatCount(sum('esp') + sum('ahEsp'))} in ESP`,
  ].filter((part) => part !== '');
  const exposure =
    clear + ah > 0
      ? "Anyone on the path reads a part of the guest's memory"
      : 'Not all packets were protected alike';
  return {
    tone: clear > 0 ? 'bad' : 'caution',
    way: clear + ah > 0 ? 'only partly encrypted' : 'in ESP, partly under AH',
    exposure: `${exposure}: of its packets ${counts.join(', ')}.`,
  };
}

function describeClear({ securityAssociations }: AnalysisSummary): string {
  const exposure = "Anyone on the path reads the guest's memory, and could change it.";
  if (securityAssociations.length === 0) return exposure;
  return `${exposure} ${formatCounted(securityAssociations.length, 'SA')} on this wire: none around this migration.`;
}

/** What is in ESP was read with keys, or because its ESP does not encrypt. */
function espProtection(way: string, migration: MigrationSummary, summary: AnalysisSummary): Protection {
  const names = espSuitesOf(migration, summary);
  if (names.length > 0 && names.every((name) => UNENCRYPTED.test(name))) {
    const exposure =
      "Anyone on the path reads the guest's memory: this ESP authenticates and does not encrypt.";
    return { tone: 'bad', way: `${way} without encryption`, exposure };
  }
  const list = [...new Set(names)].map(escapeTerminal).join(', ');
  const suites = list === '' ? '' : ` (${list})`;
  return { tone: 'good', way, exposure: `Read here with the keys${suites}; without them it stays closed.` };
}

/** Suites of the SAs between the migration's hosts; in a tunnel those are other addresses, and all SAs come into question. */
function espSuitesOf(migration: MigrationSummary, { securityAssociations }: AnalysisSummary): string[] {
  const opened = securityAssociations.filter(
    ({ protocol, suite }) => protocol === 'esp' && suite.name !== null,
  );
  const isBetween = (sa: SecurityAssociationSummary) =>
    migration.connections.some(
      ({ source, destination }) => source === sa.source && destination === sa.destination,
    );
  const between = opened.filter(isBetween);
  return (between.length > 0 ? between : opened).map(({ suite }) => suite.name ?? '');
}

function describeCourse(migration: MigrationSummary): string {
  const { blocks, iterations, startNs, endNs, downtimeMs } = migration;
  const memoryBytes = blocks.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    memoryBytes > 0 ? `${formatMemory(memoryBytes)} guest` : '',
    formatBytes(migration.streamBytes),
    formatCounted(iterations.length, 'pass over memory', 'passes over memory'),
    formatSeconds(secondsBetween(startNs, endNs)),
    downtimeMs === null ? '' : `guest stopped for at least ${formatSeconds(downtimeMs / 1e3)}`,
    migration.isPostcopy ? 'the rest of its memory after it went on (post-copy)' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function describeMissing({ complete, gaps, machine, iterations }: MigrationSummary): string {
  if (complete) return '';
  const parts = [
    machine === null ? 'its beginning was not captured' : '',
    gaps.count > 0
      ? `${formatBytes(gaps.bytes)} of it are missing in ${formatCounted(gaps.count, 'place')}`
      : '',
    iterations.at(-1)?.stage === 'precopy' || iterations.length === 0 ? 'its end was not seen' : '',
  ].filter((part) => part !== '');
  const reason = parts.length === 0 ? 'it could not be followed to its end' : parts.join(', ');
  return `Not complete: ${reason}. The figures are of what was read.`;
}

function describeChannels({ channels }: MigrationSummary): string {
  return channels === 0 ? '' : `Pages came over ${formatCounted(channels, 'multifd channel')}.`;
}

function describeRepetition({ pagesBySends, hotPages }: MigrationSummary): string {
  const all = pagesBySends.reduce((sum, pages) => sum + pages, 0);
  const repeated = all - (pagesBySends[0] ?? 0);
  if (repeated === 0) return '';
  const [hottest] = hotPages;
  const most =
    hottest === undefined
      ? ''
      : `; the hottest (${escapeTerminal(hottest.block)} at 0x${hottest.offset.toString(16)}) ${formatCount(hottest.sent)} times`;
  return `${formatCount(repeated)} of ${formatCounted(all, 'page')} were sent more than once${most}.`;
}
