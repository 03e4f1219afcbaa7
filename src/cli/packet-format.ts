import { LAYER_STRIDE } from '../packet/layers.js';
import { Integrity, type PacketBatch } from '../packet/packet-batch.js';
import { escapeTerminal } from '../report/text/escape-terminal.js';
import type { TextStyle } from '../report/text/text-style.js';
import { LAYER_COLUMNS, type LayerColumn } from './packet-columns.js';
import { PacketText } from './packet-text.js';

/** Turns rows of a batch into lines. One object serves one run: `begin` is called once, when the first rows are there. */
export interface PacketFormat {
  /** What stands above the lines. */
  begin(firstRow: number, endRow: number): string;
  line(row: number): string;
}

const CSV_HEADER = [
  'number',
  'time',
  'epoch',
  'source',
  'destination',
  'what',
  'length',
  'captured',
  ...LAYER_COLUMNS.map(({ title }) => title),
  'spi',
  'sequence',
  'flags',
  'error',
].join(',');

/** RFC 4180, but lines end in a line feed. The columns are always the same. */
export class CsvFormat implements PacketFormat {
  readonly #batch: PacketBatch;
  readonly #text: PacketText;

  constructor(batch: PacketBatch) {
    this.#batch = batch;
    this.#text = new PacketText(batch);
  }

  begin(): string {
    return `${CSV_HEADER}\n`;
  }

  line(row: number): string {
    const { block, layerBytes, security, securityStart } = this.#batch;
    const text = this.#text;
    let line = `${block.frameNumber[row]!},${text.relativeTime(row)},${text.epochTime(row)},`;
    line += `${text.source(row)},${text.destination(row)},${quoteCsv(text.what(row))},`;
    line += `${block.wireLength[row]!},${block.capturedLength[row]!},`;
    const base = row * LAYER_STRIDE;
    for (const { layer } of LAYER_COLUMNS) line += `${layerBytes[base + layer]!},`;
    const end = securityStart[row + 1]!;
    const start = securityStart[row]!;
    for (let i = start; i < end; i++) line += `${i > start ? ' ' : ''}0x${hexSpi(security.spi[i]!)}`;
    line += ',';
    for (let i = start; i < end; i++) line += `${i > start ? ' ' : ''}${security.sequence[i]!}`;
    return `${line},${text.flags(row)},${quoteCsv(text.error(row))}\n`;
  }
}

