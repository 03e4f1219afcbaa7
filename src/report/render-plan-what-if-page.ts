import type { PlanResult } from '../plan/plan-result.js';
import type { WhatIfReport } from '../plan/what-if-report.js';
import type { LeadLine, ReportSection } from './html/report-page.js';
import { protectionName } from './protection-name.js';
import { describeMethod, describeWhatIf, formatChange } from './render-plan-what-if.js';

/** First lines of the HTML report on recorded traffic. */
export function whatIfLead(result: PlanResult, report: WhatIfReport): LeadLine[] {
  return describeWhatIf(result, report).map(({ text, isBad }) => (isBad ? { text, tone: 'bad' } : { text }));
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
  return { text: value.toLocaleString('en-US'), sort: value };
}

function change(difference: number, of: number) {
  return { text: formatChange(difference, of), sort: difference };
}
