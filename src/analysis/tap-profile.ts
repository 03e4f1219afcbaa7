import { Decoder } from '../packet/decode.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { PacketBatch } from '../packet/packet-batch.js';
import { type CopyLink, findCopyLinks } from './copy-links.js';
import { type LinkMtu, LinkMtuEstimator } from './link-mtu.js';

/** What tells frames that were on the wire from those that only the tap saw. Plain data. */
export interface TapProfile {
  mtu: LinkMtu;
  /** Links on which decapsulated packets are seen again. */
  copyLinks: CopyLink[];
}

/** Profile of a capture, from its first block; null if it has none. Leaves the block as it is. */
export function profileTap(block: FrameBlock | null): TapProfile {
  const estimator = new LinkMtuEstimator();
  let copyLinks: CopyLink[] = [];
  if (block !== null) {
    const batch = new PacketBatch(block);
    new Decoder(batch, null).decode();
    estimator.add(batch);
    copyLinks = findCopyLinks(batch);
  }
  return { mtu: estimator.estimate(), copyLinks };
}
