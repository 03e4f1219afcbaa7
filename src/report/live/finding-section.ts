import type { Finding } from '../../analysis/findings/finding.js';
import type { LiveSnapshot } from '../../monitor/live-snapshot.js';
import { findingsByKind, SEVERITY_TONES } from '../analysis/findings.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount, formatSeconds, secondsBetween } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import type { TableColumn } from '../text/table.js';
import { type LiveSection, tableSection } from './live-section.js';

const COLUMNS: readonly TableColumn[] = [
  { title: 'finding' },
  { title: 'what', minWidth: 20 },
  { title: 'where', dispensable: 2 },
  { title: 'packets', align: 'right', dispensable: 1 },
  { title: 'last seen', align: 'right', dispensable: 3 },
];

/** What was found suspicious, the worst kind first. */
export function findingSection({ findings, timeNs }: LiveSnapshot, context: ReportContext): LiveSection {
  const kinds = findingsByKind(findings);
  const rows = kinds.map((alike) => findingRow(alike, timeNs, context));
  return tableSection('finding', COLUMNS, rows, kinds.length, context);
}

function findingRow(alike: readonly Finding[], timeNs: string, { style }: ReportContext): string[] {
  const { severity, title } = alike[0]!;
  const packets = alike.reduce((total, { evidence }) => total + evidence.count, 0);
  return [
    style[SEVERITY_TONES[severity]](severity.toUpperCase()),
    escapeTerminal(title),
    describeWhere(alike),
    packets === 0 ? '' : formatCount(packets),
    describeAge(alike, timeNs),
  ];
}

function describeWhere(alike: readonly Finding[]): string {
  const { source, destination } = alike[0]!.evidence;
  const ends = [source, destination].filter((end) => end !== null).map(escapeTerminal);
  const more = alike.length > 1 ? ` and ${formatCount(alike.length - 1)} more` : '';
  return `${ends.join(' -> ')}${more}`;
}

function describeAge(alike: readonly Finding[], timeNs: string): string {
  const times = alike.flatMap(({ evidence }) => (evidence.lastTimeNs === null ? [] : [evidence.lastTimeNs]));
  if (times.length === 0) return '';
  const ages = times.map((time) => secondsBetween(time, timeNs));
  const seconds = Math.max(0, Math.floor(Math.min(...ages)));
  return seconds < 2 ? 'now' : `${seconds < 60 ? `${seconds} s` : formatSeconds(seconds)} ago`;
}
