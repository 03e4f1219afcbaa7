import { type CopyLink, CopyLinkFinder } from '../analysis/copy-links.js';
import { type LinkMtu, LinkMtuEstimator } from '../analysis/link-mtu.js';
import type { TapProfile } from '../analysis/tap-profile.js';
import { Decoder } from '../packet/decode.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { PacketBatch } from '../packet/packet-batch.js';

/*
 * Theory of operation. Of a file the first block tells what the tap shows that never was on the wire (tap-profile.ts). A
 * live capture may begin with three packets, and the first tunnel may come up hours later. So samples are looked at again and
 * again, and what they tell is kept. A sample is decoded a second time, without keys: at most SAMPLE_FRAMES and the rest of
 * a block in PAUSE_SECONDS.
 */
const SAMPLE_FRAMES = 4096;
const PAUSE_SECONDS = 10;
const MAX_COPY_LINKS = 64;

/** Finds out about a link while frames go over it. */
export class TapSampler {
  private readonly knownMtu: LinkMtu | null;
  private mtu: LinkMtu;
  private readonly copyLinks: CopyLink[] = [];
  private estimator = new LinkMtuEstimator();
  private finder = new CopyLinkFinder();
  private framesLeft = SAMPLE_FRAMES;
  private pauseUntil = Number.NEGATIVE_INFINITY;
  private decoder: Decoder | null = null;

  /** @param mtuBytes of the interface; null if it is not known */
  constructor(mtuBytes: number | null) {
    this.knownMtu = mtuBytes === null ? null : { bytes: mtuBytes, certainty: 'measured' };
    this.mtu = this.knownMtu ?? this.estimator.estimate();
  }

  get profile(): TapProfile {
    return { mtu: this.mtu, copyLinks: [...this.copyLinks] };
  }

  /**
   * Looks at a block before anything is decrypted in it, if it is time to, and leaves it as it is.
   * @returns whether the profile may have changed
   */
  add(block: FrameBlock): boolean {
    if (block.count === 0) return false;
    const seconds = block.timeSeconds[0]!;
    // A clock that was set back must not end sampling.
    if (seconds < this.pauseUntil && seconds > this.pauseUntil - 2 * PAUSE_SECONDS) return false;
    const batch = this.decode(block);
    this.estimator.add(batch);
    this.finder.add(batch);
    this.learn();
    this.framesLeft -= block.count;
    if (this.framesLeft <= 0) this.pause(seconds);
    return true;
  }

  private decode(block: FrameBlock): PacketBatch {
    if (this.decoder === null || this.decoder.batch.capacity < block.capacity) {
      this.decoder = new Decoder(new PacketBatch(block), null);
    }
    this.decoder.batch.block = block;
    this.decoder.decode();
    return this.decoder.batch;
  }

  private learn(): void {
    const seen = this.estimator.estimate();
    const isSame = seen.bytes === this.mtu.bytes;
    const isBetter = seen.bytes > this.mtu.bytes || (isSame && seen.certainty === 'measured');
    if (this.knownMtu === null && isBetter) this.mtu = seen;
    for (const link of this.finder.found()) {
      const known = this.copyLinks.findIndex((other) => other.link === link.link);
      if (known >= 0) this.copyLinks[known] = link;
      else if (this.copyLinks.length < MAX_COPY_LINKS) this.copyLinks.push(link);
    }
  }

  private pause(seconds: number): void {
    this.pauseUntil = seconds + PAUSE_SECONDS;
    this.framesLeft = SAMPLE_FRAMES;
    this.estimator = new LinkMtuEstimator();
    this.finder = new CopyLinkFinder();
  }
}
