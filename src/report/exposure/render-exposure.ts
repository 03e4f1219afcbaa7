import type { Exposure, MemoryExposure, Observation } from '../../exposure/exposure.js';
import { KEY_MATERIAL } from '../../exposure/key-material.js';
import type { RandomnessSummary } from '../../exposure/randomness.js';
import type { RenderOptions } from '../analysis/render-analysis.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMemory,
  formatShare,
} from '../text/format-quantity.js';
import type { ReportContext } from '../text/report-context.js';
import { sparkline } from '../text/sparkline.js';
import { renderTable } from '../text/table.js';
import { createTextStyle } from '../text/text-style.js';
import { wrapText } from '../text/wrap-text.js';
import {
  type ExposureColumn,
  exposureColumns,
  materialCount,
  memoryTotals,
  PICTURE_KINDS,
  resampleCells,
  secretsFound,
  stringCount,
  wayOf,
} from './exposure-columns.js';
import { describeTraffic, judgeExposure, RANDOMNESS_NOTE } from './exposure-verdict.js';

const MAP_ROWS = 8;
const MAP_GAP = '  ';
const SHOWN_STRINGS = 6;

/** What an eavesdropper got, side by side, for reading in a terminal. */
export function renderExposure(exposure: Exposure, options: RenderOptions): string {
  const context = { width: options.width, style: createTextStyle(options.color) };
  const columns = exposureColumns(exposure);
  const sections = [
    renderVerdicts(columns, context),
    renderComparison(columns, context),
    renderPictures(columns, context),
    ...columns.filter(({ isKeyHolder }) => !isKeyHolder).map((column) => renderFinds(column, context)),
    renderTraffic(exposure, columns, context),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function renderVerdicts(columns: readonly ExposureColumn[], context: ReportContext): string[] {
  const { width, style } = context;
  return columns.flatMap((column, i) => {
    const { tone, headline, remarks } = judgeExposure(column);
    return [
      ...(i > 0 ? [''] : []),
      ...wrapText(`${column.title}: ${column.name}`, { width }).map(style.heading),
      ...wrapText(headline, { width }).map(style[tone]),
      ...remarks.flatMap((remark) => wrapText(remark, { width })),
    ];
  });
}

/** The comparison as rows of text: title, then a cell for each column. */
export function comparisonRows(columns: readonly ExposureColumn[]): string[][] {
  const row = (title: string, cell: (observation: Observation) => string): string[] => [
    title,
    ...columns.map(({ observation }) => cell(observation)),
  ];
  const hasSecrets = columns.some(({ observation }) => observation.secrets.length > 0);
  return [
    row("guest's memory rebuilt", describeMemory),
    ...(hasSecrets
      ? [
          row('planted secrets found', (each) => `${secretsFound(each)} of ${each.secrets.length}`),
          row('secrets in memory', ({ secrets }) => formatCount(sum(secrets, 'inMemory'))),
          row('secrets in packets', ({ secrets }) => formatCount(sum(secrets, 'inPackets'))),
          row('secrets across packets', ({ secrets }) => formatCount(sum(secrets, 'acrossPackets'))),
        ]
      : []),
    row('strings', (each) => formatCount(stringCount(each))),
    row('keys and passwords', (each) => formatCount(materialCount(each))),
    row('packets', ({ packets }) => formatCount(packets)),
    row('on the wire', ({ bytes }) => formatBytes(bytes)),
    row('random-looking payloads', (each) =>
      statistic(each, ({ uniformShare }) => formatShare(uniformShare, 1)),
    ),
    row('entropy, bits a byte', (each) => statistic(each, ({ entropy }) => entropy.mean.toFixed(3))),
    row('entropy, low and high', (each) =>
      statistic(each, ({ entropy }) => `${entropy.min.toFixed(2)}, ${entropy.max.toFixed(2)}`),
    ),
    row('entropy of random bytes', (each) => statistic(each, ({ entropy }) => entropy.ofRandom.toFixed(3))),
    row('chi-square, mean', (each) => statistic(each, ({ chiSquare }) => formatLarge(chiSquare.mean))),
    row('chi-square, low and high', (each) =>
      statistic(each, ({ chiSquare }) => `${formatLarge(chiSquare.min)}, ${formatLarge(chiSquare.max)}`),
    ),
    row('chi-square of all bytes', (each) => statistic(each, ({ total }) => formatLarge(total.chiSquare))),
  ];
}

function renderComparison(columns: readonly ExposureColumn[], context: ReportContext): string[] {
  const heads = [{ title: '' }, ...columns.map(({ title }) => ({ title, align: 'right' as const }))];
  return [
    ...renderTable(heads, comparisonRows(columns), context),
    '',
    ...wrapText(`${RANDOMNESS_NOTE} Chi-square of random bytes: 255 on average.`, context).map(
      context.style.faint,
    ),
  ];
}

/** Of what most bytes are in, if there is enough of it. */
function statistic(observation: Observation, text: (summary: RandomnessSummary) => string): string {
  const summary = observation.payloads[wayOf(observation)];
  return summary === undefined || summary.blocks === 0 ? '-' : text(summary);
}

function describeMemory(observation: Observation): string {
  const { known, all } = memoryTotals(observation);
  return known === 0 ? 'nothing' : `${formatShare(known, all)}, ${formatMemory(known)}`;
}

function formatLarge(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : formatCount(value);
}

function sum<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0);
}

