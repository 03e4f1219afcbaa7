import { KeyedOpener } from '../ipsec/open/keyed-opener.js';
import { Decoder } from '../packet/decode.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { Reassembler } from '../packet/reassembler.js';
import type { AnalysisSummary, InputSummary } from './analysis-summary.js';
import { createSaTable, type IpsecKnowledge } from './known-ipsec.js';
import { Tallies } from './tallies.js';
import { TapArtefacts } from './tap-artefacts.js';
import type { TapProfile } from './tap-profile.js';

/*
 * Theory of operation. Frames go through in the order of the capture:
 *
 *   block -> decode, opening what there are keys for -> tap artefacts marked -> tallies
 *                                     fragments -> reassembler -> decode -> tallies, at the place of the last fragment
 *
 * A capture may be analysed in pieces, by several threads: `state()` of a piece is plain data and `merge` appends it to
 * what came before. The result is that of one piece, because everything that reaches over a seam is handed on: the
 * tallies keep what they need to be joined (see there), datagrams that wait for fragments travel in the state, and a
 * piece is shown the frames before it (`warmUp`) so that decapsulated copies find the packet they came in.
 */

/** What one piece of a capture gave, as plain data. */
export type CaptureAnalysisState = ReturnType<CaptureAnalysis['state']>;

/** Analyses frames. */
export class CaptureAnalysis {
  private readonly opener: KeyedOpener | null;
  private readonly artefacts: TapArtefacts;
  private readonly reassembler = new Reassembler();
  private readonly datagramDecoder: Decoder;
  private readonly tallies: Tallies;
  private decoder: Decoder | null = null;

  /**
   * @param knowledge SAs and suites that are known
   * @param profile of the link that was tapped
   * @param fileIndex of the file that the frames come from
   */
  constructor(knowledge: IpsecKnowledge, profile: TapProfile, fileIndex: number) {
    const table = createSaTable(knowledge);
    this.opener = table.size === 0 ? null : new KeyedOpener(table);
    this.artefacts = new TapArtefacts(profile);
    this.datagramDecoder = new Decoder(this.reassembler.batch, this.opener);
    this.tallies = new Tallies(fileIndex);
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
        const isComplete =
          (batch.flags[row]! & PacketFlag.decapsulatedCopy) === 0 && this.reassembler.add(batch, row);
        this.tallies.add(batch, row, row + 1);
        from = row + 1;
        if (!isComplete) continue;
        const datagrams = this.takeDatagram();
        this.artefacts.noteDatagram(datagrams, batch, row);
      }
    }
    this.addRows(batch, from, batch.count);
  }

  /** Shows frames that another piece counts, for what they tell about the frames behind them. */
  warmUp(block: FrameBlock): void {
    this.artefacts.preview(this.decode(block));
  }

  /** Hands over everything; nothing may be added afterwards. */
  state() {
    return {
      artefacts: this.artefacts.state,
      tallies: this.tallies.state(),
      reassembly: this.reassembler.counts,
      pending: this.reassembler.pending(),
    };
  }

  /**
   * Appends what was found behind everything seen here so far.
   * @param framesBefore frames of the same file that came before
   */
  merge(later: CaptureAnalysisState, framesBefore: number): void {
    const fragmentsBefore = this.reassembler.counts.fragments;
    this.artefacts.merge(later.artefacts);
    for (const pending of later.pending) {
      if (this.reassembler.adopt(pending, fragmentsBefore)) this.takeDatagram();
    }
    this.reassembler.addCounts(later.reassembly);
    this.tallies.merge(later.tallies, framesBefore);
  }

  /**
   * Ends the analysis: datagrams that are still incomplete stay so.
   * @param inputs the files, by index
   */
  finish(knowledge: IpsecKnowledge, inputs: InputSummary[]): AnalysisSummary {
    for (;;) {
      const isThere = this.reassembler.takeIncomplete();
      if (isThere === null) break;
      if (isThere) this.takeDatagram();
    }
    const paths = inputs.map((input) => input.path);
    const { total, malformed, decapsulatedCopies, superFrames, cutBySnaplen } = this.artefacts.state;
    return {
      schema: 'tare.analysis/1',
      inputs,
      frames: { total, malformed, decapsulatedCopies, superFrames, cutBySnaplen },
      ...this.tallies.summary(knowledge, this.reassembler.counts, paths),
    };
  }

  private decode(block: FrameBlock): PacketBatch {
    if (this.decoder === null || this.decoder.batch.block !== block) {
      this.decoder = new Decoder(new PacketBatch(block), this.opener);
    }
    this.decoder.decode();
    return this.decoder.batch;
  }

  private addRows(batch: PacketBatch, from: number, to: number): void {
    if (to <= from) return;
    this.artefacts.mark(batch, from, to);
    this.tallies.add(batch, from, to);
  }

  private takeDatagram(): PacketBatch {
    this.datagramDecoder.decode();
    this.reassembler.finish();
    this.tallies.add(this.reassembler.batch, 0, 1);
    return this.reassembler.batch;
  }
}
