import type { PlanResult } from '../plan/plan-result.js';
import { securityBytes } from './chart/plan-charts.js';
import { type PlanReport, rowLabel } from './chart/plan-report.js';
import { formatBytes, formatCount, formatShare } from './format-quantity.js';
import { planPage as pageOfReport } from './html/render-plan-html.js';
import type { Fact, LeadLine, ReportPage, ReportSection, Tone } from './html/report-page.js';
import { renderFullPacket, renderPlanVerdict, renderSawtooth } from './render-plan-verdict.js';
import { whatIfLead, whatIfSection } from './render-plan-what-if-page.js';
import type { ReportContext } from './report-context.js';
import { createTextStyle } from './text-style.js';

/** The terminal's wording without its lines: each paragraph whole, no colours. */
const PARAGRAPHS: ReportContext = { width: 100_000, style: createTextStyle(false) };

/** A plan as the charts and the HTML report take it. */
export function planReport(result: PlanResult): PlanReport {
  const { settings, clear, rows, chosen, fullPackets, sawtooth, alternatives, advice } = result;
  return {
    payloadBytes: settings.payloadBytes,
    rows: [...clear, ...rows],
    compareAtMtuBytes: chosen.linkMtuBytes,
    fullPackets: fullPackets.map(({ row, layers }) => ({ label: rowLabel(row), layers })),
    sawtooth: [{ label: rowLabel(chosen), points: sawtooth }],
    alternatives,
    advice,
  };
}

/** The HTML report: the terminal's verdict, then tables and charts; what became of recorded traffic first. */
export function planPage(result: PlanResult): ReportPage {
  const page = pageOfReport(planReport(result));
  const { whatIf } = result;
  const explanation: ReportSection[] = page.sections.map((section) =>
    section.heading === 'The MSS'
      ? { ...section, text: [...renderFullPacket(result, PARAGRAPHS), ...renderSawtooth(result, PARAGRAPHS)] }
      : section,
  );
  return {
    ...page,
    lead: whatIf === null ? verdictLead(result) : whatIfLead(result, whatIf),
    facts: factsOf(result),
    sections: whatIf === null ? explanation : [whatIfSection(whatIf), ...explanation],
  };
}

/** The style that colours the terminal tells here which tone a paragraph has. */
function verdictLead(result: PlanResult): LeadLine[] {
  const tones = new Map<string, Tone>();
  const note = (tone: Tone) => (text: string) => {
    tones.set(text, tone);
    return text;
  };
  const style = { ...PARAGRAPHS.style, good: note('good'), caution: note('caution'), bad: note('bad') };
  return renderPlanVerdict(result, { ...PARAGRAPHS, style }).map((text) => {
    const tone = tones.get(text);
    return tone === undefined ? { text } : { text, tone };
  });
}

function factsOf({ settings, chosen, chosenClear }: PlanResult): Fact[] {
  const { payloadBytes } = settings;
  return [
    {
      label: 'Payload',
      value: formatShare(payloadBytes, chosen.wireBytes),
      note: `of the wire; without IPsec ${formatShare(payloadBytes, chosenClear.wireBytes)}`,
    },
    {
      label: 'IPsec adds',
      value: formatBytes(securityBytes(chosen)),
      note: `${formatShare(securityBytes(chosen), chosen.wireBytes)} of the wire`,
    },
    { label: 'MSS', value: `${chosen.mssBytes}`, note: `path MTU ${chosen.pathMtuBytes}` },
    {
      label: 'Packets',
      value: formatCount(chosen.packets),
      note: `without IPsec ${formatCount(chosenClear.packets)}`,
    },
  ];
}
