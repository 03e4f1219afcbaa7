import type { RenderOptions } from '../analysis/render-analysis.js';
import { renderTable, type TableColumn } from '../text/table.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';

/** What hosts were found to pay. Times are nanoseconds of one core. */
export interface CalibrationSummary {
  readonly description: string;
  readonly origin: { readonly kernel: string; readonly qemu: string; readonly method: string };
  readonly packets: readonly PacketRow[];
  readonly pages: { readonly source: PageCosts; readonly destination: PageCosts };
}

interface PacketRow {
  readonly what: string;
  readonly send: PacketTimes;
  readonly receive: PacketTimes;
}

interface PacketTimes {
  readonly packetNs: number;
  readonly byteNs: number;
}

interface PageCosts {
  readonly pageNs: number;
  readonly zeroPageNs: number;
}

/** Payload of a full segment at MTU 1500. */
const PAYLOAD_BYTES = 1448;

const COLUMNS: readonly TableColumn[] = [
  { title: 'microseconds', minWidth: 16 },
  { title: 'send', align: 'right' },
  { title: 'a kilobyte', align: 'right' },
  { title: 'receive', align: 'right' },
  { title: 'a kilobyte', align: 'right' },
  { title: 'send 1448 B', align: 'right' },
];

const PAGE_COLUMNS: readonly TableColumn[] = [
  { title: 'microseconds', minWidth: 16 },
  { title: 'a page', align: 'right' },
  { title: 'a zero page', align: 'right' },
];

/** For reading in a terminal. */
export function renderCalibration(summary: CalibrationSummary, options: RenderOptions): string {
  const style = createTextStyle(options.color);
  const { width } = options;
  const { description, origin, packets, pages } = summary;
  const packetRows = packets.map(({ what, send, receive }) => [
    what,
    ...[send, receive].flatMap(({ packetNs, byteNs }) => [micro(packetNs), micro(byteNs * 1000)]),
    micro(send.packetNs + send.byteNs * PAYLOAD_BYTES),
  ]);
  const pageRows = [
    ['QEMU, source', pages.source],
    ['QEMU, destination', pages.destination],
  ] as const;
  const sections = [
    wrapText(`${description} Linux ${origin.kernel}, QEMU ${origin.qemu}.`, { width }),
    renderTable(COLUMNS, packetRows, { width, style }),
    renderTable(
      PAGE_COLUMNS,
      pageRows.map(([what, { pageNs, zeroPageNs }]) => [what, micro(pageNs), micro(zeroPageNs)]),
      { width, style },
    ),
    wrapText(origin.method, { width }).map(style.faint),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** Three digits are as good as it was measured. */
function micro(nanoseconds: number): string {
  const microseconds = nanoseconds / 1000;
  if (microseconds >= 100) return microseconds.toFixed(0);
  return microseconds.toFixed(microseconds >= 10 ? 1 : 2);
}
