import { ERROR_LAYERS, type PacketBatch, PacketError, PacketFlag } from '../packet/packet-batch.js';
import type { ErrorSummary } from './analysis-summary.js';
import { NOT_WIRE } from './packet-class.js';

/** A malformed packet kept as an example. */
export interface ErrorExample {
  fileIndex: number;
  /** Packet number in its file. */
  packet: number;
  offset: number;
  required: number;
  actual: number;
}

/** One kind of error: what is wrong in which header. */
export interface ErrorCount {
  /** A `PacketError` value. */
  error: number;
  /** Index into ERROR_LAYERS. */
  layer: number;
  count: number;
  /** The first ones. */
  examples: ErrorExample[];
}

/** Plain data, in order of first appearance. */
export interface ErrorsState {
  kinds: ErrorCount[];
}

const MAX_EXAMPLES = 5;
const MAX_MALFORMED = Object.keys(PacketError).length * ERROR_LAYERS.length;

/** Analysis: malformed packets by kind, with the first examples of each. */
export class Errors {
  readonly state: ErrorsState = { kinds: [] };
  /** Index of the file the next batches come from. */
  fileIndex = 0;

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    const { flags } = batch;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & PacketFlag.malformed) !== 0 && (rowFlags & NOT_WIRE) === 0) this.addRow(batch, row);
    }
  }

  private addRow(batch: PacketBatch, row: number): void {
    const kind = this.kindOf(batch.error[row]!, batch.errorLayer[row]!);
    kind.count += 1;
    if (kind.examples.length >= MAX_EXAMPLES) return;
    kind.examples.push({
      fileIndex: this.fileIndex,
      packet: batch.block.frameNumber[row]!,
      offset: batch.errorOffset[row]!,
      required: batch.errorRequired[row]!,
      actual: batch.errorActual[row]!,
    });
  }

  private kindOf(error: number, layer: number): ErrorCount {
    const { kinds } = this.state;
    const known = kinds.find((kind) => kind.error === error && kind.layer === layer);
    if (known !== undefined) return known;
    const kind: ErrorCount = { error, layer, count: 0, examples: [] };
    if (kinds.length < MAX_MALFORMED) kinds.push(kind);
    return kind;
  }

  /** @param framesBefore frames of the same file that came before, to be added to packet numbers */
  merge(later: ErrorsState, framesBefore = 0): void {
    for (const { error, layer, count, examples } of later.kinds) {
      const kind = this.kindOf(error, layer);
      kind.count += count;
      for (const example of examples) {
        if (kind.examples.length === MAX_EXAMPLES) break;
        kind.examples.push({ ...example, packet: example.packet + framesBefore });
      }
    }
  }

  /** @param paths of the files, by `fileIndex` */
  summary(paths: readonly string[]): ErrorSummary[] {
    return this.state.kinds.map(({ error, layer, count, examples }) => ({
      kind: kindName(error, layer),
      count,
      examples: examples.map((example) => ({
        file: paths[example.fileIndex] ?? '',
        packet: example.packet,
        message: messageOf(error, layer, example),
      })),
    }));
  }
}

const ERROR_NAMES: Readonly<Record<number, string>> = {
  [PacketError.length]: 'length',
  [PacketError.value]: 'value',
  [PacketError.nesting]: 'nesting',
  [PacketError.linkType]: 'link type',
};

function kindName(error: number, layer: number): string {
  return `${layerName(layer)} ${ERROR_NAMES[error] ?? 'error'}`;
}

function layerName(layer: number): string {
  return ERROR_LAYERS[layer] ?? 'frame';
}

function messageOf(error: number, layer: number, example: ErrorExample): string {
  const { offset, required, actual } = example;
  switch (error) {
    case PacketError.length:
      return `${layerName(layer)} at byte ${offset}: needs ${required} bytes, ${actual} there`;
    case PacketError.value:
      return `${layerName(layer)} at byte ${offset}: value ${actual} is not allowed`;
    case PacketError.nesting:
      return `header ${actual} at byte ${offset}: no more than ${required} are followed`;
    case PacketError.linkType:
      return `link type ${actual} has no decoder`;
    default:
      return `${layerName(layer)} at byte ${offset}: malformed`;
  }
}
