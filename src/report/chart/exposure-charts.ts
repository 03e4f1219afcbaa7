import type { ExposureColumn } from '../exposure/exposure-columns.js';
import { PICTURE_KINDS, pagesOf, wayOf } from '../exposure/exposure-columns.js';
import type { BarChart, CurveChart, HistogramChart } from './chart-definition.js';
import { LINE_COLORS } from './chart-palette.js';

/** Bytes of entropy bins: `RandomnessSummary.entropyHistogram` has 32 for 8 bits. */
const BINS = 32;
/** Groups of bins that are drawn: half a bit each. */
const DRAWN_BINS = 16;

/** Pages by kind; null if no memory was rebuilt. */
export function pageKindChart(columns: readonly ExposureColumn[]): BarChart | null {
  const memories = columns.map(({ observation }) => observation.memories[0]);
  if (memories.every((memory) => memory === undefined)) return null;
  return {
    kind: 'stackedBar',
    id: 'exposure-pages',
    title: "Pages of the guest's memory that were rebuilt",
    categories: columns.map(({ title }) => title),
    value: { title: 'Memory', unit: 'bytes' },
    series: PICTURE_KINDS.filter(({ letter }) => letter !== '.' && letter !== '?').map(
      ({ letter, name, color }) => ({
        name,
        color,
        certainty: 'measured',
        values: memories.map((memory) =>
          memory === undefined ? 0 : pagesOf(memory, letter) * memory.pageBytes,
        ),
      }),
    ),
  };
}

/** How random payloads look; one series a capture, as shares, because captures differ in size. */
export function entropyChart(columns: readonly ExposureColumn[]): HistogramChart | null {
  const shown = columns.flatMap(({ title, observation, isKeyHolder }) => {
    const summary = observation.payloads[wayOf(observation)];
    return isKeyHolder || summary === undefined || summary.blocks === 0 ? [] : [{ title, summary }];
  });
  if (shown.length === 0) return null;
  const per = BINS / DRAWN_BINS;
  return {
    kind: 'histogram',
    id: 'exposure-entropy',
    title: 'Entropy of payloads',
    subtitle:
      'Bits a byte, of each payload of 1280 bytes and more, shorter ones put together; random bytes have about 7.87',
    bins: Array.from({ length: DRAWN_BINS }, (_, i) => ({
      from: (i * 8) / DRAWN_BINS,
      to: ((i + 1) * 8) / DRAWN_BINS,
    })),
    x: { title: 'Bits a byte', unit: 'count' },
    y: { title: 'Share of payloads', unit: 'share' },
    series: shown.map(({ title, summary }, series) => ({
      name: title,
      color: LINE_COLORS[series]!,
      certainty: 'measured',
      values: Array.from({ length: DRAWN_BINS }, (_, i) => {
        const blocks = summary.entropyHistogram.slice(i * per, (i + 1) * per).reduce((a, b) => a + b, 0);
        return blocks / summary.blocks;
      }),
    })),
  };
}

/** Rate over time of each capture's sender. */
export function rhythmCharts(columns: readonly ExposureColumn[]): CurveChart[] {
  return columns.flatMap(({ title, observation, isKeyHolder }, i) => {
    const { traffic } = observation;
    if (isKeyHolder || traffic === null) return [];
    const seconds = traffic.intervalNs / 1e9;
    return [
      {
        kind: 'steppedArea' as const,
        id: `exposure-rhythm-${i + 1}`,
        title: `What the sender's rhythm shows, ${title}`,
        subtitle:
          'Wire bytes from the sending host over time; lines where it pauses longer than it usually does',
        x: { title: 'Time', unit: 'seconds' as const },
        y: { title: 'Rate', unit: 'bitsPerSecond' as const },
        series: [
          {
            name: 'Sent',
            color: LINE_COLORS[i] ?? 'blue',
            certainty: 'measured' as const,
            points: [...traffic.bytesOverTime, 0].map((bytes, at) => ({
              x: at * seconds,
              y: (bytes * 8) / seconds,
            })),
          },
        ],
        references: traffic.pauses.slice(0, 12).map(({ fromNs }) => ({ x: fromNs / 1e9, label: '' })),
      },
    ];
  });
}