/** Maps beside each other, as many as there are columns of the table. */
function renderPictures(columns: readonly ExposureColumn[], context: ReportContext): string[] {
  const { width, style } = context;
  const shown = columns.slice(0, 3);
  if (shown.every(({ observation }) => observation.memories.length === 0)) return [];
  const mapWidth = Math.min(64, Math.floor((width - 2 - (shown.length - 1) * MAP_GAP.length) / shown.length));
  const maps = shown.map(({ observation }) => mapLines(observation.memories[0], mapWidth));
  const line = (cells: readonly string[]) =>
    `  ${cells
      .map((cell) => cell.padEnd(mapWidth))
      .join(MAP_GAP)
      .trimEnd()}`;
  const legend = PICTURE_KINDS.map(({ letter, name }) => `${SIGNS[letter]} ${name}`).join('  ');
  return [
    ...wrapText("The guest's memory, from its first page to its last", { width }).map(style.heading),
    line(shown.map(({ title }) => title.slice(0, mapWidth))),
    ...Array.from({ length: MAP_ROWS }, (_, row) => line(maps.map((lines) => lines[row]!))),
    ...wrapText(legend, { width, first: '  ' }).map(style.faint),
  ];
}

const SIGNS = { t: 't', c: 'c', d: 'd', r: 'r', z: '·', '?': '?', '.': '░' } as const;

function mapLines(memory: MemoryExposure | undefined, width: number): string[] {
  const cells = memory === undefined ? '' : resampleCells(memory.picture.cells, width * MAP_ROWS);
  const isShort = cells.length < width * MAP_ROWS && memory !== undefined;
  const stretched = isShort
    ? Array.from(
        { length: width * MAP_ROWS },
        (_, i) => cells[Math.floor((i * cells.length) / (width * MAP_ROWS))],
      ).join('')
    : cells.padEnd(width * MAP_ROWS, '.');
  const signs = [...stretched].map((letter) => SIGNS[letter as keyof typeof SIGNS]);
  return Array.from({ length: MAP_ROWS }, (_, row) => signs.slice(row * width, (row + 1) * width).join(''));
}

function renderFinds({ title, observation }: ExposureColumn, context: ReportContext): string[] {
  const { width, style } = context;
  const [memory] = observation.memories;
  if (memory === undefined) return [];
  const item = (text: string) => wrapText(escapeTerminal(text), { width, first: '  ', rest: '    ' });
  const secrets = observation.secrets
    .slice(0, SHOWN_STRINGS)
    .map(({ label, text, length, inMemory, foundAt }) => {
      const what =
        text === undefined ? `${label} (${formatCounted(length, 'character')})` : `${label}: ${text}`;
      return foundAt === null
        ? `${what}: not in memory`
        : `${what}: ${formatCounted(inMemory, 'time')}, first at 0x${foundAt.offset.toString(16)} of ${foundAt.block}`;
    });
  const material = memory.keyMaterial.map(({ id, count, samples }) => {
    const name = KEY_MATERIAL.find((each) => each.id === id)!.title;
    return `${name}: ${formatCount(count)}; ${samples.slice(0, 2).join('; ')}`;
  });
  const lines = [
    ...secrets,
    ...material,
    ...memory.strings.samples.slice(0, SHOWN_STRINGS).map((sample) => `string: ${sample}`),
  ];
  if (lines.length === 0) return [];
  const heading = wrapText(`Found in what was rebuilt, ${title}`, { width }).map(style.heading);
  return [...heading, ...lines.flatMap(item)];
}

/** Of the captures that stay closed. */
function renderTraffic(
  { captures }: Exposure,
  columns: readonly ExposureColumn[],
  context: ReportContext,
): string[] {
  const { width, style } = context;
  const lines = columns.flatMap((column, i) => {
    if (column.isKeyHolder || column.observation.memories.length > 0) return [];
    const passes = captures[i]?.keyHolder?.memories[0]?.iterations ?? null;
    const sentences = describeTraffic(column, passes);
    if (sentences.length === 0) return [];
    return [
      ...sentences.flatMap((text) => wrapText(text, { width, first: '  ' })),
      `  ${rhythm(column.observation.traffic!.bytesOverTime, width - 2)}`,
    ];
  });
  return lines.length === 0 ? [] : [style.heading('What traffic analysis still tells'), ...lines];
}

/** Bytes over time, a column for each interval or for several; silences are empty. */
function rhythm(values: readonly number[], width: number): string {
  const count = Math.min(width, values.length);
  const sums = new Array<number>(count).fill(0);
  values.forEach((value, i) => {
    sums[Math.floor((i * count) / values.length)]! += value;
  });
  return sparkline(sums, Math.max(...sums));
}
