import type { LiveSecurityAssociation, LiveSnapshot } from '../../monitor/live-snapshot.js';
import { markCertainty } from '../analysis/certainty-mark.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBps, formatCount, formatSeconds, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import type { TableColumn } from '../text/table.js';
import type { TextStyle } from '../text/text-style.js';
import { perSecond } from './live-history.js';
import { type LiveSection, tableSection } from './live-section.js';

/** An SA about to run out of sequence numbers is worth a word. */
const SOON_SECONDS = 3600;

const COLUMNS: readonly TableColumn[] = [
  { title: '' },
  { title: 'SPI' },
  { title: 'source -> destination' },
  { title: 'now', align: 'right' },
  { title: 'sequence', align: 'right' },
  { title: 'lost', align: 'right' },
  { title: 'suite', dispensable: 2 },
  { title: 'packets', align: 'right', dispensable: 3 },
  { title: 'remarks', minWidth: 7, dispensable: 1 },
];

/** The busiest SAs: their rate, where their sequence is, what it lacks. */
export function associationSection(snapshot: LiveSnapshot, context: ReportContext): LiveSection {
  const { count, busiest } = snapshot.securityAssociations;
  const rows = busiest.map((sa) => associationRow(sa, snapshot.intervalNs, context.style));
  const columns = rows.every((row) => row.at(-1) === '') ? COLUMNS.slice(0, -1) : COLUMNS;
  return tableSection('SA', columns, rows, count, context);
}

function associationRow(sa: LiveSecurityAssociation, intervalNs: number, style: TextStyle): string[] {
  const { sequence, suite, interval } = sa;
  const ends = `${sa.source} -> ${sa.destination}${sa.udpEncap ? ' in UDP' : ''}`;
  return [
    sa.protocol.toUpperCase(),
    sa.spi.replace(/^0x0*(?=.)/, '0x'),
    escapeTerminal(ends),
    interval.packets > 0 ? formatBps(perSecond(interval.bytes * 8, intervalNs)).padStart(11) : 'quiet',
    formatCount(sequence.last),
    describeLoss(sa, style),
    suite.name === null ? 'unknown' : markCertainty(escapeTerminal(suite.name), suite.certainty),
    formatCount(sa.packets),
    describeRemarks(sa, intervalNs, style),
  ];
}

function describeLoss({ sequence, packets, interval }: LiveSecurityAssociation, style: TextStyle): string {
  const { missing, duplicate } = sequence;
  if (missing === 0) return 'none';
  const text = `${formatCount(missing)} (${formatShare(missing, missing + packets - duplicate)})`;
  return interval.missing > 0 ? style.bad(text) : style.caution(text);
}

function describeRemarks(
  { sequence, integrity, interval }: LiveSecurityAssociation,
  intervalNs: number,
  style: TextStyle,
): string {
  const rate = perSecond(interval.packets, intervalNs);
  const wrapSeconds = rate > 0 ? sequence.untilWrap / rate : Number.POSITIVE_INFINITY;
  return [
    integrity.failed > 0 ? style.bad(`${formatCount(integrity.failed)} wrong ICV`) : '',
    sequence.duplicate > 0 ? style.caution(`${formatCount(sequence.duplicate)} twice`) : '',
    sequence.reordered > 0 ? `${formatCount(sequence.reordered)} late` : '',
    wrapSeconds < SOON_SECONDS ? style.caution(`wraps in ${formatSeconds(wrapSeconds)}`) : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
