import assert from 'node:assert/strict';
import { Decoder } from '../../../src/packet/decode.js';
import { FrameBlock } from '../../../src/packet/frame-block.js';
import type { IpsecOpener } from '../../../src/packet/ipsec-opener.js';
import { LAYER_STRIDE, Layer, type LayerName } from '../../../src/packet/layers.js';
import {
  ERROR_LAYERS,
  NO_PROTOCOL,
  NONE,
  PacketBatch,
  PacketError,
  PacketFlag,
} from '../../../src/packet/packet-batch.js';

export type FlagName = keyof typeof PacketFlag;

export interface DecodedError {
  kind: string;
  layer: string;
  offset: number;
  required: number;
  actual: number;
}

export interface DecodedSecurity {
  protocol: number;
  ipOffset: number;
  offset: number;
  end: number;
  spi: number;
  sequence: number;
  udpEncap: boolean;
  opened: boolean;
  integrity: number;
  ivBytes: number;
  icvBytes: number;
  padBytes: number;
}

/** One row of a batch as plain data. Offsets count from the start of the frame; null where the column says NONE. */
export interface DecodedRow {
  flags: FlagName[];
  /** Layers that own a byte. */
  layers: Partial<Record<LayerName, number>>;
  protocol: number | null;
  ipOffset: number | null;
  innerIpOffset: number | null;
  transportOffset: number | null;
  payloadOffset: number | null;
  payloadLength: number;
  fragmentOffset: number | null;
  error: DecodedError | null;
  security: DecodedSecurity[];
}

export interface FrameConditions {
  linkType?: number;
  /** Bytes kept of the frame, all unless told. */
  capturedBytes?: number;
  opener?: IpsecOpener | null;
}

/** Bytes around the frame in its block, so that no offset is right by being 0. */
const MARGIN = 24;

/** A block holding `frames` one behind the other, cut to `capturedBytes`. */
export function blockOf(frames: readonly Uint8Array[], linkType = 1, capturedBytes = Infinity): FrameBlock {
  const sizes = frames.map((frame) => Math.min(frame.length, capturedBytes));
  const data = new Uint8Array(sizes.reduce((sum, size) => sum + size + MARGIN, MARGIN)).fill(0xee);
  const block = new FrameBlock(data, Math.max(1, frames.length));
  block.count = frames.length;
  let offset = MARGIN;
  for (const [i, frame] of frames.entries()) {
    data.set(frame.subarray(0, sizes[i]!), offset);
    block.offset[i] = offset;
    block.capturedLength[i] = sizes[i]!;
    block.wireLength[i] = frame.length;
    block.linkType[i] = linkType;
    block.frameNumber[i] = i + 1;
    offset += sizes[i]! + MARGIN;
  }
  return block;
}

/** Decodes one frame and checks what holds for every row. */
export function decodeFrame(frame: Uint8Array, conditions: FrameConditions = {}): DecodedRow {
  const block = blockOf([frame], conditions.linkType ?? 1, conditions.capturedBytes ?? Infinity);
  const batch = new PacketBatch(block);
  new Decoder(batch, conditions.opener ?? null).decode();
  assertSoundRow(batch, 0);
  return describeRow(batch, 0);
}

/** What every row keeps to, whatever the frame holds. */
export function assertSoundRow(batch: PacketBatch, row: number): void {
  const { block } = batch;
  const start = block.offset[row]!;
  const limit = start + Math.min(block.capturedLength[row]!, block.wireLength[row]!);
  const inside = (offset: number) => offset === NONE || (offset >= start && offset <= limit);
  assert.equal(layerSum(batch, row), block.wireLength[row], 'the layers add up to the wire length');
  for (const name of [
    'ipOffset',
    'innerIpOffset',
    'transportOffset',
    'payloadOffset',
    'fragmentOffset',
  ] as const)
    assert.ok(inside(batch[name][row]!), `${name} lies in the captured bytes`);
  if (batch.error[row] !== PacketError.none)
    assert.ok(inside(start + batch.errorOffset[row]!), 'errorOffset lies in the frame');
  assertSoundSecurity(batch, row, start, limit);
}

function assertSoundSecurity(batch: PacketBatch, row: number, start: number, limit: number): void {
  const { security, securityStart } = batch;
  let last = start;
  assert.ok(securityStart[row]! <= securityStart[row + 1]!, 'security rows ascend');
  for (let i = securityStart[row]!; i < securityStart[row + 1]!; i++) {
    const headerBytes = security.protocol[i] === 51 ? 12 : 8;
    assert.equal(security.row[i], row);
    assert.ok(
      security.offset[i]! >= last && security.offset[i]! + headerBytes <= limit,
      'header is captured',
    );
    assert.ok(security.ipOffset[i]! >= start && security.ipOffset[i]! < security.offset[i]!);
    assert.ok(security.end[i]! >= security.offset[i]! + headerBytes, 'end lies behind the header');
    assert.ok(security.end[i]! <= start + batch.block.wireLength[row]!, 'end lies in the frame');
    last = security.offset[i]! + headerBytes;
  }
}

