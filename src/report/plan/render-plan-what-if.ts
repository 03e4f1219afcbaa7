import { PLAN_LAYERS, type PlanLayer } from '../../plan/layer-totals.js';
import type { PlanResult } from '../../plan/plan-result.js';
import {
  KEPT_REASONS,
  type KeptReason,
  type ObservedTraffic,
  type WhatIfReport,
  type WhatIfRow,
} from '../../plan/what-if-report.js';
import { LAYER_TITLES } from '../analysis/byte-shares.js';
import { protectionName } from '../run/protection-name.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatChange } from '../text/format-change.js';
import { formatBytes, formatCount, formatCounted, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { shortenMiddle, wrapText } from '../text/wrap-text.js';
import { renderSampleNote, sampleRows } from './render-plan-rows.js';

const REASONS: Readonly<Record<KeptReason, string>> = {
  notTcp: 'not TCP',
  handshake: 'opening or closing a connection',
  retransmitted: 'sent again or late',
  tcpOptions: 'with unusual TCP options (SACK)',
  fragments: 'in fragments',
  closed: 'ESP of unknown suite: give --keys',
  unusual: 'cut, malformed or in other tunnels',
};

/** Layers that can be seen whether ESP is opened or not. */
const SEEN_OUTSIDE: readonly PlanLayer[] = ['link', 'ip', 'udpEncap', 'ah', 'espHeader', 'other'];

/** Recorded traffic as it would have been, and what of it was really calculated. */
export function renderWhatIf(result: PlanResult, report: WhatIfReport, context: ReportContext): string[] {
  const asked = askedRow(result, report);
  const { width, style } = context;
  return [
    ...describeWhatIf(result, report).flatMap(({ text, isBad }) =>
      wrapText(text, { width }).map(isBad ? style.bad : style.heading),
    ),
    ...describeMethod(report).flatMap((text) => wrapText(text, { width })),
    '',
    ...renderRows(result, report, asked, context),
    '',
    ...renderLayers(report.traffic, asked, context),
  ];
}

/** What was asked for, and whether it would fragment. */
export function describeWhatIf(result: PlanResult, report: WhatIfReport): { text: string; isBad: boolean }[] {
  const asked = askedRow(result, report);
  const warning = 'Full segments would be FRAGMENTED: choose a smaller MSS or a larger MTU.';
  return [
    { text: headline(result, report, asked), isBad: false },
    ...(asked.fragmented ? [{ text: warning, isBad: true }] : []),
    ...describeSuperFrames(report.traffic).map((text) => ({ text, isBad: true })),
  ];
}

/** A sending host with offloads on records nearly all of its data so. */
function describeSuperFrames({ superFrames, captured }: ObservedTraffic): string[] {
  const { frames, bytes } = superFrames;
  if (frames === 0) return [];
  const share = formatShare(bytes, captured.wireBytes + bytes);
  return [
    `Left out: ${share} of what was captured, ${formatBytes(bytes)} in ${formatCounted(frames, 'super-frame')} that offloads put ` +
      'together. All figures are of the rest: capture with offloads off (ethtool -K DEVICE tso off gso off gro off lro off) or at a switch.',
  ];
}

/** The row of what was asked for. */
export function askedRow({ chosen }: PlanResult, { rows }: WhatIfReport): WhatIfRow {
  return rows.find(
    ({ esp, ah, linkMtuBytes, mssBytes }) =>
      esp === chosen.esp &&
      ah === chosen.ah &&
      linkMtuBytes === chosen.linkMtuBytes &&
      (mssBytes === null || mssBytes === chosen.mssBytes),
  )!;
}

function headline({ settings }: PlanResult, { paths, traffic }: WhatIfReport, asked: WhatIfRow): string {
  const { captured } = traffic;
  const [first = ''] = paths;
  const name =
    shortenMiddle(escapeTerminal(first), 40) + (paths.length > 1 ? ` and ${paths.length - 1} more` : '');
  const mode = `${settings.mode} mode${asked.udpEncap ? ' in UDP' : ''}`;
  const mss = asked.mssBytes === null ? '' : `, MSS ${asked.mssBytes}`;
  const bytes = asked.wireBytes - captured.wireBytes;
  const packets = asked.packets - captured.packets;
  const change =
    bytes === 0 && packets === 0
      ? 'exactly what was captured'
      : `${describeChange(bytes, captured.wireBytes, 'bytes')} and ${describeChange(packets, captured.packets, 'packets')} than captured`;
  return (
    `${name} with ${protectionName(asked)}, ${mode}, MTU ${asked.linkMtuBytes}${mss}: ${formatBytes(asked.wireBytes)} ` +
    `in ${formatCounted(asked.packets, 'packet')}, ${change}.`
  );
}

/** What was calculated, what was kept, and how certain that is: a paragraph each. */
export function describeMethod({ traffic }: WhatIfReport): string[] {
  const { captured, resegmented, flows, kept, inferredPackets } = traffic;
  const keptPackets = captured.packets - resegmented.packets;
  if (flows.length === 0) return ['Nothing in it could be cut into segments anew: all is counted as it was.'];
  const share = formatShare(resegmented.wireBytes, captured.wireBytes);
  const reasons = KEPT_REASONS.filter((reason) => kept[reason] > 0).map(
    (reason) => `${formatCount(kept[reason])} ${REASONS[reason]}`,
  );
  return [
    `Cut anew: ${formatCounted(resegmented.packets, 'packet')} of ${formatCounted(flows.length, 'flow')}, ${share} of the bytes; their ` +
      'acknowledgements follow the number of segments.' +
      (keptPackets === 0
        ? ''
        : ` Kept as captured: ${formatCounted(keptPackets, 'packet')} (${reasons.join(', ')}).`),
    ...(inferredPackets === 0
      ? []
      : [
          `~ ${formatCounted(inferredPackets, 'packet')} in ESP that was not opened: payloads inferred from lengths, to within a ` +
            'cipher block. Give --keys to measure.',
        ]),
  ];
}

function renderRows(
  { settings }: PlanResult,
  { rows, traffic }: WhatIfReport,
  asked: WhatIfRow,
  context: ReportContext,
): string[] {
  const { captured } = traffic;
  const mark = traffic.inferredPackets > 0 ? '~' : '';
  const columns: TableColumn[] = [
    { title: 'what if', minWidth: 16 },
    { title: 'MTU', align: 'right' },
    { title: 'MSS', align: 'right' },
    { title: 'packets', align: 'right' },
    { title: 'change', align: 'right' },
    { title: 'wire bytes', align: 'right' },
    { title: 'change', align: 'right' },
    { title: '' },
  ];
  const shown = sampleRows(rows, [asked]);
  const cells = shown.map((row) => [
    protectionName(row),
    `${row.linkMtuBytes}`,
    row.mssBytes === null ? 'auto' : `${row.mssBytes}`,
    mark + formatCount(row.packets),
    formatChange(row.packets - captured.packets, captured.packets),
    mark + formatCount(row.wireBytes),
    formatChange(row.wireBytes - captured.wireBytes, captured.wireBytes),
    row.fragmented
      ? 'FRAGMENTS'
      : row === asked && rows.length > settings.protections.length + 1
        ? 'best'
        : '',
  ]);
  const own = [
    'as captured',
    '',
    '',
    formatCount(captured.packets),
    '',
    formatCount(captured.wireBytes),
    '',
    '',
  ];
  return [
    ...renderTable(columns, [own, ...cells], context),
    ...renderSampleNote(rows.length, shown.length, context),
  ];
}

/** Sizes behind the header of ESP that was not opened are inferred. */
function renderLayers(
  { captured, inferredPackets }: ObservedTraffic,
  asked: WhatIfRow,
  context: ReportContext,
): string[] {
  const layers = PLAN_LAYERS.filter((layer) => captured.layers[layer] > 0 || asked.layers[layer] > 0);
  const columns: TableColumn[] = [
    { title: 'bytes by layer' },
    { title: 'as captured', align: 'right' },
    { title: `${protectionName(asked)}, MTU ${asked.linkMtuBytes}`, align: 'right', minWidth: 14 },
    { title: 'difference', align: 'right' },
  ];
  const mark = (layer: PlanLayer) => (inferredPackets > 0 && !SEEN_OUTSIDE.includes(layer) ? '~' : '');
  const cells = layers.map((layer) => {
    const difference = asked.layers[layer] - captured.layers[layer];
    return [
      LAYER_TITLES[layer],
      mark(layer) + formatCount(captured.layers[layer]),
      mark(layer) + formatCount(asked.layers[layer]),
      difference === 0 ? '-' : `${difference > 0 ? '+' : ''}${formatCount(difference)}`,
    ];
  });
  return renderTable(columns, cells, context);
}

/** `2.4 % fewer bytes` */
function describeChange(change: number, of: number, what: string): string {
  if (change === 0) return `no more ${what}`;
  return `${formatShare(Math.abs(change), of)} ${change > 0 ? 'more' : 'fewer'} ${what}`;
}
