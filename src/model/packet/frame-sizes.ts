import { emptyTotals, type LayerTotals, PLAN_LAYERS } from '../../plan/layer-totals.js';
import type { PacketCost } from '../../plan/packet-cost.js';
import { ETHERNET_LINE_BYTES, FrameTally } from '../../plan/transfer.js';

/** Frames that segments of each length become, calculated once for each length. */
export class FrameSizes {
  readonly #cost: PacketCost;
  readonly #mtuBytes: number;
  /** What the line is busy for; 0: not calculated yet. */
  readonly #lineBytes: Float64Array;
  readonly #packets: Float64Array;

  constructor(cost: PacketCost, mtuBytes: number, mssBytes: number) {
    this.#cost = cost;
    this.#mtuBytes = mtuBytes;
    this.#lineBytes = new Float64Array(mssBytes + 1);
    this.#packets = new Float64Array(mssBytes + 1);
  }

  /** All frames of a segment with preamble, FCS and gap. */
  lineBytes(payloadBytes: number): number {
    const known = this.#lineBytes[payloadBytes]!;
    return known > 0 ? known : this.#calculate(payloadBytes);
  }

  /** All frames of a segment, filled up to 60 bytes, without preamble, FCS and gap. */
  frameBytes(payloadBytes: number): number {
    return this.lineBytes(payloadBytes) - this.packets(payloadBytes) * ETHERNET_LINE_BYTES;
  }

  /** 1, or the number of fragments. */
  packets(payloadBytes: number): number {
    if (this.#lineBytes[payloadBytes] === 0) this.#calculate(payloadBytes);
    return this.#packets[payloadBytes]!;
  }

  /** Adds up what was sent, from how many segments there were of each length. */
  total(segmentsByLength: Float64Array): SentFrames {
    const layers = emptyTotals();
    const sent = { packets: 0, bytes: 0, lineBytes: 0, fragments: 0 };
    for (let length = 0; length < segmentsByLength.length; length++) {
      const segments = segmentsByLength[length]!;
      if (segments === 0) continue;
      const tally = new FrameTally(this.#cost, this.#mtuBytes);
      tally.add(length, segments);
      const frames = tally.result();
      for (const layer of PLAN_LAYERS) layers[layer] += frames.layers[layer];
      sent.packets += frames.packets;
      sent.bytes += frames.wireBytes;
      sent.lineBytes += frames.lineBytes;
      if (frames.fragmented) sent.fragments += frames.packets;
    }
    return { ...sent, bytesByLayer: layers };
  }

  #calculate(payloadBytes: number): number {
    const tally = new FrameTally(this.#cost, this.#mtuBytes);
    tally.add(payloadBytes, 1);
    const { lineBytes, packets } = tally.result();
    this.#lineBytes[payloadBytes] = lineBytes;
    this.#packets[payloadBytes] = packets;
    return lineBytes;
  }
}

export interface SentFrames {
  packets: number;
  /** Ethernet frames, filled up to 60 bytes, without preamble, FCS and gap. */
  bytes: number;
  /** With them. */
  lineBytes: number;
  /** Packets that are fragments. */
  fragments: number;
  bytesByLayer: LayerTotals;
}
