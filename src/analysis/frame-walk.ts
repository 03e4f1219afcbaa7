import { Decoder } from '../packet/decode.js';
import type { FrameBlock } from '../packet/frame-block.js';
import type { IpsecOpener } from '../packet/ipsec-opener.js';
import { PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { Reassembler, type ReassemblyCounts } from '../packet/reassembler.js';
import { NOT_WIRE } from './packet-class.js';
import { TapArtefacts } from './tap-artefacts.js';
import type { TapProfile } from './tap-profile.js';

/*
 * Theory of operation. Frames go through in the order of the capture:
 *
 *   block -> decode, opening what there are keys for -> tap artefacts marked -> sink
 *                                     fragments -> reassembler -> decode -> sink, at the place of the last fragment
 */

/** Takes rows in the order of the capture. */
export interface RowSink {
  /**
   * Rows `from` to `to` of the batch: frames with tap artefacts marked, or one reassembled datagram. Nothing of the batch may
   * be kept.
   */
  add(batch: PacketBatch, from: number, to: number): void;
}

/** What one piece of a capture left behind for the piece before it, as plain data. */
export type FrameWalkState = ReturnType<FrameWalk['state']>;

/** Leads the frames of a capture to a sink. */
export class FrameWalk {
  private readonly opener: IpsecOpener | null;
  private readonly artefacts: TapArtefacts;
  private readonly reassembler = new Reassembler();
  private readonly datagramDecoder: Decoder;
  private readonly sink: RowSink;
  private decoder: Decoder | null = null;

  /** @param profile of the link that was tapped */
  constructor(opener: IpsecOpener | null, profile: TapProfile, sink: RowSink) {
    this.opener = opener;
    this.artefacts = new TapArtefacts(profile);
    this.datagramDecoder = new Decoder(this.reassembler.batch, opener);
    this.sink = sink;
  }

  /** Frames by what the tap made of them. */
  get frames(): Readonly<TapArtefacts['state']> {
    return this.artefacts.state;
  }

  get reassembly(): Readonly<ReassemblyCounts> {
    return this.reassembler.counts;
  }

  /** Takes all frames of a block. ESP that can be opened is decrypted in place. */
  addBlock(block: FrameBlock): void {
    const batch = this.decode(block);
    let from = 0;
    if (batch.fragmentRows > 0) {
      for (let row = 0; row < batch.count; row++) {
        if ((batch.flags[row]! & PacketFlag.fragment) === 0) continue;
        this.addRows(batch, from, row);
        from = row;
        this.artefacts.mark(batch, row, row + 1);
        const isComplete = (batch.flags[row]! & NOT_WIRE) === 0 && this.reassembler.add(batch, row);
        // Whether a fragment fits its datagram shows when it is put there.
        if ((batch.flags[row]! & PacketFlag.malformed) !== 0) this.artefacts.countMalformed();
        this.sink.add(batch, row, row + 1);
        from = row + 1;
        if (!isComplete) continue;
        const datagrams = this.takeDatagram();
        this.artefacts.noteDatagram(datagrams, batch, row);
      }
    }
    this.addRows(batch, from, batch.count);
  }

  /** What is known of the tapped link from now on. */
  learnTap(profile: TapProfile): void {
    this.artefacts.learn(profile);
  }

  /** Shows frames that another piece counts, for what they tell about the frames behind them. */
  warmUp(block: FrameBlock): void {
    this.artefacts.preview(this.decode(block));
  }

  /** Hands over what reaches beyond this piece; nothing may be added afterwards. */
  state() {
    return {
      artefacts: this.artefacts.state,
      reassembly: this.reassembler.counts,
      pending: this.reassembler.pending(),
    };
  }

  /**
   * Appends a later piece: datagrams that it completes go to this walk's sink.
   * @param framesBefore frames of the same file that came before, to be added to packet numbers
   */
  merge(later: FrameWalkState, framesBefore: number): void {
    const fragmentsBefore = this.reassembler.counts.fragments;
    this.artefacts.merge(later.artefacts);
    for (const pending of later.pending) {
      pending.frameNumber += framesBefore;
      if (this.reassembler.adopt(pending, fragmentsBefore)) this.takeDatagram();
    }
    this.reassembler.addCounts(later.reassembly);
  }

  /** Ends the walk: of datagrams that are still incomplete the beginnings go to the sink. */
  finish(): void {
    for (;;) {
      const isThere = this.reassembler.takeIncomplete();
      if (isThere === null) return;
      if (isThere) this.takeDatagram();
    }
  }

  private decode(block: FrameBlock): PacketBatch {
    if (this.decoder === null || this.decoder.batch.capacity < block.capacity) {
      this.decoder = new Decoder(new PacketBatch(block), this.opener);
    }
    // Blocks of a live capture go round: columns for each of them would cost more than decoding.
    this.decoder.batch.block = block;
    this.decoder.decode();
    return this.decoder.batch;
  }

  private addRows(batch: PacketBatch, from: number, to: number): void {
    if (to <= from) return;
    this.artefacts.mark(batch, from, to);
    this.sink.add(batch, from, to);
  }

  private takeDatagram(): PacketBatch {
    this.datagramDecoder.decode();
    this.reassembler.finish();
    this.sink.add(this.reassembler.batch, 0, 1);
    return this.reassembler.batch;
  }
}
