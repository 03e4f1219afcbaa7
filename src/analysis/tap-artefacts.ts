import { hashBytes } from '../packet/byte-hash.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { COPY_DELAY_NS, type CopyLink, fitsCopyLink } from './copy-links.js';
import { linkKey } from './link-key.js';
import type { TapProfile } from './tap-profile.js';

/*
 * Theory of operation. A tap sees frames which never were on the wire in that form:
 *
 * Decapsulated copies. When Linux takes a packet out of an IPsec tunnel it feeds the inner packet through the same device
 * again (xfrm_input, gro_cells_receive), where the tap sees it a second time. If the IPsec packet could be opened, the
 * copy is told by its bytes, which are the same. If not, by link, time and length, and only on links where the capture's
 * beginning showed that copies come (copy-links.ts): taking real clear traffic for copies would hide it from the very
 * report that looks for clear traffic. Each IPsec packet accounts for one copy at most.
 *
 * Super-frames. Segmentation and receive offload (TSO, GSO, GRO) hand the tap frames larger than the link carries.
 */

/** IPsec packets that may wait for their copies at a time. */
const WAITING = 64;
/** A packet with the same bytes is a copy even if it comes late. */
const SAME_BYTES_DELAY_NS = 100e6;

/** Plain data. */
export interface TapArtefactsState {
  total: number;
  malformed: number;
  decapsulatedCopies: number;
  superFrames: number;
  superFrameBytes: number;
  cutBySnaplen: number;
}

/** An IPsec packet whose copy may still come. */
class Waiting {
  isWaiting = false;
  seconds = 0;
  nanoseconds = 0;
  /** `linkKey` of its frame. */
  link = 0;
  /** Of what is inside; 0 if it could not be opened. */
  contentHash = 0;
  /** Length of the inner packet; of closed ESP behind its header if it could not be opened. */
  bytes = 0;
  sizes: CopyLink | null = null;
}

/** Marks decapsulated copies and super-frames in the flags of frame rows, and counts them. */
export class TapArtefacts {
  readonly state: TapArtefactsState = {
    total: 0,
    malformed: 0,
    decapsulatedCopies: 0,
    superFrames: 0,
    superFrameBytes: 0,
    cutBySnaplen: 0,
  };
  private mtuBytes = 0;
  private copyLinks: readonly CopyLink[] = [];
  /** Flags of packets that copies may be of. What is closed has none that could be told, unless links show copies. */
  private mayHaveCopy = 0;
  private readonly waiting: readonly Waiting[] = Array.from({ length: WAITING }, () => new Waiting());
  /** Ring position of the next to come. */
  private next = 0;
  private waitingCount = 0;

  /** @param profile of the link that was tapped */
  constructor(profile: TapProfile) {
    this.learn(profile);
  }

  /** What is known of the link from now on: a live capture tells little at its beginning. */
  learn(profile: TapProfile): void {
    this.mtuBytes = profile.mtu.bytes;
    this.copyLinks = profile.copyLinks;
    this.mayHaveCopy = profile.copyLinks.length > 0 ? PacketFlag.esp | PacketFlag.ah : PacketFlag.tunnel;
  }

  /** Marks rows `from` to `to` of a batch of frames; each row once, in order. */
  mark(batch: PacketBatch, from: number, to: number): void {
    const { flags, layerBytes, block } = batch;
    const { state, mtuBytes, mayHaveCopy } = this;
    state.total += to - from;
    for (let row = from; row < to; row++) {
      const rowFlags = flags[row]!;
      if ((rowFlags & (PacketFlag.malformed | PacketFlag.cutBySnaplen)) !== 0) {
        if ((rowFlags & PacketFlag.malformed) !== 0) state.malformed += 1;
        if ((rowFlags & PacketFlag.cutBySnaplen) !== 0) state.cutBySnaplen += 1;
      }
      if (this.waitingCount > 0 && this.takeCopy(batch, row)) {
        flags[row] = rowFlags | PacketFlag.decapsulatedCopy;
        state.decapsulatedCopies += 1;
      } else {
        const wireBytes = block.wireLength[row]!;
        if (wireBytes > mtuBytes && wireBytes - layerBytes[row * LAYER_STRIDE + Layer.link]! > mtuBytes) {
          flags[row] = rowFlags | PacketFlag.superFrame;
          state.superFrames += 1;
          state.superFrameBytes += wireBytes;
        }
      }
      if ((rowFlags & mayHaveCopy) !== 0) this.awaitCopy(batch, row, batch, row);
    }
  }

  /** Looks at rows without marking or counting them, for the copies behind them. */
  preview(batch: PacketBatch): void {
    for (let row = 0; row < batch.count; row++) {
      if (this.waitingCount > 0) this.takeCopy(batch, row);
      if ((batch.flags[row]! & (PacketFlag.esp | PacketFlag.ah)) !== 0)
        this.awaitCopy(batch, row, batch, row);
    }
  }

