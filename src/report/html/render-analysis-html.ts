import type { AnalysisSummary } from '../../analysis/analysis-summary.js';
import { renderRemarks } from '../analysis/analysis-remarks.js';
import { renderVerdict } from '../analysis/analysis-verdict.js';
import { CERTAINTY_LEGEND, markCertainty } from '../analysis/certainty-mark.js';
import { ipsecOverhead } from '../analysis/ipsec-overhead.js';
import { suiteNotes } from '../analysis/suite-note.js';
import {
  associationTimeline,
  layerChart,
  packetSharesChart,
  packetSizeChart,
  sequenceChart,
  throughputChart,
} from '../chart/analysis-charts.js';
import {
  formatBps,
  formatBytes,
  formatCounted,
  formatSeconds,
  formatShare,
  secondsBetween,
} from '../text/format-quantity.js';
import { createTextStyle } from '../text/text-style.js';
import { associationTable, flowTable, inputTable, layerTable, protectionTable } from './analysis-tables.js';
import { findingLead, findingSection } from './finding-section.js';
import { migrationLead, migrationSections } from './migration-sections.js';
import { renderHtml } from './render-html.js';
import type { Fact, LeadLine, ReportPage, ReportSection, Tone } from './report-page.js';

/** The terminal's wording without its lines: each paragraph whole, no colours. */
const PARAGRAPHS = { width: 100_000, style: createTextStyle(false) };

/** An analysis as one HTML file, the verdict first. */
export function renderAnalysisHtml(summary: AnalysisSummary): string {
  return renderHtml(analysisPage(summary));
}

/** The same as data: its sections can stand in a larger report. */
export function analysisPage(summary: AnalysisSummary): ReportPage {
  return {
    title: 'Tare: what is on the wire',
    lead: [...leadLines(summary), ...migrationLead(summary), ...findingLead(summary)],
    facts: summary.wire.packets === 0 ? [] : factsOf(summary),
    sections: analysisSections(summary).filter(hasContent),
    footer:
      'Bytes are counted as on the wire, link headers included, without check sequence and gaps. 1 kB is 1000 bytes. ' +
      'Measured: read off the packets. Inferred: follows from a cipher suite concluded from lengths or given by the user. ' +
      'Bounded: best estimate within known limits.',
  };
}

export function analysisSections(summary: AnalysisSummary): ReportSection[] {
  const { securityAssociations } = summary;
  const charts = <Chart>(...candidates: (Chart | null)[]) => candidates.filter((chart) => chart !== null);
  return [
    findingSection(summary),
    ...migrationSections(summary),
    {
      heading: 'Protection',
      charts: charts(throughputChart(summary.timeline)),
      tables: [protectionTable(summary)].filter(({ rows }) => rows.length > 0),
    },
    {
      heading: 'Where the bytes went',
      charts: charts(layerChart(summary)),
      tables: [layerTable(summary)].filter(({ rows }) => rows.length > 0),
    },
    {
      heading: 'Packet sizes',
      charts: charts(packetSizeChart(summary.packetSizes), packetSharesChart(summary.packetSizes)),
    },
    {
      heading: 'Security associations',
      ...(securityAssociations.length === 0
        ? {}
        : {
            text: [
              describeSequences(summary),
              [`${CERTAINTY_LEGEND}.`, ...suiteNotes(securityAssociations)].join(' '),
            ],
            tables: [associationTable(securityAssociations)],
          }),
      charts: charts(sequenceChart(securityAssociations), associationTimeline(summary)),
    },
    {
      heading: 'Flows',
      tables: summary.flows.length === 0 ? [] : [flowTable(summary.flows, summary.otherFlows)],
    },
    { heading: 'Fragments, losses, errors', text: renderRemarks(summary, PARAGRAPHS) },
    { heading: 'Input', tables: summary.inputs.length === 0 ? [] : [inputTable(summary.inputs)] },
  ];
}

/** The style that colours the terminal tells here which tone a paragraph has. */
function leadLines(summary: AnalysisSummary): LeadLine[] {
  const tones = new Map<string, Tone>();
  const note = (tone: Tone) => (text: string) => {
    tones.set(text, tone);
    return text;
  };
  const plain = (text: string) => text;
  const style = {
    heading: plain,
    faint: plain,
    good: note('good'),
    caution: note('caution'),
    bad: note('bad'),
  };
  return renderVerdict(summary, { ...PARAGRAPHS, style }).map((text) => {
    const tone = tones.get(text);
    return tone === undefined ? { text } : { text, tone };
  });
}

function factsOf(summary: AnalysisSummary): Fact[] {
  const { wire, protection } = summary;
  const seconds = secondsBetween(wire.firstTimeNs, wire.lastTimeNs);
  const overhead = ipsecOverhead(summary);
  const encrypted = protection.esp.bytes + protection.ahEsp.bytes;
  const clear = protection.clear.bytes;
  return [
    { label: 'On the wire', value: formatBytes(wire.bytes), note: formatCounted(wire.packets, 'packet') },
    ...(seconds > 0
      ? [
          {
            label: 'Average rate',
            value: formatBps((wire.bytes * 8) / seconds),
            note: `over ${formatSeconds(seconds)}`,
          },
        ]
      : []),
    { label: 'In ESP', value: formatShare(encrypted, wire.bytes), note: formatBytes(encrypted) },
    {
      label: 'In the clear',
      value: formatShare(clear, wire.bytes),
      note: formatBytes(clear),
      ...(clear > 0 ? { tone: 'bad' as const } : {}),
    },
    {
      label: 'IPsec adds',
      value: markCertainty(formatBytes(overhead.bytes), overhead.certainty),
      note: `${formatShare(overhead.bytes, wire.bytes)} of the wire`,
    },
  ];
}

function describeSequences({ securityAssociations }: AnalysisSummary): string {
  const missing = securityAssociations.reduce((sum, { sequence }) => sum + sequence.missing, 0);
  const count = formatCounted(securityAssociations.length, 'security association');
  return missing === 0
    ? `${count}, no gaps in their sequence numbers.`
    : `${count}; ${formatCounted(missing, 'sequence number')} missing: lost on the way, or not seen by the capture.`;
}

function hasContent({ text = [], charts = [], tables = [], commands = [] }: ReportSection): boolean {
  return text.length + charts.length + tables.length + commands.length > 0;
}
