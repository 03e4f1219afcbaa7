import type { Exposure } from '../../exposure/exposure.js';
import { KEY_MATERIAL } from '../../exposure/key-material.js';
import { entropyChart, pageKindChart, rhythmCharts } from '../chart/exposure-charts.js';
import { columns as tableColumns } from '../html/analysis-tables.js';
import type { Fact, ReportPage, ReportSection, ReportTable } from '../html/report-page.js';
import { memoryPng, PICTURE_COLORS } from '../png/memory-png.js';
import { escapeTerminal } from '../text/escape-terminal.js';
import { formatCount, formatCounted, formatMemory, formatShare } from '../text/format-quantity.js';
import {
  type ExposureColumn,
  exposureColumns,
  memoryTotals,
  PICTURE_KINDS,
  secretsFound,
} from './exposure-columns.js';
import { describeTraffic, judgeExposure, RANDOMNESS_NOTE } from './exposure-verdict.js';
import { comparisonRows } from './render-exposure.js';

/** What an eavesdropper got, as a page for a meeting. */
export function exposurePage(exposure: Exposure): ReportPage {
  const columns = exposureColumns(exposure);
  return {
    title: 'Tare: what an eavesdropper gets',
    lead: columns.map((column) => {
      const { headline, tone } = judgeExposure(column);
      return { text: `${capitalised(column.title)}: ${headline}`, tone };
    }),
    facts: columns.map(factOf),
    sections: exposureSections(exposure),
    footer:
      'Without keys nothing was decrypted. Memory is rebuilt from the pages that a live migration of QEMU sends, secrets are looked for in ' +
      'UTF-8 and UTF-16. Recovered content is masked unless the report was asked to show it.',
  };
}

/** The same as sections of a larger report. */
export function exposureSections(exposure: Exposure): ReportSection[] {
  const columns = exposureColumns(exposure);
  const charts = <Chart>(...candidates: (Chart | null)[]) => candidates.filter((chart) => chart !== null);
  const remarks = columns.flatMap((column) => judgeExposure(column).remarks);
  const sections: ReportSection[] = [
    {
      heading: 'What an eavesdropper gets',
      text: remarks,
      tables: [
        {
          caption: 'Side by side',
          columns: tableColumns('', ...columns.map(({ title }) => `#${title}`)),
          rows: comparisonRows(columns),
          note: `${RANDOMNESS_NOTE} Chi-square of random bytes is 255 on average.`,
        },
      ],
    },
    {
      heading: "The guest's memory, page by page",
      ...(columns.some(({ observation }) => observation.memories.length > 0) && {
        pictures: {
          pictures: columns.map(pictureOf),
          legend: PICTURE_KINDS.map(({ letter, name }) => ({ label: name, color: PICTURE_COLORS[letter] })),
        },
        charts: charts(pageKindChart(columns)),
      }),
    },
    {
      heading: 'What was found in it',
      tables: columns
        .filter(({ isKeyHolder }) => !isKeyHolder)
        .flatMap(findTables)
        .filter(({ rows }) => rows.length > 0),
    },
    { heading: 'What is left when it is encrypted', charts: charts(entropyChart(columns)) },
    {
      heading: 'What traffic analysis still tells',
      text: columns.flatMap((column, i) => {
        if (column.isKeyHolder || column.observation.memories.length > 0) return [];
        return describeTraffic(column, exposure.captures[i]?.keyHolder?.memories[0]?.iterations ?? null);
      }),
      charts: rhythmCharts(columns),
    },
  ];
  return sections.filter(
    ({ text = [], charts = [], tables = [], pictures }) =>
      text.length + charts.length + tables.length > 0 || pictures !== undefined,
  );
}

/** As large as the picture of a small guest. */
const NOTHING_SEEN = '.'.repeat(64 * 64);

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function factOf(column: ExposureColumn): Fact {
  const { title, observation } = column;
  const { known, all } = memoryTotals(observation);
  const { secrets } = observation;
  const found = `${secretsFound(observation)} of ${formatCounted(secrets.length, 'secret')} found`;
  const rebuilt = known === 0 ? [] : [formatMemory(known)];
  return {
    label: `Memory rebuilt, ${title}`,
    value: known === 0 ? 'nothing' : formatShare(known, all),
    note: [...rebuilt, ...(secrets.length === 0 ? [] : [found])].join(', '),
    tone: judgeExposure(column).tone,
  };
}

function pictureOf({
  title,
  observation,
}: ExposureColumn): NonNullable<ReportSection['pictures']>['pictures'][number] {
  const [memory] = observation.memories;
  if (memory === undefined) {
    const note = 'Nothing could be rebuilt.';
    return {
      title: capitalised(title),
      note,
      png: memoryPng(NOTHING_SEEN).png.toString('base64'),
      alt: note,
    };
  }
  const { block, cells, pagesPerCell } = memory.picture;
  const { png } = memoryPng(cells);
  const each = pagesPerCell === 1 ? 'a page' : formatCounted(pagesPerCell, 'page');
  return {
    title: capitalised(title),
    note: `${escapeTerminal(block)}, ${each} of ${memory.pageBytes} bytes a pixel, from its first page on.`,
    png: png.toString('base64'),
    alt: `Picture of the guest's memory, ${title}: ${formatMemory(memory.knownBytes)} of ${formatMemory(memory.memoryBytes)} rebuilt.`,
  };
}

function findTables({ title, observation }: ExposureColumn): ReportTable[] {
  const [memory] = observation.memories;
  if (memory === undefined) return [];
  return [
    {
      caption: `Planted secrets, ${title}`,
      columns: tableColumns('Secret', '#In memory', '#In packets', '#Across packets', 'First at'),
      rows: observation.secrets.map(({ label, text, inMemory, inPackets, acrossPackets, foundAt }) => [
        text === undefined ? label : escapeTerminal(text),
        formatCount(inMemory),
        formatCount(inPackets),
        formatCount(acrossPackets),
        foundAt === null ? '-' : `0x${foundAt.offset.toString(16)} of ${escapeTerminal(foundAt.block)}`,
      ]),
    },
    {
      caption: `Keys and passwords, ${title}`,
      columns: tableColumns('Kind', '#Found', 'For example'),
      rows: memory.keyMaterial.map(({ id, count, samples }) => [
        KEY_MATERIAL.find((each) => each.id === id)!.title,
        formatCount(count),
        samples.map(escapeTerminal).join('; '),
      ]),
    },
    {
      caption: `Some of ${formatCounted(memory.strings.count, 'string')}, ${title}`,
      columns: tableColumns('String'),
      rows: memory.strings.samples.map((sample) => [escapeTerminal(sample)]),
    },
  ];
}
