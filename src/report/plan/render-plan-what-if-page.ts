import type { PlanResult } from '../../plan/plan-result.js';
import type { WhatIfReport } from '../../plan/what-if-report.js';
import type { Fact, LeadLine, ReportSection } from '../html/report-page.js';
import { protectionName } from '../run/protection-name.js';
import { formatChange } from '../text/format-change.js';
import { formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import { askedRow, describeMethod, describeWhatIf } from './render-plan-what-if.js';

/** First lines of the HTML report on recorded traffic. */
export function whatIfLead(result: PlanResult, report: WhatIfReport): LeadLine[] {
  return describeWhatIf(result, report).map(({ text, isBad }) => (isBad ? { text, tone: 'bad' } : { text }));
}

/** What was asked for beside what was captured. */
export function whatIfFacts(result: PlanResult, report: WhatIfReport): Fact[] {
  const { captured } = report.traffic;
  const asked = askedRow(result, report);
  return [
    {
      label: 'On the wire',
      value: formatBytes(asked.wireBytes),
      note: `captured: ${formatBytes(captured.wireBytes)}`,
    },
    {
      label: 'Packets',
      value: formatCount(asked.packets),
      note: `captured: ${formatCount(captured.packets)}`,
    },
    { label: 'MSS', value: `${result.chosen.mssBytes}`, note: `path MTU ${result.chosen.pathMtuBytes}` },
    {
      label: 'Payload',
      value: formatShare(asked.layers.payload, asked.wireBytes),
      note: `of the wire; captured: ${formatShare(captured.layers.payload, captured.wireBytes)}`,
    },
  ];
}

/** The table of the terminal with all its rows. */
export function whatIfSection(report: WhatIfReport): ReportSection {
  const { captured } = report.traffic;
  return {
    heading: 'The recorded traffic, had it been sent like this',
    text: describeMethod(report),
    tables: [
      {
        caption: 'Packets and bytes on the wire',
        columns: [
          { title: 'What if' },
          { title: 'MTU', align: 'right' },
          { title: 'MSS', align: 'right' },
          { title: 'Packets', align: 'right' },
          { title: 'Change', align: 'right' },
          { title: 'Wire bytes', align: 'right' },
          { title: 'Change', align: 'right' },
          { title: 'Fragments' },
        ],
        rows: [
          ['as captured', '', '', number(captured.packets), '', number(captured.wireBytes), '', ''],
          ...report.rows.map((row) => [
            protectionName(row),
            `${row.linkMtuBytes}`,
            row.mssBytes === null ? 'auto' : `${row.mssBytes}`,
            number(row.packets),
            change(row.packets - captured.packets, captured.packets),
            number(row.wireBytes),
            change(row.wireBytes - captured.wireBytes, captured.wireBytes),
            row.fragmented ? 'yes' : 'no',
          ]),
        ],
      },
    ],
  };
}

function number(value: number) {
  return { text: formatCount(value), sort: value };
}

function change(difference: number, of: number) {
  return { text: formatChange(difference, of), sort: difference };
}
