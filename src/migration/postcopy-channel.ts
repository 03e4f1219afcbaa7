import { readUint32, readUint64 } from './big-endian.js';
import type { MainLog } from './main-log.js';
import type { PageSink } from './page-sink.js';
import type { RamBlock, RamBlocks } from './ram-blocks.js';
import { type RamEvents, RamFlag, RamSection } from './ram-section.js';
import { countPage, createPiece, Stage, type StagePiece } from './stage-log.js';
import type { StreamConsumer } from './tcp-stream.js';

/**
 * Whether 8 bytes can begin the second connection of a post-copy migration (capability postcopy-preempt): it has no magic
 * number, but begins with the header of a page that names its block.
 */
export function startsPostcopyChannel(head: Uint8Array, blocks: RamBlocks): boolean {
  const flags = readUint32(head, 4) & (blocks.pageBytes - 1) & 0xfff;
  if (flags !== RamFlag.page && flags !== RamFlag.zero) return false;
  return blocks.isListed && readUint64(head, 0) < (blocks.largest?.bytes ?? 0);
}

/**
 * Reads the connection on which post-copy sends pages that the guest waits for: page headers and content without
 * sections. (QEMU migration/ram.c: postcopy_preempt_choose_channel)
 */
export class PostcopyChannel implements StreamConsumer, RamEvents {
  position = 0;
  gapCount = 0;
  gapBytes = 0;
  lostCount = 0;
  foundCount = 0;
  /** Ends of the stream, which QEMU does not count in `transferred`. */
  eosBytes = 0;
  lastNs: number;
  readonly piece: StagePiece;
  readonly sinkEpoch = undefined;
  private readonly blocks: RamBlocks;
  private readonly ram: RamSection;

  constructor(blocks: RamBlocks, main: MainLog, sink: PageSink | null, timeNs: number) {
    this.blocks = blocks;
    this.ram = new RamSection(blocks, this, sink);
    this.piece = createPiece(Stage.postcopy, main.pass, 0, 0, timeNs);
    this.lastNs = timeNs;
  }

  data(data: Uint8Array, offset: number, length: number, timeNs: number): void {
    const { ram } = this;
    this.lastNs = timeNs;
    ram.timeNs = timeNs;
    const end = offset + length;
    for (let at = offset; at < end && !ram.isLost; ) {
      at = ram.read(data, at, end, 0);
      if (ram.isDone) {
        this.eosBytes += 8;
        ram.begin();
      }
      if (ram.isLost) this.lostCount += 1;
    }
    this.count(length);
  }

  gap(bytes: number, timeNs: number): void {
    this.lastNs = timeNs;
    this.gapCount += 1;
    this.gapBytes += bytes;
    if (!this.ram.isLost && !this.ram.skipGap(bytes)) {
      this.ram.isLost = true;
      this.lostCount += 1;
    }
    this.count(bytes);
  }

  page(kind: number, block: RamBlock, offset: number, _position: number, nameBytes: number): void {
    this.piece.nameBytes += nameBytes;
    countPage(this.piece, kind, block.sends.mark(offset / this.blocks.pageBytes, this.piece.pass));
  }

  multifdFlush(): void {}

  private count(bytes: number): void {
    this.position += bytes;
    this.piece.bytes += bytes;
    this.piece.endNs = this.lastNs;
  }
}
