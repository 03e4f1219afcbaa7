import type { MainEvents } from './main-events.js';
import type { RamBlock, RamBlocks } from './ram-blocks.js';
import type { RamEvents } from './ram-section.js';
import { MigrationCommand, SectionType } from './section-type.js';
import { countPage, PageKind, Stage, StageLog, type StagePiece } from './stage-log.js';

/** RAM's EOS, which QEMU counts behind each section but the last. */
const EOS_BYTES = 8;

/*
 * Theory of operation. QEMU scans its dirty bitmap from the first page to the last and from the first one again. So a pass
 * ends where the scan goes back: to a block before, or to a page before in the same block. A synchronisation of the
 * bitmap is not to be seen in the stream, and does not make the scan begin anew. When the guest was stopped the END section
 * comes, which sends all that is left; the scan may go back within it, and it is one iteration.
 *
 * Threads that compress pages hand them in as they finish, out of order. Once a deflated page was seen a pass ends where a
 * page comes that this pass has sent already.
 *
 * In post-copy pages come in the order in which the guest asks for them; then there are no passes.
 */

/** Keeps what the main connection says of stages and pages. */
export class MainLog implements MainEvents, RamEvents {
  readonly log: StageLog;
  /** As QEMU counts them in `transferred`. */
  ramBytes = 0;
  /** The channels are synchronised by flags in the stream (QEMU 8.1), not at each section's end. */
  hasFlushes = false;
  /** When the guest was stopped, as far as the stream tells; null: it was not. */
  stopNs: number | null = null;
  /** When post-copy let it go on at the destination. */
  runNs: number | null = null;
  isPostcopy = false;
  /** Of the END section; -1: not seen. */
  endEpoch = -1;
  lastNs: number;
  private readonly blocks: RamBlocks;
  /** Pass under way, and the first number that counts as it. */
  pass = 0;
  private firstPass = 0;
  private isUnordered = false;
  private epoch = 0;
  private lastBlock = -1;
  private lastOffset = -1;

  constructor(blocks: RamBlocks, timeNs: number) {
    this.blocks = blocks;
    this.log = new StageLog(timeNs);
    this.lastNs = timeNs;
  }

  /** The page that the scan has reached; block -1: none yet. */
  get scan(): { readonly block: number; readonly offset: number } {
    return { block: this.lastBlock, offset: this.lastOffset };
  }

  time(timeNs: number): void {
    this.lastNs = timeNs;
  }

  get sinkEpoch(): number | undefined {
    return this.isPostcopy ? undefined : this.epoch;
  }

  ramSectionStart(type: number, position: number): void {
    if (type === SectionType.start) return;
    const isStop = type === SectionType.end && !this.isPostcopy;
    if (isStop) {
      this.pass += this.log.current.stage === Stage.precopy ? 1 : 0;
      this.endEpoch = this.epoch;
      this.stopNs ??= this.lastNs;
    }
    const stage = this.isPostcopy ? Stage.postcopy : isStop ? Stage.stopAndCopy : Stage.precopy;
    this.begin(stage, position).sections = 1;
  }

  ramSectionEnd(type: number, bodyBytes: number, _position: number): void {
    if (type !== SectionType.start) this.ramBytes += bodyBytes;
    if (type === SectionType.end) this.ramBytes -= EOS_BYTES;
    if (!this.hasFlushes) this.epoch += 1;
  }

  page(kind: number, block: RamBlock, offset: number, position: number, nameBytes: number): void {
    let { current } = this.log;
    const page = offset / this.blocks.pageBytes;
    if (current.stage === Stage.precopy) {
      if (kind === PageKind.compressed && !this.isUnordered) this.becomeUnordered();
      const endsPass = this.isUnordered
        ? block.sends.passOf(page) >= this.firstPass
        : block.index < this.lastBlock || (block.index === this.lastBlock && offset <= this.lastOffset);
      if (endsPass) {
        this.pass += 1;
        this.firstPass = this.pass;
        if (pagesOf(current) === 0) current.pass = this.pass;
        else current = this.begin(Stage.precopy, position);
      }
    }
    this.lastBlock = block.index;
    this.lastOffset = offset;
    current.nameBytes += nameBytes;
    countPage(current, kind, block.sends.mark(page, this.pass));
  }

  /** What seemed to be passes was one: no page came twice. */
  private becomeUnordered(): void {
    this.isUnordered = true;
    for (const piece of this.log.pieces) if (piece.stage === Stage.precopy) piece.pass = this.pass;
  }

  multifdFlush(position: number): void {
    this.hasFlushes = true;
    this.epoch += 1;
    const { current } = this.log;
    if (current.stage !== Stage.setup) this.begin(current.stage, position);
  }

  deviceStart(position: number): void {
    this.begin(Stage.device, position);
  }

  descriptionStart(position: number): void {
    this.begin(Stage.description, position);
  }

  command(command: number, position: number): void {
    switch (command) {
      case MigrationCommand.switchoverStart:
      case MigrationCommand.postcopyRamDiscard:
        this.stopNs ??= this.lastNs;
        return;
      case MigrationCommand.packaged:
        this.stopNs ??= this.lastNs;
        this.begin(Stage.device, position);
        return;
      case MigrationCommand.postcopyRun:
        this.isPostcopy = true;
        this.runNs ??= this.lastNs;
        return;
      default:
    }
  }

  resumed(position: number): void {
    const { stage } = this.log.current;
    if (stage === Stage.setup) this.begin(Stage.precopy, position);
    else if (stage === Stage.device && this.isPostcopy) this.begin(Stage.postcopy, position);
  }

  private begin(stage: number, position: number): StagePiece {
    this.log.begin(stage, this.pass, this.epoch, position, this.lastNs);
    return this.log.current;
  }
}

function pagesOf(piece: StagePiece): number {
  return piece.normalPages + piece.zeroPages + piece.xbzrlePages + piece.compressedPages;
}
