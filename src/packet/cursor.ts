import type { IpsecOpener } from './ipsec-opener.js';
import { LAYER_STRIDE, Layer } from './layers.js';
import { MAX_SECURITY_HEADERS, NONE, type PacketBatch, PacketError, PacketFlag } from './packet-batch.js';

/*
 * Theory of operation. One cursor walks one frame after the other; each protocol's step looks at `offset`, charges the
 * bytes of its header to a layer, moves `offset` behind it and returns what follows. Two limits travel with it:
 *
 *   offset <= end     end of what the surrounding header promises (the wire's truth)
 *   limit             end of what was captured; `limit < end` in frames cut by the snap length
 *
 * A header reaching behind `end` is malformed; one that fits but reaches behind `limit` is merely not there to look at.
 * Whoever shrinks `end` charges what lies behind the new end, so that `offset .. end` is always exactly what has no owner
 * yet. Every step that stops charges that rest. Hence the layers of a row add up to its wire length by construction.
 */

/** What follows a header: 0..255 is an IP protocol number, the rest is here. */
export const Next = {
  ipv4: 4,
  ipv6: 41,
  stop: 256,
  arp: 257,
  ethernet: 258,
} as const;

/** Most headers in one frame; more is an attack or noise. */
const MAX_HEADERS = 40;

/** Indices into ERROR_LAYERS. */
export const ErrorLayer = {
  frame: 0,
  ethernet: 1,
  vlan: 2,
  mpls: 3,
  pppoe: 4,
  cooked: 5,
  loopback: 6,
  arp: 7,
  ipv4: 8,
  ipv6: 9,
  ipv6Extension: 10,
  ah: 11,
  esp: 12,
  tcp: 13,
  udp: 14,
  icmp: 15,
  gre: 16,
  vxlan: 17,
  ike: 18,
  espInTcp: 19,
  fragment: 20,
} as const;

/** State of the walk through one frame. Reused: nothing in it outlives the row. */
export class Cursor {
  readonly batch: PacketBatch;
  /** `batch.layerBytes`. */
  readonly layers: Uint32Array;
  data: Uint8Array;
  view: DataView;
  opener: IpsecOpener | null;
  row = 0;
  /** Index of the row's first element in `layerBytes`. */
  base = 0;
  frameStart = 0;
  offset = 0;
  end = 0;
  limit = 0;
  flags = 0;
  headers = 0;
  /** IP headers passed. */
  ipHeaders = 0;
  /** The IP header in whose payload the cursor is. */
  ipOffset = NONE;
  ipIsV6 = false;
  /** Layer that link headers are charged to: `other` inside VXLAN and GRE. */
  linkLayer: number = Layer.link;

  constructor(batch: PacketBatch, opener: IpsecOpener | null) {
    this.batch = batch;
    this.layers = batch.layerBytes;
    this.data = batch.block.data;
    this.view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    this.opener = opener;
  }

  /** Follows the block to a new buffer, if it has one. */
  attach(opener: IpsecOpener | null): void {
    this.opener = opener;
    const data = this.batch.block.data;
    if (data === this.data) return;
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  startRow(row: number): void {
    const { batch } = this;
    const { block } = batch;
    const start = block.offset[row]!;
    const wire = block.wireLength[row]!;
    const captured = block.capturedLength[row]!;
    this.row = row;
    this.base = row * LAYER_STRIDE;
    this.frameStart = start;
    this.offset = start;
    this.end = start + wire;
    this.limit = start + Math.min(captured, wire);
    this.flags = captured < wire ? PacketFlag.cutBySnaplen : 0;
    this.headers = 0;
    this.ipHeaders = 0;
    this.ipOffset = NONE;
    this.ipIsV6 = false;
    this.linkLayer = Layer.link;
    batch.securityStart[row] = batch.security.count;
  }

  finishRow(): void {
    this.batch.flags[this.row] = this.flags;
    this.batch.securityStart[this.row + 1] = this.batch.security.count;
  }

  /** Charges `bytes` to `layer` and moves behind them. */
  take(layer: number, bytes: number): void {
    this.layers[this.base + layer]! += bytes;
    this.offset += bytes;
  }

  /** Charges bytes without moving. */
  charge(layer: number, bytes: number): void {
    this.layers[this.base + layer]! += bytes;
  }

  /** Charges all that is left to `layer`. @returns `Next.stop` */
  takeRest(layer: number): number {
    this.take(layer, this.end - this.offset);
    return Next.stop;
  }

  /** Ends the surrounding payload at `end`; what lies behind belongs to `layer`. */
  shrink(end: number, layer: number): void {
    this.charge(layer, this.end - end);
    this.end = end;
    if (this.limit > end) this.limit = end;
  }

  /**
   * Are `bytes` more bytes there to be looked at? If not, the row ends here: as malformed if the surrounding header does
   * not promise them, else quietly, cut by the snap length.
   */
  has(bytes: number, errorLayer: number): boolean {
    if (this.offset + bytes <= this.limit) return true;
    if (this.offset + bytes > this.end) this.lengthError(errorLayer, bytes, this.end - this.offset);
    this.takeRest(Layer.other);
    return false;
  }

  /** A length that does not fit. Charges the rest to `other`. @returns `Next.stop` */
  lengthError(errorLayer: number, required: number, actual: number): number {
    return this.fail(PacketError.length, errorLayer, required, actual);
  }

  /** A forbidden value. Charges the rest to `other`. @returns `Next.stop` */
  valueError(errorLayer: number, value: number): number {
    return this.fail(PacketError.value, errorLayer, 0, value);
  }

  fail(kind: number, errorLayer: number, required: number, actual: number): number {
    const { batch, row } = this;
    this.flags |= PacketFlag.malformed;
    batch.error[row] = kind;
    batch.errorLayer[row] = errorLayer;
    batch.errorOffset[row] = this.offset - this.frameStart;
    batch.errorRequired[row] = required;
    batch.errorActual[row] = actual;
    return this.takeRest(Layer.other);
  }

  /** Counts a header. @returns false, the row being ended with an error, if there are too many */
  countHeader(): boolean {
    this.headers += 1;
    if (this.headers <= MAX_HEADERS) return true;
    this.fail(PacketError.nesting, ErrorLayer.frame, MAX_HEADERS, this.headers);
    return false;
  }

  /** Notes the IP header at `offset` as the one that what follows belongs to. */
  enterIp(isV6: boolean): void {
    const { batch, row } = this;
    if (this.ipHeaders === 0) {
      batch.ipOffset[row] = this.offset;
      if (isV6) this.flags |= PacketFlag.outerIpv6;
    } else {
      this.flags |= PacketFlag.tunnel;
    }
    this.ipHeaders += 1;
    this.ipOffset = this.offset;
    this.ipIsV6 = isV6;
    batch.innerIpOffset[row] = this.offset;
    this.flags = isV6 ? this.flags | PacketFlag.ipv6 : this.flags & ~PacketFlag.ipv6;
  }

  /** Layer of the IP header being decoded. */
  get ipLayer(): number {
    return this.ipHeaders <= 1 ? Layer.ip : Layer.innerIp;
  }

  /** Has this row AH or ESP headers already? */
  get hasSecurity(): boolean {
    return this.batch.security.count > this.batch.securityStart[this.row]!;
  }

  /** Does this row have as many AH and ESP headers as are noted? */
  get securityFull(): boolean {
    return this.batch.security.count - this.batch.securityStart[this.row]! >= MAX_SECURITY_HEADERS;
  }
}
