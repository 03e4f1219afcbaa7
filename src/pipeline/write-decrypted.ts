import { ClearPacketBuilder } from '../analysis/clear-packet.js';
import { createSaTable, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import { TapArtefacts } from '../analysis/tap-artefacts.js';
import { profileTap } from '../analysis/tap-profile.js';
import { openCapture } from '../capture/capture-source.js';
import { PcapngWriter } from '../capture/pcapng-writer.js';
import { KeyedOpener } from '../ipsec/open/keyed-opener.js';
import { Decoder } from '../packet/decode.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { Reassembler } from '../packet/reassembler.js';

/** What became of the packets. */
export interface DecryptedCounts {
  written: number;
  /** Of those written, how many had their IPsec taken off. */
  opened: number;
  /** Decapsulated copies, left out: the packet they came in is written in their place. */
  copies: number;
  /** Fragments of datagrams that never became whole, left out. */
  fragmentsLeftOut: number;
}

/**
 * Writes captures as they would be without IPsec: opened packets in the clear, datagrams put together, everything else as
 * it is. The file is readable by its owner alone and appears whole or not at all.
 * @throws CaptureOpenError; Error of node:fs if the output cannot be written
 */
export async function writeDecrypted(
  paths: readonly string[],
  knowledge: IpsecKnowledge,
  output: string,
): Promise<DecryptedCounts> {
  const writer = new PcapngWriter(output, { mode: 0o600 });
  try {
    const copier = new DecryptedCopier(knowledge, writer);
    for (const path of paths) {
      const source = await openCapture(path);
      for await (const block of source) copier.add(block);
    }
    copier.finish();
    writer.close();
    return copier.counts;
  } catch (error) {
    writer.abort();
    throw error;
  }
}

class DecryptedCopier {
  readonly counts: DecryptedCounts = { written: 0, opened: 0, copies: 0, fragmentsLeftOut: 0 };
  private readonly writer: PcapngWriter;
  private readonly opener: KeyedOpener;
  private readonly builder = new ClearPacketBuilder();
  private readonly reassembler = new Reassembler();
  private readonly datagramDecoder: Decoder;
  private artefacts: TapArtefacts | null = null;
  private decoder: Decoder | null = null;

  constructor(knowledge: IpsecKnowledge, writer: PcapngWriter) {
    this.writer = writer;
    this.opener = new KeyedOpener(createSaTable(knowledge));
    this.datagramDecoder = new Decoder(this.reassembler.batch, this.opener);
  }

  add(block: FrameBlock): void {
    this.artefacts ??= new TapArtefacts(profileTap(block));
    if (this.decoder?.batch.block !== block) this.decoder = new Decoder(new PacketBatch(block), this.opener);
    this.decoder.decode();
    const { batch } = this.decoder;
    for (let row = 0; row < batch.count; row++) {
      this.artefacts.mark(batch, row, row + 1);
      this.addRow(batch, row);
    }
  }

  finish(): void {
    const { fragments } = this.reassembler.counts;
    for (const pending of this.reassembler.pending()) this.counts.fragmentsLeftOut += pending.fragments;
    this.counts.fragmentsLeftOut = Math.min(this.counts.fragmentsLeftOut, fragments);
  }

  private addRow(batch: PacketBatch, row: number): void {
    const flags = batch.flags[row]!;
    if ((flags & PacketFlag.decapsulatedCopy) !== 0) {
      this.counts.copies += 1;
    } else if ((flags & PacketFlag.fragment) === 0) {
      this.write(batch, row);
    } else if (this.reassembler.add(batch, row)) {
      this.datagramDecoder.decode();
      this.reassembler.finish();
      this.artefacts!.noteDatagram(this.reassembler.batch, batch, row);
      this.write(this.reassembler.batch, 0);
    }
  }

  private write(batch: PacketBatch, row: number): void {
    const { block } = batch;
    const seconds = block.timeSeconds[row]!;
    const nanoseconds = block.timeNanoseconds[row]!;
    this.counts.written += 1;
    const clear = this.builder.build(batch, row);
    if (clear !== null) {
      this.counts.opened += 1;
      this.writer.write(clear.linkType, seconds, nanoseconds, clear.data, 0, clear.bytes, clear.bytes);
      return;
    }
    const captured = block.capturedLength[row]!;
    const wire = block.wireLength[row]!;
    this.writer.write(
      block.linkType[row]!,
      seconds,
      nanoseconds,
      block.data,
      block.offset[row]!,
      captured,
      wire,
    );
  }
}
