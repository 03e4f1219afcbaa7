import type { AnalysisSummary } from '../../analysis/analysis-summary.js';
import { describeFindings, describePackets, findingsByKind } from '../analysis/findings.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { columns, countCell } from './analysis-tables.js';
import type { LeadLine, ReportSection, ReportTable } from './report-page.js';

const MAX_ROWS = 100;

/** The worst in a line each, for the top of the page. */
export function findingLead({ findings }: AnalysisSummary): LeadLine[] {
  return findingsByKind(findings.filter(({ severity }) => severity === 'high')).map(([finding]) => ({
    text: `${finding!.title}.`,
    tone: 'bad',
  }));
}

/** What is suspicious, or what was looked for and not found. */
export function findingSection(summary: AnalysisSummary): ReportSection {
  const { findings } = summary;
  const heading = 'Findings';
  if (summary.wire.packets === 0) return { heading };
  if (findings.length === 0) return { heading, text: [describeFindings(findings)] };
  const kinds = findingsByKind(findings);
  return {
    heading,
    text: [
      `${describeFindings(findings)}.`,
      ...kinds.map(([finding]) => {
        const { title, meaning, remedy } = finding!;
        return escapeTerminal(`${title}. ${meaning} ${remedy}`);
      }),
    ],
    tables: [findingTable(summary)],
  };
}

function findingTable({ findings }: AnalysisSummary): ReportTable {
  const table: ReportTable = {
    caption: 'Where each shows',
    columns: columns('Severity', 'Finding', 'From', 'To', 'What was seen', '#Packets', 'Which'),
    rows: findings.slice(0, MAX_ROWS).map((finding) => {
      const { id, severity, evidence } = finding;
      return [
        severity,
        id,
        escapeTerminal(evidence.source ?? ''),
        escapeTerminal(evidence.destination ?? ''),
        escapeTerminal(evidence.facts),
        countCell(evidence.count),
        escapeTerminal(describePackets(evidence)),
      ];
    }),
  };
  if (findings.length <= MAX_ROWS) return table;
  return { ...table, note: `The first ${MAX_ROWS} of ${findings.length}; --json has all.` };
}
