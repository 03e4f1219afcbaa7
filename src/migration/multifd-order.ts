import type { RamBlock, RamBlocks } from './ram-blocks.js';
import { countPage, createPiece, PageKind, Stage, type StagePiece } from './stage-log.js';

/*
 * Theory of operation. The migration thread hands packets to whichever channel is idle and numbers them in the order of the
 * scan. Channels run ahead of each other, so packets wait here until every channel has passed their number, and are
 * then taken in order. That is where passes over memory are told: they end where the scan goes back. A channel that lost
 * packets, or has none to send, would stop all others; more than a bounded number never wait.
 *
 * Numbers are not always to be trusted:
 *
 *  - Before QEMU 9.0 a synchronisation that comes while a channel still has a packet to send overwrites that packet's number
 *    and flags (multifd_send_sync_main): a packet with pages and the SYNC flag was one of the last of its epoch, no more is
 *    known. It begins a new pass only if its pages were sent in this one already, or cannot fit into it.
 *  - From QEMU 9.0 on channels number packets themselves, a little out of order. A packet that only changed places with its
 *    predecessor is no new pass: one of another channel that fits between the two before it and holds no page of this pass.
 *
 * Before QEMU 8.0 the page that fills a packet may be queued a second time (multifd_queue_page looks at the packet when the
 * channel has it already; fixed with "Fix a race on reading MultiFDPages_t.block"). It is then on the wire twice, and
 * counted once. Such a page is not one that the guest wrote to.
 */

const MAX_WAITING = 256;
const MAX_PIECES = 1 << 16;
/** Full packets whose last pages are remembered. */
const FULL_PACKETS = 32;
const FULL_FIELDS = 3;
const INITIAL_PAGES = 128;

/** Where a packet stands in the scan: behind the one before, in a pass of its own, or earlier in the same pass. */
const Place = { next: 0, newPass: 1, swapped: 2 } as const;

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
  /** Pages for which it has room. */
  alloc: number;
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
  private passEpoch = 0;
  /** Where the pass began, and where it has got to. */
  private startBlock = 0;
  private startOffset = 0;
  private lastMember = -1;
  private lastBlock = -1;
  private lastOffset = -1;
  /** Before the packet taken last. */
  private earlierBlock = -1;
  private earlierOffset = -1;
  /** Last pages of full packets: block, offset, epoch; a ring. */
  private readonly fullEnds = new Float64Array(FULL_FIELDS * FULL_PACKETS).fill(-1);
  private nextFull = 0;

  constructor(blocks: RamBlocks) {
    this.blocks = blocks;
  }

  /** The page that the scan has reached; block -1: none yet. */
  get scan(): { readonly block: number; readonly offset: number } {
    return { block: this.lastBlock, offset: this.lastOffset };
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
      alloc: 0,
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
    const { block, pages } = packet;
    if (packet.epoch > this.epoch) this.epoch = packet.epoch;
    if (block === null || pages === 0) {
      this.charge(this.pieceFor(packet), packet);
      return;
    }
    const first = this.isRepeated(packet, block) ? 1 : 0;
    if (first === pages) {
      this.takeRepeated(packet);
      return;
    }
    const place = this.placeOf(packet, block, packet.offsets[first]!);
    if (place === Place.newPass) this.startPass(packet.epoch, block.index, packet.offsets[first]!);
    const piece = this.pieceFor(packet);
    this.charge(piece, packet);
    piece.repeatedPages += first;
    const last = this.countPages(packet, block, first, piece);
    if (pages === packet.alloc) this.rememberFull(packet, block);
    if (place === Place.swapped) return;
    this.earlierBlock = this.lastBlock;
    this.earlierOffset = this.lastOffset;
    this.lastMember = packet.member;
    this.lastBlock = block.index;
    this.lastOffset = last;
  }

  /** Nothing but the page that had just filled another packet. */
  private takeRepeated(packet: MultifdPacket): void {
    const piece = this.pieceFor(packet);
    this.charge(piece, packet);
    piece.repeatedPages += 1;
    countPage(piece, packet.isCompressed ? PageKind.compressed : PageKind.normal, -1);
  }

  private charge(piece: StagePiece, packet: MultifdPacket): void {
    piece.bytes += packet.bytes;
    piece.packets += 1;
    piece.endNs = Math.max(piece.endNs, packet.endNs);
  }

  /** @returns offset of the page that the scan has reached */
  private countPages(packet: MultifdPacket, block: RamBlock, first: number, firstPiece: StagePiece): number {
    const { offsets, pages, normal } = packet;
    const { pageBytes } = this.blocks;
    const kind = packet.isCompressed ? PageKind.compressed : PageKind.normal;
    let piece = firstPiece;
    let last = -1;
    for (let i = 0; i < first; i++) countPage(piece, kind, -1);
    for (let i = first; i < pages; i++) {
      const offset = offsets[i]!;
      // Zero pages, if any, were moved behind the others and are in no order.
      if (i > 0 && i < normal && offset < offsets[i - 1]!) {
        this.startPass(packet.epoch, block.index, offset);
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

  private startPass(epoch: number, block: number, offset: number): void {
    this.pass += 1;
    this.passEpoch = epoch;
    this.startBlock = block;
    this.startOffset = offset;
    this.lastBlock = -1;
    this.lastOffset = -1;
    this.earlierBlock = -1;
  }

  /** Where a packet belongs whose first page is at `offset`. */
  private placeOf(packet: MultifdPacket, block: RamBlock, offset: number): number {
    if (isAfter(block.index, offset, this.lastBlock, this.lastOffset)) return Place.next;
    if (block.sends.passOf(offset / this.blocks.pageBytes) === this.pass) return Place.newPass;
    if (packet.isSync) {
      const mayFit =
        packet.epoch === this.passEpoch || isAfter(block.index, offset, this.startBlock, this.startOffset);
      return mayFit ? Place.swapped : Place.newPass;
    }
    const fits =
      packet.member !== this.lastMember &&
      this.earlierBlock >= 0 &&
      isAfter(block.index, offset, this.earlierBlock, this.earlierOffset);
    return fits ? Place.swapped : Place.newPass;
  }

  private rememberFull(packet: MultifdPacket, block: RamBlock): void {
    const { fullEnds, nextFull } = this;
    fullEnds[nextFull] = block.index;
    fullEnds[nextFull + 1] = packet.offsets[packet.pages - 1]!;
    fullEnds[nextFull + 2] = packet.epoch;
    this.nextFull = (nextFull + FULL_FIELDS) % fullEnds.length;
  }

  /** Whether the first page just filled another packet: in one epoch no page is sent twice for a reason. */
  private isRepeated(packet: MultifdPacket, block: RamBlock): boolean {
    const { fullEnds } = this;
    const offset = packet.offsets[0]!;
    for (let i = 0; i < fullEnds.length; i += FULL_FIELDS) {
      if (fullEnds[i] !== block.index || fullEnds[i + 1] !== offset) continue;
      if (fullEnds[i + 2] === packet.epoch) return packet.normal > 0;
    }
    return false;
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
