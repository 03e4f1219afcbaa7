import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import type { PacketSizeBucket } from './analysis-summary.js';
import { NOT_WIRE } from './packet-class.js';
import { tunnelBytesOf } from './security-row.js';

/** Least wire length of each bucket. */
const BUCKET_STARTS = [0, 64, 128, 256, 512, 1024, 1280, 1500, 1519, 9019];
const LARGEST_WIRE_BYTES = 2 ** 32 - 1;

/** Bucket of a wire length; lengths at or above the table's last index share its entry. */
const BUCKET_OF = Uint8Array.from({ length: BUCKET_STARTS.at(-1)! + 1 }, (_, bytes) =>
  BUCKET_STARTS.findLastIndex((start) => start <= bytes),
);
const LAST_LENGTH = BUCKET_OF.length - 1;

/** Sums of a bucket. */
const Size = {
  packets: 0,
  bytes: 1,
  payload: 2,
  /** AH, ESP but its content, UDP encapsulation, tunnel headers. */
  ipsec: 3,
  closedPackets: 4,
  closedBytes: 5,
  /** Data of fragments: what is in it is known of all datagrams together only. */
  fragmentBytes: 6,
} as const;
const STRIDE = 8;
/** Behind the buckets: the same sums over reassembled datagrams. */
const DATAGRAMS = BUCKET_STARTS.length * STRIDE;

const IPSEC = PacketFlag.ah | PacketFlag.esp;
const UNUSUAL = NOT_WIRE | PacketFlag.fragment | PacketFlag.reassembled;

/** Plain data. */
export interface PacketSizesState {
  sums: Float64Array;
}

/** Distribution of wire packets over lengths, with what they carried. */
export class PacketSizes {
  readonly state: PacketSizesState = { sums: new Float64Array(DATAGRAMS + STRIDE) };

  /** Counts rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    const { flags, layerBytes } = batch;
    const { wireLength } = batch.block;
    const { sums } = this.state;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & UNUSUAL) !== 0) {
        this.addUnusual(batch, row, rowFlags);
        continue;
      }
      const wire = wireLength[row]!;
      const at = BUCKET_OF[Math.min(wire, LAST_LENGTH)]! * STRIDE;
      sums[at]! += 1;
      sums[at + Size.bytes]! += wire;
      sums[at + Size.payload]! += layerBytes[row * LAYER_STRIDE + Layer.payload]!;
      if ((rowFlags & IPSEC) !== 0) this.addIpsec(batch, row, rowFlags, at);
    }
  }

  private addUnusual(batch: PacketBatch, row: number, rowFlags: number): void {
    if ((rowFlags & NOT_WIRE) !== 0) return;
    const { sums } = this.state;
    const from = row * LAYER_STRIDE;
    let at = DATAGRAMS;
    if ((rowFlags & PacketFlag.reassembled) !== 0) {
      if ((rowFlags & PacketFlag.incomplete) !== 0) return;
      for (let layer = 0; layer < LAYER_STRIDE; layer++) {
        sums[at + Size.fragmentBytes]! += batch.layerBytes[from + layer]!;
      }
    } else {
      const wire = batch.block.wireLength[row]!;
      at = BUCKET_OF[Math.min(wire, LAST_LENGTH)]! * STRIDE;
      sums[at]! += 1;
      sums[at + Size.bytes]! += wire;
      sums[at + Size.fragmentBytes]! += batch.layerBytes[from + Layer.fragment]!;
    }
    sums[at + Size.payload]! += batch.layerBytes[from + Layer.payload]!;
    this.addIpsec(batch, row, rowFlags, at);
  }

  private addIpsec(batch: PacketBatch, row: number, rowFlags: number, at: number): void {
    const { layerBytes } = batch;
    const { sums } = this.state;
    const from = row * LAYER_STRIDE;
    const ipsec =
      layerBytes[from + Layer.udpEncap]! +
      layerBytes[from + Layer.ah]! +
      layerBytes[from + Layer.espHeader]! +
      layerBytes[from + Layer.espIv]! +
      layerBytes[from + Layer.espPadding]! +
      layerBytes[from + Layer.espTrailer]! +
      layerBytes[from + Layer.espIcv]!;
    sums[at + Size.ipsec]! += ipsec;
    if ((rowFlags & PacketFlag.tunnel) !== 0) sums[at + Size.ipsec]! += tunnelBytesOf(batch, row);
    const closed = layerBytes[from + Layer.espOpaque]!;
    if (closed === 0) return;
    sums[at + Size.closedPackets]! += 1;
    sums[at + Size.closedBytes]! += closed;
  }

  merge(later: PacketSizesState): void {
    for (let i = 0; i < later.sums.length; i++) this.state.sums[i]! += later.sums[i]!;
  }

  /**
   * @param closedOverheadBytes IV, padding, trailer and ICV of all closed ESP packets: each of them is charged the mean
   *
   * Data of fragments is divided as that of all whole datagrams together.
   */
  summary(closedOverheadBytes: number): PacketSizeBucket[] {
    const { sums } = this.state;
    let closedPackets = 0;
    for (let at = 0; at <= DATAGRAMS; at += STRIDE) closedPackets += sums[at + Size.closedPackets]!;
    const closedOverhead = closedPackets === 0 ? 0 : closedOverheadBytes / closedPackets;
    const datagrams = this.contentOf(DATAGRAMS, closedOverhead);
    const datagramBytes = sums[DATAGRAMS + Size.fragmentBytes]!;
    return BUCKET_STARTS.map((minBytes, bucket) => {
      const at = bucket * STRIDE;
      const content = this.contentOf(at, closedOverhead);
      const share = datagramBytes === 0 ? 0 : sums[at + Size.fragmentBytes]! / datagramBytes;
      return {
        minBytes,
        maxBytes: (BUCKET_STARTS[bucket + 1] ?? LARGEST_WIRE_BYTES + 1) - 1,
        packets: sums[at]!,
        bytes: sums[at + Size.bytes]!,
        payloadBytes: Math.round(content.payload + share * datagrams.payload),
        ipsecBytes: Math.round(content.ipsec + share * datagrams.ipsec),
      };
    });
  }

  private contentOf(at: number, closedOverhead: number): { payload: number; ipsec: number } {
    const { sums } = this.state;
    const closedBytes = sums[at + Size.closedBytes]!;
    const overhead = Math.min(closedBytes, sums[at + Size.closedPackets]! * closedOverhead);
    return {
      payload: sums[at + Size.payload]! + closedBytes - overhead,
      ipsec: sums[at + Size.ipsec]! + overhead,
    };
  }
}
