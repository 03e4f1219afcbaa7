import { ipHeaderBytes, isIpv6At } from '../analysis/ip-header.js';
import { IPV6_FRAGMENT_HEADER_BYTES } from '../ipsec/path-mtu-fragments.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { emptyTotals, type LayerTotals, PLAN_LAYERS } from '../plan/layer-totals.js';
import type { TrafficTotals } from '../plan/what-if-report.js';

/** Adds up rows: packets, wire bytes, and these by layer. */
export class RowTotals {
  packets = 0;
  wireBytes = 0;
  readonly #layers = new Float64Array(LAYER_STRIDE);

  /** A frame. */
  addFrame(batch: PacketBatch, row: number): void {
    this.packets += 1;
    this.wireBytes += batch.block.wireLength[row]!;
    this.#addLayers(batch, row);
  }

  /** A reassembled datagram with the headers of the frames that carried it, known as a sum: what is not IP's is the link's. */
  addDatagram(batch: PacketBatch, row: number): void {
    const fragments = batch.fragments[row]!;
    this.packets += fragments;
    this.wireBytes += batch.fragmentBytes[row]!;
    const headers = batch.fragmentBytes[row]! - this.#addLayers(batch, row);
    const ip = batch.ipOffset[row]!;
    const ipBytes = ip === NONE ? 0 : fragments * fragmentHeaderBytes(batch.block.data, ip);
    this.#layers[Layer.ip]! += ipBytes;
    this.#layers[Layer.link]! += headers - ipBytes;
  }

  /** A datagram whose frames have been added: says what was in them. */
  resolveDatagram(batch: PacketBatch, row: number): void {
    if ((batch.flags[row]! & PacketFlag.incomplete) !== 0) return;
    this.#layers[Layer.fragment]! -= this.#addLayers(batch, row);
  }

  /** `count` packets alike. */
  addAlike(count: number, layers: LayerTotals): void {
    this.packets += count;
    PLAN_LAYERS.forEach((name, layer) => {
      this.#layers[layer]! += layers[name] * count;
      this.wireBytes += layers[name] * count;
    });
  }

  /** Bytes of closed ESP of which is known now what they were; they have been added as closed. */
  resolveClosed(count: number, closedBytes: number, layers: LayerTotals): void {
    this.#layers[Layer.espOpaque]! -= closedBytes * count;
    for (const name of INSIDE_ESP) this.#layers[Layer[name]]! += layers[name] * count;
  }

  /** Closed ESP counts as payload, and fragments of datagrams that never became whole as `other`. */
  totals(): TrafficTotals {
    const layers = emptyTotals();
    PLAN_LAYERS.forEach((name, layer) => {
      layers[name] = this.#layers[layer]!;
    });
    layers.payload += this.#layers[Layer.espOpaque]!;
    layers.other += this.#layers[Layer.fragment]!;
    return { packets: this.packets, wireBytes: this.wireBytes, layers };
  }

  /** @returns sum of the row's layers */
  #addLayers(batch: PacketBatch, row: number): number {
    let sum = 0;
    for (let layer = 0; layer < LAYER_STRIDE; layer++) {
      const bytes = batch.layerBytes[row * LAYER_STRIDE + layer]!;
      this.#layers[layer]! += bytes;
      sum += bytes;
    }
    return sum;
  }
}

/** What a reassembled datagram carried: its layers, without headers of the frames. */
export function carriedBytes(batch: PacketBatch, row: number): number {
  let sum = 0;
  for (let layer = 0; layer < LAYER_STRIDE; layer++) sum += batch.layerBytes[row * LAYER_STRIDE + layer]!;
  return sum;
}

/** IP header of each fragment of the datagram at `ip`; with the fragment header in IPv6. */
export function fragmentHeaderBytes(data: Uint8Array, ip: number): number {
  return ipHeaderBytes(data, ip) + (isIpv6At(data, ip) ? IPV6_FRAGMENT_HEADER_BYTES : 0);
}

/** Owners of what lies behind the ESP header. */
export const INSIDE_ESP = [
  'espIv',
  'espPadding',
  'espTrailer',
  'espIcv',
  'innerIp',
  'transport',
  'payload',
] as const;
