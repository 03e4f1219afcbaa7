import { calculatePlan, type FullPacket, type PlanResult } from '../../plan/plan-result.js';
import { countRows, numbersIn } from '../../plan/plan-settings.js';
import type { PlanRow } from '../../plan/rows.js';
import { type MtuCurve, type PlanReport, rowLabel } from '../chart/plan-report.js';
import { costFact, planPage as pageOfReport } from '../html/render-plan-html.js';
import type { Fact, LeadLine, ReportPage, ReportSection, ReportTable, Tone } from '../html/report-page.js';
import { formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle } from '../text/text-style.js';
import { type AlikeSuites, groupAlikeSuites } from './alike-suites.js';
import { renderFullPacket, renderPlanVerdict, renderSawtooth } from './render-plan-verdict.js';
import { whatIfFacts, whatIfLead, whatIfSection } from './render-plan-what-if-page.js';

/** The terminal's wording without its lines: each paragraph whole, no colours. */
const PARAGRAPHS: ReportContext = { width: 100_000, style: createTextStyle(false) };

/** Enough for a smooth curve. */
const MAX_CURVE_POINTS = 300;
/** What may be computed for it: half a second. */
const MAX_CURVE_ROWS = 50_000;
const LARGEST_BLOCK_BYTES = 16;

/** A plan as the charts and the HTML report take it. Suites of the same sizes are one line in them, under the first name. */
export function planReport(result: PlanResult): PlanReport {
  const { settings, clear, chosen, fullPackets, sawtooth, alternatives, advice } = result;
  const groups = groupAlikeSuites(result);
  const packets = [fullPackets[0]!, ...groups.map((group) => renamedPacket(fullPackets, group))];
  return {
    payloadBytes: settings.payloadBytes,
    rows: [...clear, ...groups.flatMap((group) => group.rows.map((row) => renamed(row, group)))],
    ...mtuCurve(result, groups),
    compareAtMtuBytes: chosen.linkMtuBytes,
    fullPackets: packets.map(({ row, layers }) => ({ label: rowLabel(row), layers })),
    sawtooth: [{ label: rowLabel(chosen), points: sawtooth }],
    alternatives,
    advice,
  };
}

/**
 * Between MTUs that lie apart, efficiency is no straight line: what lies between them is computed too. All of it, or so much that a
 * curve is one, at a multiple of the largest cipher block from each other, so that padding is alike in all.
 */
function mtuCurve(result: PlanResult, groups: readonly AlikeSuites[]): { mtuCurve?: MtuCurve } {
  const { settings } = result;
  const askedMtus = numbersIn(settings.linkMtus).sort((a, b) => a - b);
  const [least, most] = [askedMtus[0]!, askedMtus.at(-1)!];
  const span = most - least;
  const [asked, ...others] = groups.map(({ index }) => settings.protections[index]!);
  const onlyThese = { ...settings, protections: [asked!, ...others] } as const;
  const rowsEach = countRows({ ...onlyThese, linkMtus: [{ from: least, to: least }] });
  const points = Math.max(1, Math.min(MAX_CURVE_POINTS, Math.floor(MAX_CURVE_ROWS / rowsEach)));
  if (askedMtus.length === 1 || askedMtus.length > Math.min(span, points)) return {};
  const stepBytes = span <= points ? 1 : LARGEST_BLOCK_BYTES * Math.ceil(span / LARGEST_BLOCK_BYTES / points);
  const linkMtus = [{ from: least, to: most, step: stepBytes }, ...settings.linkMtus];
  const { clear, rows } = calculatePlan({ ...onlyThese, linkMtus });
  const rowsOfGroup = rows.length / groups.length;
  const named = rows.map((row, i) => renamed(row, groups[Math.floor(i / rowsOfGroup)]!));
  return { mtuCurve: { rows: [...clear, ...named], stepBytes, askedMtus } };
}

function renamedPacket(fullPackets: readonly FullPacket[], group: AlikeSuites): FullPacket {
  const { row, layers } = fullPackets[group.index + 1]!;
  return { row: renamed(row, group), layers };
}

/** `null-sha1 (readable, 5 alike)` */
function renamed(row: PlanRow, { names, weakness }: AlikeSuites): PlanRow {
  const alike = names.length === 1 ? '' : `${names.length - 1} alike`;
  const notes = [weakness, alike].filter((note) => note !== '');
  if (notes.length === 0) return row;
  const rest = ` (${notes.join(', ')})`;
  return row.esp === null ? { ...row, ah: row.ah + rest } : { ...row, esp: row.esp + rest };
}

/** Names behind "8 alike"; none if each suite has sizes of its own. */
function alikeTable(result: PlanResult): ReportTable[] {
  const groups = groupAlikeSuites(result).filter(({ names }) => names.length > 1);
  if (groups.length === 0) return [];
  const rows = groups.map(({ names: [first, ...rest] }) => [first!, rest.join(', ')]);
  const columns = [{ title: 'Suite' }, { title: 'Alike' }];
  return [{ caption: 'Suites of the same sizes', columns, rows }];
}

/** The HTML report: the terminal's verdict, then tables and charts; what became of recorded traffic first. */
export function planPage(result: PlanResult): ReportPage {
  const page = pageOfReport(planReport(result));
  const { whatIf } = result;
  const sections = page.sections.map((section) => explained(section, result));
  return {
    ...page,
    lead: whatIf === null ? verdictLead(result) : whatIfLead(result, whatIf),
    facts: whatIf === null ? factsOf(result) : whatIfFacts(result, whatIf),
    sections: whatIf === null ? sections : [whatIfSection(whatIf), ...sections],
  };
}

function explained(section: ReportSection, result: PlanResult): ReportSection {
  const { heading, tables = [] } = section;
  if (heading === 'The suites compared') return { ...section, tables: [...tables, ...alikeTable(result)] };
  if (heading !== 'The MSS') return section;
  return {
    ...section,
    text: [...renderFullPacket(result, PARAGRAPHS), ...renderSawtooth(result, PARAGRAPHS)],
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
    costFact(chosen, chosenClear),
    { label: 'MSS', value: `${chosen.mssBytes}`, note: `path MTU ${chosen.pathMtuBytes}` },
    {
      label: 'Packets',
      value: formatCount(chosen.packets),
      note: `without IPsec ${formatCount(chosenClear.packets)}`,
    },
  ];
}