  /** Takes note of the datagram in `datagrams` that the frame in `row` of `frames` completed. */
  noteDatagram(datagrams: PacketBatch, frames: PacketBatch, row: number): void {
    this.awaitCopy(datagrams, 0, frames, row);
  }

  /** Counts a frame which turned out to be malformed only after it was marked. */
  countMalformed(): void {
    this.state.malformed += 1;
  }

  merge(later: TapArtefactsState): void {
    this.state.total += later.total;
    this.state.malformed += later.malformed;
    this.state.decapsulatedCopies += later.decapsulatedCopies;
    this.state.superFrames += later.superFrames;
    this.state.superFrameBytes += later.superFrameBytes;
    this.state.cutBySnaplen += later.cutBySnaplen;
  }

  /** Lets the IPsec packet in `row` wait for its copy, if it may have one. It came in the frame in `frameRow`. */
  private awaitCopy(batch: PacketBatch, row: number, frames: PacketBatch, frameRow: number): void {
    const flags = batch.flags[row]!;
    if ((flags & (PacketFlag.malformed | PacketFlag.incomplete)) !== 0) return;
    if ((flags & (PacketFlag.esp | PacketFlag.ah)) === 0) return;
    const closedBytes = batch.layerBytes[row * LAYER_STRIDE + Layer.espOpaque]!;
    if (closedBytes > 0 ? this.copyLinks.length === 0 : (flags & PacketFlag.tunnel) === 0) return;
    const link = linkKey(frames, frameRow);
    const sizes = closedBytes > 0 ? this.sizesOf(link) : null;
    if (closedBytes > 0 && sizes === null) return;

    const slot = this.waiting[this.next]!;
    if (!slot.isWaiting) this.waitingCount += 1;
    this.next = (this.next + 1) % WAITING;
    slot.isWaiting = true;
    slot.seconds = frames.block.timeSeconds[frameRow]!;
    slot.nanoseconds = frames.block.timeNanoseconds[frameRow]!;
    slot.link = link;
    slot.sizes = sizes;
    slot.bytes = closedBytes;
    slot.contentHash = 0;
    if (closedBytes === 0) {
      const inner = batch.innerIpOffset[row]!;
      slot.bytes = ipPacketBytes(batch.block.data, inner);
      slot.contentHash = contentHash(batch, row, inner, slot.bytes);
    }
  }

  private sizesOf(link: number): CopyLink | null {
    for (let i = 0; i < this.copyLinks.length; i++) {
      if (this.copyLinks[i]!.link === link) return this.copyLinks[i]!;
    }
    return null;
  }

  /** Looks for the IPsec packet that the packet in `row` came in, oldest first, and settles it. */
  private takeCopy(batch: PacketBatch, row: number): boolean {
    const ip = batch.ipOffset[row]!;
    if (ip === NONE) return false;
    const { block } = batch;
    const link = linkKey(batch, row);
    const bytes = ipPacketBytes(block.data, ip);
    for (let i = 0; i < WAITING; i++) {
      const slot = this.waiting[(this.next + i) % WAITING]!;
      if (!slot.isWaiting) continue;
      const age =
        (block.timeSeconds[row]! - slot.seconds) * 1e9 + (block.timeNanoseconds[row]! - slot.nanoseconds);
      if (age > (slot.sizes === null ? SAME_BYTES_DELAY_NS : COPY_DELAY_NS)) {
        this.settle(slot);
        continue;
      }
      if (slot.link !== link || age < 0) continue;
      const fits =
        slot.sizes === null
          ? slot.bytes === bytes && slot.contentHash === contentHash(batch, row, ip, bytes)
          : fitsCopyLink(slot.sizes, slot.bytes, bytes);
      if (!fits) continue;
      this.settle(slot);
      return true;
    }
    return false;
  }

  private settle(slot: Waiting): void {
    slot.isWaiting = false;
    this.waitingCount -= 1;
  }
}

/** Length of the IP packet by its own header. */
function ipPacketBytes(data: Uint8Array, ip: number): number {
  if (data[ip]! >> 4 === 6) return 40 + ((data[ip + 4]! << 8) | data[ip + 5]!);
  return (data[ip + 2]! << 8) | data[ip + 3]!;
}

/** Of the captured bytes of an IP packet, all of them: the tap sees a copy before anything forwards it. */
function contentHash(batch: PacketBatch, row: number, ip: number, bytes: number): number {
  const capturedEnd = batch.block.offset[row]! + batch.block.capturedLength[row]!;
  return hashBytes(batch.block.data, ip, Math.min(ip + bytes, capturedEnd));
}
