import { LIMITS } from '../../result/run-result.js';
import type { SweepFigures, SweepRow } from '../../result/sweep-row.js';

type CsvCell = string | number | boolean | null;

/** Columns behind those of the grid, in this order. */
const FIGURES: readonly (readonly [name: string, cell: (figures: SweepFigures) => CsvCell])[] = [
  ['converged', ({ converged }) => converged],
  ['totalTimeMs', ({ totalTimeMs }) => totalTimeMs],
  ['downtimeMs', ({ downtimeMs }) => downtimeMs],
  ['standstillMs', ({ standstillMs }) => standstillMs],
  ['setupMs', ({ setupMs }) => setupMs],
  ['iterations', ({ iterations }) => iterations],
  ['remainingPages', ({ remainingPages }) => remainingPages],
  ['streamBytes', ({ streamBytes }) => streamBytes],
  ['normalPages', ({ normalPages }) => normalPages],
  ['zeroPages', ({ zeroPages }) => zeroPages],
  ['wirePackets', ({ wirePackets }) => wirePackets],
  ['wireBytes', ({ wireBytes }) => wireBytes],
  ['acknowledgements', ({ acknowledgements }) => acknowledgements],
  ['fragments', ({ fragments }) => fragments],
  ['retransmissions', ({ retransmissions }) => retransmissions],
  ['sourceCpuSeconds', ({ sourceCpuSeconds }) => sourceCpuSeconds],
  ['destinationCpuSeconds', ({ destinationCpuSeconds }) => destinationCpuSeconds],
  ['throughputBps', ({ throughputBps }) => throughputBps],
  ['limitedBy', ({ limitedBy }) => limitedBy],
  ...LIMITS.map((limit) => [`${limit}Share`, (figures: SweepFigures) => figures.timeByLimit[limit]] as const),
  ['samples', ({ intervals }) => intervals?.samples ?? null],
  ['convergedShare', ({ intervals }) => intervals?.converged ?? null],
  ['totalTimeLowMs', ({ intervals }) => intervals?.totalTimeMs.low ?? null],
  ['totalTimeHighMs', ({ intervals }) => intervals?.totalTimeMs.high ?? null],
  ['downtimeLowMs', ({ intervals }) => intervals?.downtimeMs?.low ?? null],
  ['downtimeHighMs', ({ intervals }) => intervals?.downtimeMs?.high ?? null],
  ['seed', ({ seed }) => seed],
];

/** The header line of a sweep's CSV. @param axes names of the grid's axes */
export function sweepCsvHeader(axes: readonly string[]): string {
  return csvLine(['index', 'scenario', ...axes, ...FIGURES.map(([name]) => name), 'error']);
}

/** A point's line. RFC 4180 but for line feeds alone; null is empty. */
export function sweepCsvLine({ index, scenario, settings, figures, error }: SweepRow): string {
  return csvLine([
    index,
    scenario,
    ...Object.values(settings),
    ...FIGURES.map(([, cell]) => (figures === null ? null : cell(figures))),
    error,
  ]);
}

function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(cell: CsvCell): string {
  const text = `${cell ?? ''}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
