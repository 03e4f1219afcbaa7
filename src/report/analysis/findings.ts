import type { AnalysisSummary } from '../../analysis/analysis-summary.js';
import { lookedFor } from '../../analysis/findings/detectors.js';
import { type Finding, SEVERITIES, type Severity } from '../../analysis/findings/finding.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount, formatCounted } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { wrapText } from '../text/wrap-text.js';

/** Findings of one kind that the terminal shows, and how many kinds. */
const MAX_ALIKE = 2;
const MAX_KINDS = 8;
const MAX_PACKETS = 4;

export const SEVERITY_TONES: Readonly<Record<Severity, 'bad' | 'caution' | 'faint'>> = {
  high: 'bad',
  medium: 'caution',
  low: 'caution',
  info: 'faint',
};

/** Findings that are alike but for where they show, the worst kind first. */
export function findingsByKind(findings: readonly Finding[]): Finding[][] {
  const kinds = new Map<string, Finding[]>();
  for (const finding of findings) {
    const kind = `${finding.id} ${finding.severity} ${finding.title}`;
    const alike = kinds.get(kind);
    if (alike === undefined) kinds.set(kind, [finding]);
    else alike.push(finding);
  }
  return [...kinds.values()];
}

/** `1 high, 2 low`; what was looked for where there is nothing. */
export function describeFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return `Nothing suspicious found. Looked for: ${lookedFor().join('; ')}.`;
  const counts = SEVERITIES.toReversed().flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${formatCount(count)} ${severity}`];
  });
  return `${formatCounted(findings.length, 'finding')}: ${counts.join(', ')}`;
}

/** The page lists all that was looked for; in the terminal there is a screen for everything. */
const SILENCE = 'Nothing suspicious found: no leak, weak suite, replay, spoofing or forgery.';

/** Each kind of finding: what, where, what to do. Nothing for a capture without packets. */
export function renderFindings({ findings, wire }: AnalysisSummary, context: ReportContext): string[] {
  const { width, style } = context;
  if (findings.length === 0) {
    if (wire.packets === 0) return [];
    return wrapText(SILENCE, { width, rest: '  ' }).map(style.faint);
  }
  const kinds = findingsByKind(findings);
  const rest = kinds.length - MAX_KINDS;
  return [
    ...wrapText(describeFindings(findings), { width }).map(style.heading),
    ...kinds.slice(0, MAX_KINDS).flatMap((alike) => renderKind(alike, context)),
    ...(rest > 0 ? [style.faint(`  … and ${formatCounted(rest, 'kind')} more (--json has all)`)] : []),
  ];
}

function renderKind(alike: readonly Finding[], { width, style }: ReportContext): string[] {
  const { id, severity, title, remedy } = alike[0]!;
  const heading = `${severity.toUpperCase()} ${title} [${id}]`;
  const more = alike.length - MAX_ALIKE;
  return [
    ...wrapText(escapeTerminal(heading), { width, rest: '  ' }).map(style[SEVERITY_TONES[severity]]),
    ...alike.slice(0, MAX_ALIKE).flatMap((finding) => {
      return wrapText(escapeTerminal(describeEvidence(finding)), { width, first: '  ' });
    }),
    ...(more > 0 ? [style.faint(`  … and ${formatCount(more)} more like this (--json has all)`)] : []),
    ...wrapText(escapeTerminal(`Remedy: ${remedy}`), { width, first: '  ' }).map(style.faint),
  ];
}

/** `10.0.0.1 > 10.0.0.2: what was seen. Packets 3, 17, 20 of FILE`; text from captures is in it as it is. */
export function describeEvidence({ evidence }: Finding): string {
  const { facts, source, destination } = evidence;
  const ends = [source, destination].filter((end) => end !== null).join(' > ');
  const where = describePackets(evidence);
  return `${ends === '' ? '' : `${ends}: `}${facts}${where === '' ? '' : ` ${where}`}`;
}

export function describePackets({ packets, count }: Finding['evidence']): string {
  const [first] = packets;
  if (first === undefined) return '';
  const shown = packets.filter(({ file }) => file === first.file).slice(0, MAX_PACKETS);
  const numbers = shown.map(({ packet }) => formatCount(packet)).join(', ');
  const noun = count === 1 ? 'Packet' : 'Packets';
  return `${noun} ${numbers}${count > shown.length ? ', …' : ''} of ${first.file}.`;
}
