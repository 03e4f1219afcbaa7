import type { ProtectionClass } from '../../analysis/analysis-summary.js';
import type { LiveSnapshot } from '../../monitor/live-snapshot.js';
import { PROTECTION_ORDER, PROTECTION_TITLES } from '../analysis/byte-shares.js';
import { formatBps, formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { sparkline } from '../text/sparkline.js';
import { type TableColumn, tableWidth } from '../text/table.js';
import { type LiveHistory, perSecond } from './live-history.js';
import { type LiveSection, tableSection } from './live-section.js';

const COLUMNS: readonly TableColumn[] = [
  { title: 'protection' },
  { title: 'now', align: 'right' },
  { title: 'packets/s', align: 'right', dispensable: 2 },
  { title: 'share', align: 'right', dispensable: 3 },
  { title: 'in all', align: 'right', dispensable: 4 },
];
const MIN_CURVE = 8;
const GAP = 2;
/** Widths of numbers that change: columns must not move each second. */
const RATE_WIDTH = 11;
const COUNT_WIDTH = 9;
const SHARE_WIDTH = 8;
const BYTES_WIDTH = 7;

/** Throughput by protection, with a curve of the last minutes on a common scale. */
export function trafficSection(
  snapshot: LiveSnapshot,
  history: LiveHistory,
  context: ReportContext,
): LiveSection {
  const { total } = snapshot;
  const classes = PROTECTION_ORDER.filter((name) => total.protection[name].packets > 0);
  const rows = classes.map((name) => trafficRow(name, snapshot, context));
  const room = context.width - tableWidth(COLUMNS, rows) - GAP;
  if (room < MIN_CURVE) return tableSection('protection', COLUMNS, rows, rows.length, context);
  const peak = history.peak(room);
  const title = peak === 0 ? '' : `up to ${formatBps(peak)}`;
  const withCurves = rows.map((row, i) => {
    const name = classes[i]!;
    const curve = sparkline(history.ratesOf(name, room), peak).padStart(room);
    return [...row, name === 'clear' ? context.style.bad(curve) : curve];
  });
  const columns: TableColumn[] = [...COLUMNS, { title: title.length <= room ? title : '', align: 'right' }];
  return tableSection('protection', columns, withCurves, rows.length, context);
}

function trafficRow(
  name: ProtectionClass,
  { interval, intervalNs, total }: LiveSnapshot,
  { style }: ReportContext,
): string[] {
  const { packets, bytes } = interval.protection[name];
  const title = PROTECTION_TITLES[name];
  return [
    name === 'clear' ? style.bad(title) : title,
    formatBps(perSecond(bytes * 8, intervalNs)).padStart(RATE_WIDTH),
    formatCount(perSecond(packets, intervalNs)).padStart(COUNT_WIDTH),
    formatShare(Math.max(0, bytes), interval.bytes).padStart(SHARE_WIDTH),
    formatBytes(total.protection[name].bytes).padStart(BYTES_WIDTH),
  ];
}
