import { ClearPacketBuilder } from '../analysis/clear-packet.js';
import { FrameWalk, type RowSink } from '../analysis/frame-walk.js';
import { createSaTable, type IpsecKnowledge } from '../analysis/known-ipsec.js';
import { profileTap } from '../analysis/tap-profile.js';
import { openCapture } from '../capture/capture-source.js';
import { PcapngWriter } from '../capture/pcapng-writer.js';
import { KeyedOpener } from '../ipsec/open/keyed-opener.js';
import type { FrameBlock } from '../packet/frame-block.js';
import { type PacketBatch, PacketFlag } from '../packet/packet-batch.js';

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
      for await (const block of source) copier.addBlock(block);
    }
    const counts = copier.finish();
    writer.close();
    return counts;
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Copies are in the packet they came in, fragments in the datagram put together. */
const LEFT_OUT = PacketFlag.decapsulatedCopy | PacketFlag.fragment;

class DecryptedCopier implements RowSink {
  private readonly writer: PcapngWriter;
  private readonly opener: KeyedOpener;
  private readonly builder = new ClearPacketBuilder();
  private walk: FrameWalk | null = null;
  private written = 0;
  private opened = 0;

  constructor(knowledge: IpsecKnowledge, writer: PcapngWriter) {
    this.writer = writer;
    this.opener = new KeyedOpener(createSaTable(knowledge));
  }

  addBlock(block: FrameBlock): void {
    this.walk ??= new FrameWalk(this.opener, profileTap(block), this);
    this.walk.addBlock(block);
  }

  add(batch: PacketBatch, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      if ((batch.flags[row]! & LEFT_OUT) === 0) this.write(batch, row);
    }
  }

  /** Call when there are no more blocks. */
  finish(): DecryptedCounts {
    const { written, opened, walk } = this;
    if (walk === null) return { written, opened, copies: 0, fragmentsLeftOut: 0 };
    const waiting = walk.state().pending.reduce((sum, { fragments }) => sum + fragments, 0);
    const copies = walk.frames.decapsulatedCopies;
    return { written, opened, copies, fragmentsLeftOut: Math.min(waiting, walk.reassembly.fragments) };
  }

  private write(batch: PacketBatch, row: number): void {
    const { block } = batch;
    const seconds = block.timeSeconds[row]!;
    const nanoseconds = block.timeNanoseconds[row]!;
    this.written += 1;
    const clear = this.builder.build(batch, row);
    if (clear !== null) {
      this.opened += 1;
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
