import { FrameBlock } from '../../../src/packet/frame-block.js';
import { LAYER_STRIDE, Layer, type LayerName } from '../../../src/packet/layers.js';
import { NO_PROTOCOL, NONE, PacketBatch } from '../../../src/packet/packet-batch.js';

/** An AH or ESP header of a row. */
export interface SecuritySpec {
  protocol: 50 | 51;
  spi: number;
  sequence: number;
  opened?: { ivBytes: number; icvBytes: number; padBytes: number; nextHeader: number };
  integrity?: number;
  udpEncap?: boolean;
  /** Bytes of the AH, or behind the ESP header. */
  bytes: number;
  /** AH. */
  nextHeader?: number;
}

/** One row, as a decoder would describe it. Addresses are the last bytes of 10.0.0.x, or of fd00::x with `ipv6`. */
export interface RowSpec {
  flags?: number;
  /** -1: not IP. */
  protocol: number;
  source?: number;
  destination?: number;
  ipv6?: boolean;
  sourcePort?: number;
  destinationPort?: number;
  sequence?: number;
  /** Value of the TCP MSS option. */
  mss?: number;
  payload?: number;
  layers: Partial<Record<LayerName, number>>;
  /** Nanoseconds. */
  time?: number;
  security?: SecuritySpec[];
  fragments?: number;
  fragmentBytes?: number;
  error?: { kind: number; layer: number; offset: number; required: number; actual: number };
  frameNumber?: number;
}

const ROW_BYTES = 1024;
const IP_AT = 14;
const SECURITY_AT = 64;
const TRANSPORT_AT = 900;

/** Columns and bytes of hand-written rows. */
export function buildBatch(rows: readonly RowSpec[]): PacketBatch {
  const block = new FrameBlock(
    new Uint8Array(Math.max(1, rows.length) * ROW_BYTES),
    Math.max(1, rows.length),
  );
  const batch = new PacketBatch(block);
  block.count = rows.length;
  batch.count = rows.length;
  rows.forEach((row, i) => {
    fillRow(batch, i, row);
  });
  batch.securityStart[rows.length] = batch.security.count;
  return batch;
}

function fillRow(batch: PacketBatch, i: number, row: RowSpec): void {
  const { block } = batch;
  const at = i * ROW_BYTES;
  const view = new DataView(block.data.buffer, at, ROW_BYTES);
  let wire = 0;
  for (const [name, bytes] of Object.entries(row.layers)) {
    batch.layerBytes[i * LAYER_STRIDE + Layer[name as LayerName]] = bytes;
    wire += bytes;
  }
  block.offset[i] = at;
  block.capturedLength[i] = ROW_BYTES;
  block.wireLength[i] = wire;
  const time = row.time ?? 0;
  block.timeSeconds[i] = Math.floor(time / 1e9);
  block.timeNanoseconds[i] = time % 1e9;
  block.frameNumber[i] = row.frameNumber ?? i + 1;
  batch.flags[i] = row.flags ?? 0;
  batch.fragments[i] = row.fragments ?? 0;
  batch.fragmentBytes[i] = row.fragmentBytes ?? 0;
  batch.protocol[i] = row.protocol < 0 ? NO_PROTOCOL : row.protocol;
  const isIp = row.protocol >= 0;
  batch.ipOffset[i] = isIp ? at + IP_AT : NONE;
  batch.innerIpOffset[i] = isIp ? at + IP_AT : NONE;
  batch.transportOffset[i] = NONE;
  batch.payloadLength[i] = row.payload ?? 0;
  batch.securityStart[i] = batch.security.count;
  if (isIp) writeIp(view, row);
  if (row.sourcePort !== undefined || row.mss !== undefined) {
    batch.transportOffset[i] = at + TRANSPORT_AT;
    writeTransport(view, row);
  }
  row.security?.forEach((header, nth) => {
    addSecurity(batch, i, at + SECURITY_AT + nth * 64, header);
  });
  if (row.error) {
    batch.error[i] = row.error.kind;
    batch.errorLayer[i] = row.error.layer;
    batch.errorOffset[i] = row.error.offset;
    batch.errorRequired[i] = row.error.required;
    batch.errorActual[i] = row.error.actual;
  }
}

function writeIp(view: DataView, row: RowSpec): void {
  if (row.ipv6) {
    view.setUint8(IP_AT, 0x60);
    view.setUint8(IP_AT + 6, row.protocol);
    view.setUint16(IP_AT + 8, 0xfd00);
    view.setUint8(IP_AT + 23, row.source ?? 1);
    view.setUint16(IP_AT + 24, 0xfd00);
    view.setUint8(IP_AT + 39, row.destination ?? 2);
    return;
  }
  view.setUint8(IP_AT, 0x45);
  view.setUint8(IP_AT + 9, row.security?.[0]?.protocol ?? row.protocol);
  view.setUint32(IP_AT + 12, 0x0a000000 + (row.source ?? 1));
  view.setUint32(IP_AT + 16, 0x0a000000 + (row.destination ?? 2));
}

function writeTransport(view: DataView, row: RowSpec): void {
  view.setUint16(TRANSPORT_AT, row.sourcePort ?? 0);
  view.setUint16(TRANSPORT_AT + 2, row.destinationPort ?? 0);
  view.setUint32(TRANSPORT_AT + 4, row.sequence ?? 0);
  view.setUint8(TRANSPORT_AT + 12, row.mss === undefined ? 0x50 : 0x60);
  if (row.mss === undefined) return;
  view.setUint16(TRANSPORT_AT + 20, 0x0204);
  view.setUint16(TRANSPORT_AT + 22, row.mss);
}

function addSecurity(batch: PacketBatch, row: number, offset: number, spec: SecuritySpec): void {
  const { security, block } = batch;
  const i = security.count++;
  security.row[i] = row;
  security.protocol[i] = spec.protocol;
  security.ipOffset[i] = batch.ipOffset[row]!;
  security.offset[i] = offset;
  security.spi[i] = spec.spi;
  security.sequence[i] = spec.sequence;
  security.integrity[i] = spec.integrity ?? 0;
  security.udpEncap[i] = spec.udpEncap ? 1 : 0;
  security.opened[i] = spec.opened ? 1 : 0;
  security.ivBytes[i] = spec.opened?.ivBytes ?? 0;
  security.icvBytes[i] = spec.protocol === 51 ? spec.bytes - 12 : (spec.opened?.icvBytes ?? 0);
  security.padBytes[i] = spec.opened?.padBytes ?? 0;
  security.end[i] = offset + (spec.protocol === 50 ? 8 : 0) + spec.bytes;
  if (spec.protocol === 51) {
    block.data[offset] = spec.nextHeader ?? 6;
    block.data[offset + 1] = spec.bytes / 4 - 2;
  } else if (spec.opened) {
    block.data[security.end[i]! - spec.opened.icvBytes - 1] = spec.opened.nextHeader;
  }
}
