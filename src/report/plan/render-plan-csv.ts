import { PLAN_LAYERS } from '../../plan/layer-totals.js';
import { lineSeconds, type PlanResult } from '../../plan/plan-result.js';
import type { PlanRow } from '../../plan/rows.js';
import type { WhatIfRow } from '../../plan/what-if-report.js';

const PLAN_COLUMNS = [
  'esp',
  'ah',
  'mode',
  'udpEncap',
  'family',
  'linkMtu',
  'pathMtu',
  'mss',
  'bestMss',
  'payloadBytes',
  'segments',
  'packets',
  'wireBytes',
  'lineBytes',
  ...PLAN_LAYERS,
  'efficiency',
  'fragmented',
  'idealSeconds',
];

const WHAT_IF_COLUMNS = [
  'esp',
  'ah',
  'mode',
  'udpEncap',
  'linkMtu',
  'mss',
  'packets',
  'wireBytes',
  ...PLAN_LAYERS,
  'packetChange',
  'wireByteChange',
  'fragmented',
];

type CsvCell = string | number | boolean | null;

/**
 * A line for each row, those without IPsec first, under the names of the JSON (docs/FORMATS.md); with recorded traffic the rows of the
 * what-if instead. RFC 4180 but for line feeds alone; no value needs quotes.
 */
export function renderPlanCsv(result: PlanResult): string {
  const { whatIf, clear, rows } = result;
  const lines: (readonly CsvCell[])[] =
    whatIf === null
      ? [PLAN_COLUMNS, ...[...clear, ...rows].map((row) => planCells(row, result))]
      : [WHAT_IF_COLUMNS, ...whatIf.rows.map((row) => whatIfCells(row, whatIf.traffic.captured))];
  return lines.map((cells) => `${cells.map((cell) => cell ?? '').join(',')}\n`).join('');
}

function planCells(row: PlanRow, { settings }: PlanResult): CsvCell[] {
  return [
    row.esp,
    row.ah,
    row.mode,
    row.udpEncap,
    row.family,
    row.linkMtuBytes,
    row.pathMtuBytes,
    row.mssBytes,
    row.bestMssBytes,
    settings.payloadBytes,
    row.segments,
    row.packets,
    row.wireBytes,
    row.lineBytes,
    ...PLAN_LAYERS.map((layer) => row.layers[layer]),
    row.efficiency,
    row.fragmented,
    lineSeconds(row, settings.linkBps),
  ];
}

function whatIfCells(row: WhatIfRow, captured: { packets: number; wireBytes: number }): CsvCell[] {
  return [
    row.esp,
    row.ah,
    row.mode,
    row.udpEncap,
    row.linkMtuBytes,
    row.mssBytes ?? 'auto',
    row.packets,
    row.wireBytes,
    ...PLAN_LAYERS.map((layer) => row.layers[layer]),
    row.packets - captured.packets,
    row.wireBytes - captured.wireBytes,
    row.fragmented,
  ];
}
