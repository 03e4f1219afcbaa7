import type { AnalysisSummary, ErrorSummary, InputSummary } from '../../analysis/analysis-summary.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatBytes, formatCount, formatCounted, formatShare } from '../text/format-quantity.js';
import { type ReportContext, renderRest } from '../text/report-context.js';
import { shortenMiddle, wrapText } from '../text/wrap-text.js';

const MAX_INPUTS = 4;
const MAX_ERRORS = 5;

/** One line for each input file. */
export function renderInputs(inputs: readonly InputSummary[], context: ReportContext): string[] {
  const shown = inputs.slice(0, MAX_INPUTS);
  const lines = shown.map((input) => {
    const facts = `: ${describeInput(input)}`;
    const room = Math.max(12, context.width - facts.length);
    return shortenMiddle(escapeTerminal(input.path), room) + facts;
  });
  return [
    ...lines.flatMap((line) => wrapText(line, { width: context.width, rest: '  ' })),
    ...renderRest(inputs.length, shown.length, context),
  ];
}

function describeInput(input: InputSummary): string {
  const format = input.format === null ? 'unknown format' : input.format + (input.compressed ? ', gzip' : '');
  const linkTypes = input.linkTypes.map(escapeTerminal).join('+');
  const mtu =
    input.frames > 0 ? `MTU ${input.mtu.certainty === 'inferred' ? '~' : ''}${input.mtu.bytes}` : '';
  return [format, linkTypes, formatCounted(input.frames, 'frame'), mtu]
    .filter((part) => part !== '')
    .join(', ');
}

/** Fragmentation, what the tap added or lost, malformed packets, broken inputs: a paragraph each, if there is any. */
export function renderRemarks(summary: AnalysisSummary, context: ReportContext): string[] {
  const { width, style } = context;
  const remark = (text: string) => (text === '' ? [] : wrapText(text, { width, rest: '  ' }));
  return [
    ...remark(describeFragmentation(summary)),
    ...remark(describeTap(summary)),
    ...remark(describeLosses(summary)).map(style.caution),
    ...remark(describeNotAnalysed(summary)).map(style.caution),
    ...renderErrors(summary.errors, context),
    ...renderInputErrors(summary.inputs, context),
  ];
}

function describeFragmentation({ fragmentation, wire }: AnalysisSummary): string {
  const { fragments, datagrams, incomplete, overlaps, overheadBytes } = fragmentation;
  if (wire.packets === 0) return '';
  const tooBig = describePacketTooBig(fragmentation);
  if (fragments === 0) return `No fragments.${tooBig} ${describeDontFragment(fragmentation)}`.trimEnd();
  const troubles = [
    incomplete > 0 ? `${formatCount(incomplete)} incomplete` : '',
    overlaps > 0 ? `${formatCount(overlaps)} overlapping` : '',
  ].filter((part) => part !== '');
  const list = troubles.length > 0 ? ` (${troubles.join(', ')})` : '';
  const cost = `${formatBytes(overheadBytes)} of extra headers, ${formatShare(overheadBytes, wire.bytes)} of the wire`;
  return (
    `Fragmentation: ${formatCounted(datagrams, 'datagram')} in ${formatCounted(fragments, 'fragment')}${list}, ${cost}.` +
    `${tooBig} ${describeDontFragment(fragmentation)}`
  ).trimEnd();
}

function describePacketTooBig({ packetTooBig, packetTooBigMtus }: AnalysisSummary['fragmentation']): string {
  if (packetTooBig === 0) return '';
  const mtus = packetTooBigMtus.length > 0 ? ` (MTU ${packetTooBigMtus.slice(0, 6).join(', ')})` : '';
  return ` ${formatCounted(packetTooBig, 'packet-too-big message')}${mtus}.`;
}

function describeDontFragment({ dontFragment }: AnalysisSummary['fragmentation']): string {
  const total = dontFragment.set + dontFragment.clear;
  return total === 0 ? '' : `Don't Fragment is set on ${formatShare(dontFragment.set, total)} of IPv4.`;
}

function describeTap({ frames }: AnalysisSummary): string {
  const parts = [
    frames.decapsulatedCopies > 0
      ? formatCounted(frames.decapsulatedCopies, 'decapsulated copy', 'decapsulated copies')
      : '',
    frames.superFrames > 0 ? formatCounted(frames.superFrames, 'offloaded super-frame') : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `The tap saw what the wire did not, left out above: ${parts.join(', ')}.`;
}

function describeLosses({ frames, inputs }: AnalysisSummary): string {
  const drops = inputs.reduce((sum, input) => sum + (input.reportedDrops ?? 0), 0);
  const parts = [
    frames.cutBySnaplen > 0
      ? `${formatCounted(frames.cutBySnaplen, 'frame')} cut by the snapshot length`
      : '',
    drops > 0 ? `${formatCounted(drops, 'packet')} dropped by the capture` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `The tap missed: ${parts.join('; ')}.`;
}

/** What a live capture that fell behind left to a later analysis of its file. */
function describeNotAnalysed({ inputs }: AnalysisSummary): string {
  const count = inputs.reduce((sum, { notAnalysed = 0 }) => sum + notAnalysed, 0);
  if (count === 0) return '';
  const were = count === 1 ? 'was' : 'were';
  return `Not in this report: ${formatCounted(count, 'packet')} that ${were} written but came too fast to be analysed. What looks lost above may be among them.`;
}

function renderErrors(errors: readonly ErrorSummary[], context: ReportContext): string[] {
  const shown = errors.toSorted((a, b) => b.count - a.count).slice(0, MAX_ERRORS);
  const lines = shown.flatMap((error) => {
    const [example] = error.examples;
    const where =
      example === undefined
        ? ''
        : `: ${example.file} packet ${formatCount(example.packet)}, ${example.message}`;
    const text = `Malformed, ${escapeTerminal(error.kind)}: ${formatCounted(error.count, 'packet')}${escapeTerminal(where)}`;
    return wrapText(text, { width: context.width, rest: '  ' }).map(context.style.caution);
  });
  return [...lines, ...renderRest(errors.length, shown.length, context)];
}

function renderInputErrors(inputs: readonly InputSummary[], { width, style }: ReportContext): string[] {
  return inputs.flatMap(({ path, format, frames, error }) => {
    if (error === null) return [];
    if (format === null) {
      const name = error.message.startsWith(path) ? '' : `${path}: `;
      return wrapText(escapeTerminal(`Unreadable input ${name}${error.message}`), { width, rest: '  ' }).map(
        style.bad,
      );
    }
    const extent =
      frames === 0
        ? 'nothing of it is in this report'
        : `only its first ${formatCounted(frames, 'frame')} are in this report`;
    const text = `Broken input ${path}: ${error.message} (${extent})`;
    return wrapText(escapeTerminal(text), { width, rest: '  ' }).map(style.bad);
  });
}
