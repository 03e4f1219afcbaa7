import type {
  AnalysisSummary,
  LayerBytes,
  ProtectionClass,
  ReportedLayer,
} from '../../analysis/analysis-summary.js';
import { formatBytes, formatCount, formatShare } from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { renderTable, type TableColumn, tableWidth } from '../text/table.js';
import { wrapText } from '../text/wrap-text.js';
import { CERTAINTY_LEGEND, markCertainty } from './certainty-mark.js';

/** In the order of the table: what was carried, what every network adds, what IPsec adds. */
export const LAYER_TITLES: Readonly<Record<ReportedLayer, string>> = {
  payload: 'payload',
  transport: 'TCP, UDP headers',
  innerIp: 'inner IP headers',
  ip: 'IP headers',
  link: 'link headers',
  ah: 'AH',
  udpEncap: 'UDP around ESP',
  espHeader: 'ESP header',
  espIv: 'ESP IV',
  espPadding: 'ESP padding',
  espTrailer: 'ESP trailer',
  espIcv: 'ESP ICV',
  other: 'other',
};

export const PROTECTION_TITLES: Readonly<Record<ProtectionClass, string>> = {
  ahEsp: 'AH and ESP',
  esp: 'ESP',
  ah: 'AH',
  clear: 'in the clear',
  ike: 'IKE',
  notIp: 'not IP',
};

const LAYER_ORDER = Object.keys(LAYER_TITLES) as ReportedLayer[];
export const PROTECTION_ORDER = Object.keys(PROTECTION_TITLES) as ProtectionClass[];

const MIN_BAR = 8;
const MAX_BAR = 60;
/** Limits of estimates stand beside them on terminals at least so wide. */
const WIDTH_FOR_LIMITS = 100;

/** One line of a table of shares. */
interface Share {
  readonly title: string;
  readonly bytes: number;
  /** Cells right of the bar and the percentage. */
  readonly cells: readonly string[];
  readonly mark?: (text: string) => string;
}

/** Bytes by protection class, with a bar each. */
export function renderProtection(summary: AnalysisSummary, context: ReportContext): string[] {
  const classes = PROTECTION_ORDER.filter((kind) => summary.protection[kind].packets > 0);
  if (classes.length === 0) return [];
  const shares = classes.map((kind) => {
    const { packets, bytes } = summary.protection[kind];
    const cells = [formatBytes(bytes), formatCount(packets)];
    const share = { title: PROTECTION_TITLES[kind], bytes, cells };
    return kind === 'clear' ? { ...share, mark: context.style.bad } : share;
  });
  const columns: TableColumn[] = [
    { title: 'bytes', align: 'right' },
    { title: 'packets', align: 'right' },
  ];
  return renderShares('protection', columns, shares, summary.wire.bytes, context);
}

/** Where every byte went, largest consumers of each kind in a fixed order. */
export function renderLayers(summary: AnalysisSummary, context: ReportContext): string[] {
  const layers = LAYER_ORDER.filter((layer) => isPresent(summary.bytes[layer]));
  if (layers.length === 0) return [];
  const shares = layers.map((layer) => {
    const { bytes, certainty, min, max } = summary.bytes[layer];
    const limits = certainty === 'bounded' ? `${formatCount(min ?? 0)}..${formatCount(max ?? bytes)}` : '';
    return {
      title: LAYER_TITLES[layer],
      bytes,
      cells: [markCertainty(formatCount(bytes), certainty), limits],
    };
  });
  const columns: TableColumn[] = [{ title: 'bytes', align: 'right' }];
  if (context.width >= WIDTH_FOR_LIMITS && shares.some(({ cells }) => cells[1] !== '')) {
    columns.push({ title: 'between', align: 'right' });
  }
  return [
    ...renderShares('where the bytes went', columns, shares, summary.wire.bytes, context),
    ...renderLegend(summary, layers, context),
  ];
}

function isPresent({ bytes, max }: LayerBytes): boolean {
  return bytes > 0 || (max ?? 0) > 0;
}

function renderLegend(
  summary: AnalysisSummary,
  layers: readonly ReportedLayer[],
  { width, style }: ReportContext,
): string[] {
  if (layers.every((layer) => summary.bytes[layer].certainty === 'measured')) return [];
  return wrapText(CERTAINTY_LEGEND, { width, first: '  ' }).map(style.faint);
}

/** A table with a bar in each line, which takes the room that the other columns leave. */
function renderShares(
  title: string,
  columns: readonly TableColumn[],
  shares: readonly Share[],
  whole: number,
  context: ReportContext,
): string[] {
  const before: TableColumn[] = [{ title }, { title: 'share', align: 'right' }];
  const rows = shares.map(({ title: name, bytes, cells, mark = (text) => text }) => [
    mark(name),
    formatShare(bytes, whole),
    ...cells,
  ]);
  const gap = 2;
  const room = context.width - tableWidth([...before, ...columns], rows) - gap;
  if (room < MIN_BAR) return renderTable([...before, ...columns], rows, context);
  const withBars = shares.map(({ bytes, mark = (text) => text }, i) => {
    const [name = '', ...rest] = rows[i] ?? [];
    return [name, mark(bar(bytes, whole, Math.min(room, MAX_BAR))), ...rest];
  });
  const [first, share] = before as [TableColumn, TableColumn];
  return renderTable([first, { title: '' }, share, ...columns], withBars, context);
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of at most `columns` columns, to an eighth of one; never empty for a part above zero. */
export function bar(part: number, whole: number, columns: number): string {
  const eighths = whole === 0 ? 0 : Math.round((Math.min(part, whole) / whole) * columns * 8);
  const visible = part > 0 ? Math.max(1, eighths) : 0;
  return '█'.repeat(visible >> 3) + EIGHTHS[visible & 7];
}
