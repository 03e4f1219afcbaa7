import stringWidth from 'string-width';
import type { LiveSnapshot } from '../../monitor/live-snapshot.js';
import { markCertainty } from '../analysis/certainty-mark.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import {
  formatBps,
  formatCount,
  formatCounted,
  formatSeconds,
  formatShare,
  secondsBetween,
} from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { createTextStyle, type TextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import { associationSection } from './association-section.js';
import { findingSection } from './finding-section.js';
import { type LiveHistory, perSecond } from './live-history.js';
import { fitSections } from './live-section.js';
import { migrationSection } from './migration-section.js';
import { trafficSection } from './traffic-section.js';

export interface LiveViewOptions {
  /** What is captured. */
  readonly title: string;
  /** Of the terminal. No line is wider, and there are no more lines. */
  readonly width: number;
  readonly height: number;
  readonly color: boolean;
}

/** Terminals narrower than this get what fits of lines laid out for this width. */
const MIN_WIDTH = 40;

/**
 * The view of a capture that goes on: what goes over the wire now, what was lost, then as much as there is room for of protection,
 * migrations, findings and SAs. Text from captures is escaped. `history` is to have this snapshot already.
 */
export function renderLive(snapshot: LiveSnapshot, history: LiveHistory, options: LiveViewOptions): string[] {
  const context = { width: Math.max(MIN_WIDTH, options.width), style: createTextStyle(options.color) };
  const head = [
    headline(snapshot, options.title, context),
    ...describeTraffic(snapshot, context),
    ...describeDrops(snapshot, context),
    ...describeNotAnalysed(snapshot, context),
  ];
  const sections = fitSections(
    [
      trafficSection(snapshot, history, context),
      migrationSection(snapshot, context),
      findingSection(snapshot, context),
      associationSection(snapshot, context),
    ],
    options.height - head.length,
  );
  const lines = [...head, ...sections.flatMap((drawn) => ['', ...drawn])];
  return lines.slice(0, options.height).map((line) => cutLine(line, options.width, context.style));
}

function headline(
  { timeNs, startNs, frames }: LiveSnapshot,
  title: string,
  { width, style }: ReportContext,
): string {
  const since = formatSeconds(Math.max(0, Math.floor(secondsBetween(startNs, timeNs))));
  const right = `${since}, ${formatCounted(frames.total, 'frame')}`;
  const left = `tare capture ${escapeTerminal(title)}`;
  const room = width - stringWidth(left) - stringWidth(right);
  return room < 2 ? style.heading(left) : style.heading(left) + ' '.repeat(room) + style.faint(right);
}

function describeTraffic({ interval, intervalNs }: LiveSnapshot, { width }: ReportContext): string[] {
  const rate = formatBps(perSecond(interval.bytes * 8, intervalNs));
  const packets = formatCount(perSecond(interval.packets, intervalNs));
  const goodput = formatBps(perSecond(interval.goodputBytes * 8, intervalNs));
  const share = formatShare(interval.ipsecBytes, interval.bytes);
  const overhead = interval.ipsecBytes === 0 ? 'none' : markCertainty(share, interval.ipsecCertainty);
  const text = `${rate}, ${packets} packets/s; goodput ${goodput}; IPsec overhead ${overhead}`;
  return wrapText(text, { width });
}

function describeDrops({ drops }: LiveSnapshot, { width, style }: ReportContext): string[] {
  const lost = drops.kernel + drops.interface;
  if (lost === 0) return [style.faint('no frame lost')];
  const parts = [
    drops.kernel > 0 ? `${formatCount(drops.kernel)} by the kernel` : '',
    drops.interface > 0 ? `${formatCount(drops.interface)} by the interface` : '',
  ].filter((part) => part !== '');
  return wrapText(`${formatCounted(lost, 'frame')} LOST: ${parts.join(', ')}`, { width }).map(style.bad);
}

function describeNotAnalysed({ notAnalysed }: LiveSnapshot, { width, style }: ReportContext): string[] {
  if (notAnalysed === 0) return [];
  const text = `${formatCounted(notAnalysed, 'frame')} written but not analysed: more came than could be`;
  return wrapText(text, { width }).map(style.caution);
}

/** Lines of a terminal too narrow for them; a cut line has no colours. */
function cutLine(line: string, width: number, style: TextStyle): string {
  if (stringWidth(line) <= width) return line;
  let cut = '';
  for (const character of withoutStyle(line)) {
    if (stringWidth(cut + character) > width - 1) break;
    cut += character;
  }
  return style.faint(`${cut}…`);
}

function withoutStyle(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how colours are written
  return line.replace(/\u001b\[[\d;]*m/g, '');
}
