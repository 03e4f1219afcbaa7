import type { SecurityAssociationSummary } from '../../analysis/analysis-summary.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBps, formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import { type ReportContext, renderRest } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import type { TextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { markCertainty } from './certainty-mark.js';
import { suiteNotes } from './suite-note.js';

const MAX_ROWS = 8;

const COLUMNS: readonly TableColumn[] = [
  { title: 'SA' },
  { title: 'SPI' },
  { title: 'source -> destination', minWidth: 18 },
  { title: 'packets', align: 'right' },
  { title: 'suite', minWidth: 12 },
  { title: 'seq.', minWidth: 7 },
  { title: 'ICV', minWidth: 9 },
  { title: 'mode', dispensable: 3 },
  { title: 'rate', align: 'right', dispensable: 4 },
  { title: 'overhead', align: 'right', dispensable: 5 },
  { title: 'of its bytes', align: 'right', dispensable: 6 },
  { title: 'largest', align: 'right', dispensable: 7 },
];

/** One row for each security association, those with most bytes first. */
export function renderSecurityAssociations(
  associations: readonly SecurityAssociationSummary[],
  context: ReportContext,
): string[] {
  if (associations.length === 0) return [];
  const shown = associations.toSorted((a, b) => b.bytes - a.bytes).slice(0, MAX_ROWS);
  const rows = shown.map((sa) => associationRow(sa, context.style));
  const notes = suiteNotes(shown).flatMap((note) =>
    wrapText(`~ ${note}`, { width: context.width, first: '  ' }),
  );
  return [
    ...renderTable(COLUMNS, rows, context),
    ...renderRest(associations.length, shown.length, context),
    ...notes.map(context.style.faint),
  ];
}

function associationRow(sa: SecurityAssociationSummary, style: TextStyle): string[] {
  return [
    sa.protocol.toUpperCase(),
    escapeTerminal(sa.spi),
    `${escapeTerminal(sa.source)} -> ${escapeTerminal(sa.destination)}${sa.udpEncap ? ' in UDP' : ''}`,
    formatCount(sa.packets),
    describeSuite(sa),
    describeSequence(sa, style),
    describeIntegrity(sa, style),
    sa.mode === 'unknown' ? '?' : sa.mode,
    sa.rateBps > 0 ? formatBps(sa.rateBps) : '-',
    markCertainty(formatBytes(sa.overheadBytes), sa.overheadCertainty),
    formatShare(sa.overheadBytes, sa.bytes),
    `${formatCount(sa.largestPacketBytes)} B`,
  ];
}

function describeSuite({ suite }: SecurityAssociationSummary): string {
  if (suite.name === null) return 'unknown';
  return markCertainty(escapeTerminal(suite.name), suite.certainty);
}

function describeSequence({ sequence }: SecurityAssociationSummary, style: TextStyle): string {
  const parts = [
    sequence.missing > 0 ? style.caution(`${formatCount(sequence.missing)} missing`) : '',
    sequence.duplicate > 0 ? style.caution(`${formatCount(sequence.duplicate)} twice`) : '',
    sequence.reordered > 0 ? `${formatCount(sequence.reordered)} late` : '',
    sequence.wrapped ? 'wrapped' : '',
  ].filter((part) => part !== '');
  return parts.join(', ') || 'no gaps';
}

function describeIntegrity({ integrity }: SecurityAssociationSummary, style: TextStyle): string {
  const parts = [
    integrity.failed > 0 ? style.bad(`${formatCount(integrity.failed)} WRONG`) : '',
    integrity.verified > 0 ? style.good(`${formatCount(integrity.verified)} ok`) : '',
    integrity.unchecked > 0 && integrity.verified + integrity.failed > 0
      ? `${formatCount(integrity.unchecked)} unchecked`
      : '',
  ].filter((part) => part !== '');
  return parts.join(', ') || 'unchecked';
}