function quoteCsv(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function hexSpi(spi: number): string {
  return spi.toString(16).padStart(8, '0');
}

const INTEGRITY_NAMES = Object.entries(Integrity).reduce<string[]>((names, [name, value]) => {
  names[value] = name;
  return names;
}, []);

/** One JSON object a line (docs/FORMATS.md). */
export class NdjsonFormat implements PacketFormat {
  readonly #batch: PacketBatch;
  readonly #text: PacketText;

  constructor(batch: PacketBatch) {
    this.#batch = batch;
    this.#text = new PacketText(batch);
  }

  begin(): string {
    return '';
  }

  /** Put together by hand, five times as fast as JSON.stringify; no part holds anything to escape. */
  line(row: number): string {
    const { block, layerBytes, security, securityStart } = this.#batch;
    const text = this.#text;
    let line = `{"number":${block.frameNumber[row]!},"time":"${text.relativeTime(row)}"`;
    line += `,"epoch":"${text.epochTime(row)}","source":${orNull(text.source(row))}`;
    line += `,"destination":${orNull(text.destination(row))},"what":"${text.what(row)}"`;
    line += `,"length":${block.wireLength[row]!},"captured":${block.capturedLength[row]!},"bytes":{`;
    const base = row * LAYER_STRIDE;
    let comma = '';
    for (const { title, layer } of LAYER_COLUMNS) {
      line += `${comma}"${title}":${layerBytes[base + layer]!}`;
      comma = ',';
    }
    line += '},"security":[';
    comma = '';
    for (let i = securityStart[row]!; i < securityStart[row + 1]!; i++) {
      const protocol = security.protocol[i] === 50 ? 'esp' : 'ah';
      line += `${comma}{"protocol":"${protocol}","spi":"0x${hexSpi(security.spi[i]!)}"`;
      line += `,"sequence":${security.sequence[i]!},"integrity":"${INTEGRITY_NAMES[security.integrity[i]!]}"}`;
      comma = ',';
    }
    const flags = text.flags(row);
    const list = flags === '' ? '' : `"${flags.replaceAll(' ', '","')}"`;
    return `${line}],"flags":[${list}],"error":${orNull(text.error(row))}}\n`;
  }
}

function orNull(text: string): string {
  return text === '' ? 'null' : `"${text}"`;
}

/** Rows looked at to choose the columns. */
const SAMPLE_ROWS = 1000;

/**
 * Aligned columns for reading. Which layers get a column, and how wide addresses are, is settled by the first rows; what
 * occurs only later is named at the end of its line (`+iv 8`).
 */
export class AlignedFormat implements PacketFormat {
  readonly #batch: PacketBatch;
  readonly #text: PacketText;
  readonly #style: TextStyle;
  #columns: readonly LayerColumn[] = [];
  #lateColumns: readonly LayerColumn[] = [];
  #addressWidth = 0;

  constructor(batch: PacketBatch, style: TextStyle) {
    this.#batch = batch;
    this.#text = new PacketText(batch);
    this.#style = style;
  }

  begin(firstRow: number, endRow: number): string {
    const sampleEnd = Math.min(endRow, firstRow + SAMPLE_ROWS);
    this.#addressWidth = this.#widestAddress(firstRow, sampleEnd);
    this.#columns = LAYER_COLUMNS.filter(({ layer }) => this.#occurs(layer, firstRow, sampleEnd));
    this.#lateColumns = LAYER_COLUMNS.filter((column) => !this.#columns.includes(column));
    const width = this.#addressWidth;
    const layers = this.#columns.map(({ title }) => title.padStart(columnWidth(title))).join(' ');
    const addresses = `${'source'.padEnd(width)}    ${'destination'.padEnd(width)}`;
    return `${this.#style.heading(`${'no.'.padStart(7)} ${'time/s'.padStart(14)} ${addresses} ${'wire'.padStart(5)} ${layers} what`)}\n`;
  }

  #widestAddress(firstRow: number, endRow: number): number {
    let width = 'destination'.length;
    for (let row = firstRow; row < endRow; row++) {
      width = Math.max(width, this.#text.source(row).length, this.#text.destination(row).length);
    }
    return width;
  }

  #occurs(layer: number, firstRow: number, endRow: number): boolean {
    const { layerBytes } = this.#batch;
    for (let row = firstRow; row < endRow; row++) {
      if (layerBytes[row * LAYER_STRIDE + layer] !== 0) return true;
    }
    return false;
  }

  line(row: number): string {
    const { block, layerBytes } = this.#batch;
    const text = this.#text;
    const width = this.#addressWidth;
    const source = text.source(row);
    let line = `${String(block.frameNumber[row]!).padStart(7)} ${text.relativeTime(row).padStart(14)} `;
    line += `${source.padEnd(width)} ${source === '' ? '  ' : '->'} ${text.destination(row).padEnd(width)} `;
    line += `${String(block.wireLength[row]!).padStart(5)} `;
    const base = row * LAYER_STRIDE;
    for (const { title, layer } of this.#columns) {
      const bytes = layerBytes[base + layer]!;
      line += `${(bytes === 0 ? '.' : String(bytes)).padStart(columnWidth(title))} `;
    }
    line += text.what(row);
    for (const { title, layer } of this.#lateColumns) {
      const bytes = layerBytes[base + layer]!;
      if (bytes !== 0) line += ` +${title} ${bytes}`;
    }
    return `${line}${this.#remarks(row)}\n`;
  }

  #remarks(row: number): string {
    const flags = this.#text.flags(row);
    const error = this.#text.error(row);
    if (flags === '' && error === '') return '';
    const remarks = escapeTerminal(error === '' ? flags : `${flags}: ${error}`);
    const isBad = error !== '' || flags.includes('icv-wrong');
    return `  ${isBad ? this.#style.bad(`[${remarks}]`) : this.#style.faint(`[${remarks}]`)}`;
  }
}

/** Room for the bytes of a layer; payloads of super-frames have five digits. */
function columnWidth(title: string): number {
  return title === 'payload' || title === 'closed' || title === 'frag'
    ? Math.max(title.length, 5)
    : Math.max(title.length, 3);
}
