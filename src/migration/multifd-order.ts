import type { RamBlock, RamBlocks } from './ram-blocks.js';
import { countPage, createPiece, PageKind, Stage, type StagePiece } from './stage-log.js';

/*
 * Theory of operation. The migration thread hands packets to whichever channel is idle and numbers them in the order of the
 * scan. Channels run ahead of each other, so packets wait here until every channel has passed their number, and are
 * then taken in order. That is where passes over memory are told: they end where the scan goes back.
 *
 * From QEMU 9.0 on channels number packets themselves, a little out of order. A packet that only changed places with its
 * predecessor is no new pass: one of another channel that fits between the two before it and holds no page of this pass.
 *
 * A channel that lost packets, or has none to send, would stop all others; more than a bounded number never wait.
 */

const MAX_WAITING = 256;
const MAX_PIECES = 1 << 16;
const INITIAL_PAGES = 128;

/** One packet of one channel. */
export interface MultifdPacket {
  member: number;
  number: number;
  /** Synchronisations of its channel before it. */
  epoch: number;
  startNs: number;
  endNs: number;
  /** With header. */
  bytes: number;
  isSync: boolean;
  isCompressed: boolean;
  block: RamBlock | null;
  /** Pages with content, then zero pages. */
  normal: number;
  pages: number;
  offsets: Float64Array;
}

export class MultifdOrder {
  readonly pieces: StagePiece[] = [];
  /** Of the packet taken last. */
  epoch = 0;
  private readonly blocks: RamBlocks;
  /** Ascending numbers. */
  private readonly waiting: MultifdPacket[] = [];
  private readonly spare: MultifdPacket[] = [];
  /** Number that each channel has reached; Infinity once it has left. */
  private readonly reached: number[] = [];
  private pass = 0;
  private lastMember = -1;
  private lastBlock = -1;
  private lastOffset = -1;
  /** Before the packet taken last. */
  private earlierBlock = -1;
  private earlierOffset = -1;

  constructor(blocks: RamBlocks) {
    this.blocks = blocks;
  }

  /** @returns number of the new channel */
  join(): number {
    this.reached.push(-1);
    return this.reached.length - 1;
  }

  /** The channel will send no more packets. */
  leave(member: number): void {
    this.reached[member] = Number.POSITIVE_INFINITY;
    this.release();
  }

  /** An empty packet to fill. */
  create(member: number): MultifdPacket {
    const packet = this.spare.pop() ?? {
      member,
      number: 0,
      epoch: 0,
      startNs: 0,
      endNs: 0,
      bytes: 0,
      isSync: false,
      isCompressed: false,
      block: null,
      normal: 0,
      pages: 0,
      offsets: new Float64Array(INITIAL_PAGES),
    };
    packet.member = member;
    packet.bytes = 0;
    packet.pages = 0;
    packet.normal = 0;
    packet.isSync = false;
    packet.block = null;
    return packet;
  }

  /** Takes back a packet that came to nothing. */
  drop(packet: MultifdPacket): void {
    if (this.spare.length < MAX_WAITING) this.spare.push(packet);
  }

  /** A whole packet; it is not the caller's any more. */
  add(packet: MultifdPacket): void {
    const { waiting } = this;
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.number > packet.number) at -= 1;
    waiting.splice(at, 0, packet);
    if (packet.number > this.reached[packet.member]!) this.reached[packet.member] = packet.number;
    this.release();
  }

  private release(): void {
    const { waiting } = this;
    let safe = Number.POSITIVE_INFINITY;
    for (const number of this.reached) safe = Math.min(safe, number);
    let count = 0;
    while (
      count < waiting.length &&
      (waiting[count]!.number <= safe || waiting.length - count > MAX_WAITING)
    ) {
      this.take(waiting[count]!);
      this.drop(waiting[count]!);
      count += 1;
    }
    if (count > 0) waiting.splice(0, count);
  }

  private take(packet: MultifdPacket): void {
    if (packet.epoch > this.epoch) this.epoch = packet.epoch;
    const { block, offsets, pages } = packet;
    let isSwapped = false;
    if (block !== null && pages > 0 && !isAfter(block.index, offsets[0]!, this.lastBlock, this.lastOffset)) {
      isSwapped = this.isSwapped(packet, block, offsets[0]!);
      if (!isSwapped) this.startPass();
    }
    const piece = this.pieceFor(packet);
    piece.bytes += packet.bytes;
    piece.packets += 1;
    piece.endNs = Math.max(piece.endNs, packet.endNs);
    if (block === null || pages === 0) return;
    const last = this.countPages(packet, block, piece);
    if (isSwapped) return;
    this.earlierBlock = this.lastBlock;
    this.earlierOffset = this.lastOffset;
    this.lastMember = packet.member;
    this.lastBlock = block.index;
    this.lastOffset = last;
  }

  /** @returns offset of the page that the scan has reached */
  private countPages(packet: MultifdPacket, block: RamBlock, firstPiece: StagePiece): number {
    const { offsets, pages, normal } = packet;
    const { pageBytes } = this.blocks;
    const kind = packet.isCompressed ? PageKind.compressed : PageKind.normal;
    let piece = firstPiece;
    let last = -1;
    for (let i = 0; i < pages; i++) {
      const offset = offsets[i]!;
      // Zero pages, if any, were moved behind the others and are in no order.
      if (i > 0 && i < normal && offset <= offsets[i - 1]!) {
        this.startPass();
        const next = this.pieceFor(packet);
        const content = Math.floor((packet.bytes * (normal - i)) / normal);
        piece.bytes -= content;
        next.bytes += content;
        next.endNs = Math.max(next.endNs, packet.endNs);
        piece = next;
        last = -1;
      }
      last = Math.max(last, offset);
      countPage(piece, i < normal ? kind : PageKind.zero, block.sends.mark(offset / pageBytes, this.pass));
    }
    return last;
  }

  private startPass(): void {
    this.pass += 1;
    this.lastBlock = -1;
    this.lastOffset = -1;
    this.earlierBlock = -1;
  }

  private isSwapped(packet: MultifdPacket, block: RamBlock, offset: number): boolean {
    if (packet.member === this.lastMember || this.earlierBlock < 0) return false;
    if (!isAfter(block.index, offset, this.earlierBlock, this.earlierOffset)) return false;
    return block.sends.passOf(offset / this.blocks.pageBytes) !== this.pass;
  }

  private pieceFor(packet: MultifdPacket): StagePiece {
    const { pieces } = this;
    const last = pieces[pieces.length - 1];
    const isSame = last !== undefined && last.pass === this.pass && last.epoch === packet.epoch;
    if (isSame || (last !== undefined && pieces.length >= MAX_PIECES)) return last;
    const piece = createPiece(Stage.precopy, this.pass, packet.epoch, 0, packet.startNs);
    pieces.push(piece);
    return piece;
  }
}

function isAfter(block: number, offset: number, otherBlock: number, otherOffset: number): boolean {
  return block > otherBlock || (block === otherBlock && offset > otherOffset);
}