export function layerSum(batch: PacketBatch, row: number): number {
  let sum = 0;
  for (let layer = 0; layer < LAYER_STRIDE; layer++) sum += batch.layerBytes[row * LAYER_STRIDE + layer]!;
  return sum;
}

export function describeRow(batch: PacketBatch, row: number): DecodedRow {
  const start = batch.block.offset[row]!;
  const fromStart = (offset: number) => (offset === NONE ? null : offset - start);
  const flags = batch.flags[row]!;
  return {
    flags: (Object.keys(PacketFlag) as FlagName[]).filter((name) => (flags & PacketFlag[name]) !== 0),
    layers: describeLayers(batch, row),
    protocol: batch.protocol[row] === NO_PROTOCOL ? null : batch.protocol[row]!,
    ipOffset: fromStart(batch.ipOffset[row]!),
    innerIpOffset: fromStart(batch.innerIpOffset[row]!),
    transportOffset: fromStart(batch.transportOffset[row]!),
    payloadOffset: fromStart(batch.payloadOffset[row]!),
    payloadLength: batch.payloadLength[row]!,
    fragmentOffset: fromStart(batch.fragmentOffset[row]!),
    error: describeError(batch, row),
    security: describeSecurity(batch, row),
  };
}

function describeLayers(batch: PacketBatch, row: number): Partial<Record<LayerName, number>> {
  const names = Object.keys(Layer) as LayerName[];
  return Object.fromEntries(
    names
      .map((name) => [name, batch.layerBytes[row * LAYER_STRIDE + Layer[name]]!] as const)
      .filter(([, owned]) => owned !== 0),
  );
}

function describeError(batch: PacketBatch, row: number): DecodedError | null {
  const kind = batch.error[row]!;
  if (kind === PacketError.none) return null;
  const kinds = Object.keys(PacketError) as (keyof typeof PacketError)[];
  return {
    kind: kinds.find((name) => PacketError[name] === kind) ?? String(kind),
    layer: ERROR_LAYERS[batch.errorLayer[row]!] ?? '?',
    offset: batch.errorOffset[row]!,
    required: batch.errorRequired[row]!,
    actual: batch.errorActual[row]!,
  };
}

function describeSecurity(batch: PacketBatch, row: number): DecodedSecurity[] {
  const { security, securityStart } = batch;
  const start = batch.block.offset[row]!;
  const found: DecodedSecurity[] = [];
  for (let i = securityStart[row]!; i < securityStart[row + 1]!; i++) {
    found.push({
      protocol: security.protocol[i]!,
      ipOffset: security.ipOffset[i]! - start,
      offset: security.offset[i]! - start,
      end: security.end[i]! - start,
      spi: security.spi[i]!,
      sequence: security.sequence[i]!,
      udpEncap: security.udpEncap[i] === 1,
      opened: security.opened[i] === 1,
      integrity: security.integrity[i]!,
      ivBytes: security.ivBytes[i]!,
      icvBytes: security.icvBytes[i]!,
      padBytes: security.padBytes[i]!,
    });
  }
  return found;
}

/** Columns that mean something for this test: `decodeFrame(frame)` picked down to `names`. */
export function pick<K extends keyof DecodedRow>(row: DecodedRow, ...names: K[]): Pick<DecodedRow, K> {
  return Object.fromEntries(names.map((name) => [name, row[name]])) as Pick<DecodedRow, K>;
}

/**
 * Cuts `header` at every length on the wire; `wrap` puts what is left into its surroundings, whose length fields say so.
 * Each must be malformed, by `length`, in `layer`, at the header's `offset`.
 *
 * @param required bytes the decoder asks for where `actual` are there
 */
export function assertEveryWireTruncation(
  header: Uint8Array,
  wrap: (rest: Uint8Array) => Uint8Array,
  expected: { layer: string; offset: number; required: number | ((actual: number) => number) },
  conditions: FrameConditions = {},
): void {
  for (let actual = 0; actual < header.length; actual++) {
    const row = decodeFrame(wrap(header.slice(0, actual)), conditions);
    const { layer, offset } = expected;
    const required = typeof expected.required === 'number' ? expected.required : expected.required(actual);
    assert.deepEqual(
      row.error,
      { kind: 'length', layer, offset, required, actual },
      `cut to ${actual} bytes`,
    );
    assert.ok(row.flags.includes('malformed'));
    assert.ok(!row.flags.includes('cutBySnaplen'));
  }
}

/** Keeps ever fewer bytes of a well-formed frame: cut by the snap length, never malformed, and the sizes stay the wire's. */
export function assertEverySnapCut(frame: Uint8Array, conditions: FrameConditions = {}): void {
  for (let capturedBytes = 0; capturedBytes < frame.length; capturedBytes++) {
    const row = decodeFrame(frame, { ...conditions, capturedBytes });
    assert.equal(row.error, null, `kept ${capturedBytes} bytes`);
    assert.ok(row.flags.includes('cutBySnaplen'));
    assert.ok(!row.flags.includes('malformed'));
  }
}
