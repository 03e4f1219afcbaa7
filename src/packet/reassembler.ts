import { hashBytes } from './byte-hash.js';
import { ErrorLayer } from './cursor.js';
import { keepHeader, mendHeader } from './datagram-header.js';
import { DatagramSlot, MAX_DATAGRAM_BYTES, type PendingDatagram } from './datagram-slot.js';
import { FrameBlock } from './frame-block.js';
import { LAYER_STRIDE, Layer } from './layers.js';
import { LinkType } from './link.js';
import { PacketBatch, PacketError, PacketFlag } from './packet-batch.js';

/*
 * Theory of operation. Fragments of the outermost IP datagram wait in slots, found by addresses, protocol and
 * identification (RFC 791 section 3.2, RFC 8200 section 4.5). The first captured byte of a place stays: a later fragment
 * that overlaps it is counted and does not overwrite, so what is analysed is what the first sender said.
 *
 * A slot waits at most REASSEMBLY_SECONDS of capture time (Linux: net.ipv4.ipfrag_time) and at most MAX_DISTANCE
 * fragments (Linux has the like in ipfrag_max_dist): 16-bit identifications come round within a second on a fast link, and
 * a piece of an old datagram must not complete a new one.
 *
 * A capture may be cut into pieces analysed apart. Then a datagram may begin in one piece and end in the next:
 * `pending()` hands over what waits, `adopt()` joins it to what waited before. Slots given up near the start of a piece
 * may have their beginning in the piece before; they are handed over too instead of being counted. Of fragments that came
 * twice, once before and once behind the cut, this can take the later ones for a datagram of their own.
 *
 * Frames own the link and IP headers of fragments, so the row of a datagram owns only what fragments carried: its layers
 * add up to the bytes of `Layer.fragment` of the frames that went into it.
 */
const MAX_SLOTS = 512;
const REASSEMBLY_SECONDS = 30;
const MAX_DISTANCE = 8192;
const IPV4_FRAGMENT_UNIT = 8;
const IPV6_HEADER_BYTES = 40;
const V4 = 4;

export interface ReassemblyCounts {
  /** Fragments seen. */
  fragments: number;
  /** Datagrams put together. */
  completed: number;
  /** Datagrams of which a part never came. */
  incomplete: number;
  /** Fragments that carry bytes which had come before. */
  overlaps: number;
}

/** Puts fragments together. The result of `add` and `adopt` is one row in `block`, to be decoded into `batch`. */
export class Reassembler {
  readonly counts: ReassemblyCounts = { fragments: 0, completed: 0, incomplete: 0, overlaps: 0 };
  /** Holds the datagram completed last as its only frame, LINKTYPE_RAW. */
  readonly block: FrameBlock;
  /** For the decoder of `block`. */
  readonly batch: PacketBatch;
  private readonly slots = new Map<number, DatagramSlot>();
  private slotCount = 0;
  private readonly free: DatagramSlot[] = [];
  private readonly key = new Uint8Array(40);
  private keyBytes = 0;
  /** Given up, but their missing part may be in the piece before. */
  private readonly early: PendingDatagram[] = [];
  private done: DatagramSlot | null = null;

  constructor() {
    this.block = new FrameBlock(new Uint8Array(0), 1);
    this.batch = new PacketBatch(this.block);
  }

  /**
   * Takes the fragment in `row`.
   * @returns true if it completed a datagram, which is then in `block`; decode it, then call `finish`
   */
  add(batch: PacketBatch, row: number): boolean {
    const { block } = batch;
    const isV6 = (batch.flags[row]! & PacketFlag.outerIpv6) !== 0;
    const header = batch.fragmentOffset[row]!;
    const data = block.data;
    const field = isV6 ? readUint16(data, header + 2) : readUint16(data, header + 6);
    const start = isV6 ? field & 0xfff8 : (field & 0x1fff) * IPV4_FRAGMENT_UNIT;
    const more = isV6 ? (field & 1) !== 0 : (field & 0x2000) !== 0;
    const bytes = batch.layerBytes[row * LAYER_STRIDE + Layer.fragment]!;
    const from = isV6 ? header + 8 : header + (data[header]! & 15) * 4;
    this.counts.fragments += 1;
    const end = start + bytes;
    const headerBytes = isV6 ? header - batch.ipOffset[row]! - IPV6_HEADER_BYTES : from - header;
    if (headerBytes + end > MAX_DATAGRAM_BYTES) {
      markBadFragment(batch, row, PacketError.value, 0, start);
      return false;
    }
    if (bytes === 0 || (more && bytes % IPV4_FRAGMENT_UNIT !== 0)) {
      markBadFragment(batch, row, PacketError.length, Math.max(8, (bytes + 7) & ~7), bytes);
      return false;
    }
    this.setKey(batch, row, isV6);
    const slot = this.find(block.timeSeconds[row]!) ?? this.open();
    slot.latestAt = this.counts.fragments;
    slot.timeSeconds = block.timeSeconds[row]!;
    slot.timeNanoseconds = block.timeNanoseconds[row]!;
    slot.frameNumber = block.frameNumber[row]!;
    slot.fragments += 1;
    slot.wireBytes += block.wireLength[row]!;
    const limit = block.offset[row]! + block.capturedLength[row]!;
    const captured = Math.min(bytes, Math.max(0, limit - from));
    const repeated = this.place(slot, data, from, from + captured, start, end);
    if (repeated < 0) {
      this.giveUp(slot);
      return false;
    }
    if (captured < bytes) slot.cutAt = Math.min(slot.cutAt, start + captured);
    if (!more && (slot.dataBytes < 0 || end > slot.dataBytes)) slot.dataBytes = end;
    if (start === 0 && from <= limit) keepHeader(slot, batch, row, isV6);
    return this.emitIfComplete(slot);
  }

  /** Marks the decoded row of `batch` as a datagram and frees its slot. Call after decoding `block`. */
  finish(): void {
    const slot = this.done!;
    const { batch } = this;
    const layers = batch.layerBytes;
    batch.flags[0]! |= PacketFlag.reassembled;
    if (!slot.isComplete) markIncomplete(batch);
    batch.fragments[0] = Math.min(slot.fragments, 0xffff);
    batch.fragmentBytes[0] = slot.wireBytes;
    layers[Layer.ip] = Math.max(0, layers[Layer.ip]! - slot.headerBytes);
    chargeSeenBytes(layers, slot.seenBytes);
    this.done = null;
    slot.next = null;
    if (this.free.length < MAX_SLOTS) this.free.push(slot);
  }

  /** What waits for more, oldest first; those given up near the start come first. */
  pending(): PendingDatagram[] {
    const waiting: PendingDatagram[] = [];
    for (const head of this.slots.values()) {
      for (let slot: DatagramSlot | null = head; slot !== null; slot = slot.next) waiting.push(slot.export());
    }
    waiting.sort((a, b) => a.firstAt - b.firstAt);
    return [...this.early, ...waiting];
  }

  /** Adds the counts of a later piece; what it has pending is counted when it is adopted. */
  addCounts(later: ReassemblyCounts): void {
    this.counts.fragments += later.fragments;
    this.counts.completed += later.completed;
    this.counts.incomplete += later.incomplete;
    this.counts.overlaps += later.overlaps;
  }

  /**
   * Joins a datagram that waits in a later piece to what waits here.
   * @param fragmentsBefore fragments seen before that piece
   * @returns true if a datagram is complete now, as for `add`
   */
  adopt(pending: PendingDatagram, fragmentsBefore: number): boolean {
    this.key.set(pending.key);
    this.keyBytes = pending.key.length;
    const firstAt = pending.firstAt + fragmentsBefore;
    let slot = this.find(pending.timeSeconds, firstAt);
    if (slot === null) {
      slot = this.open(firstAt);
      slot.firstAt = firstAt;
    }
    slot.latestAt = pending.latestAt + fragmentsBefore;
    slot.timeSeconds = pending.timeSeconds;
    slot.timeNanoseconds = pending.timeNanoseconds;
    slot.frameNumber = pending.frameNumber;
    slot.fragments += pending.fragments;
    slot.wireBytes += pending.wireBytes;
    slot.overlapBytes += pending.overlapBytes;
    slot.cutAt = Math.min(slot.cutAt, pending.cutAt);
    if (pending.dataBytes > slot.dataBytes) slot.dataBytes = pending.dataBytes;
    if (slot.headerBytes === 0 && pending.header.length > 0) {
      slot.putHeader(pending.header, 0, pending.header.length);
      slot.nextHeader = pending.nextHeader;
      slot.nextHeaderAt = pending.nextHeaderAt;
    }
    for (let i = 0; i < pending.spans.length; i += 2) {
      const start = pending.spans[i]!;
      const end = pending.spans[i + 1]!;
      const captured = Math.max(start, Math.min(end, pending.data.length));
      if (this.place(slot, pending.data, start, captured, start, end) < 0) {
        this.giveUp(slot);
        return false;
      }
    }
    return this.emitIfComplete(slot);
  }

  /**
   * Takes a datagram out that will never be whole; if its beginning is there it is in `block`, as after `add`.
   * @returns null when none is left, else whether `block` holds something to decode
   */
  takeIncomplete(): boolean | null {
    const early = this.early.shift();
    if (early !== undefined) {
      this.counts.incomplete += 1;
      return this.emitExported(early);
    }
    const oldest = this.oldest();
    if (oldest === null) return null;
    this.unlink(oldest);
    this.counts.incomplete += 1;
    return this.emit(oldest);
  }

  private emitExported(pending: PendingDatagram): boolean {
    const slot = this.free.pop() ?? new DatagramSlot();
    slot.start(pending.key, pending.key.length, pending.firstAt);
    slot.putHeader(pending.header, 0, pending.header.length);
    slot.nextHeader = pending.nextHeader;
    slot.nextHeaderAt = pending.nextHeaderAt;
    slot.putData(pending.data, 0, pending.data.length, 0);
    for (let i = 0; i < pending.spans.length; i += 2) slot.cover(pending.spans[i]!, pending.spans[i + 1]!);
    slot.dataBytes = pending.dataBytes;
    slot.cutAt = pending.cutAt;
    slot.fragments = pending.fragments;
    slot.wireBytes = pending.wireBytes;
    slot.overlapBytes = pending.overlapBytes;
    slot.timeSeconds = pending.timeSeconds;
    slot.timeNanoseconds = pending.timeNanoseconds;
    slot.frameNumber = pending.frameNumber;
    return this.emit(slot);
  }

  /** Copies data where nothing is yet. @returns bytes that had come before, or -1 */
  private place(
    slot: DatagramSlot,
    data: Uint8Array,
    from: number,
    to: number,
    start: number,
    end: number,
  ): number {
    // Bytes of earlier fragments are kept, so what is covered already is saved around the copy; it is rare.
    const kept = overlapsSpans(slot, start, end) ? slot.data.slice(0, slot.knownBytes) : null;
    const before = kept === null ? [] : Array.from(slot.spans.subarray(0, 2 * slot.spanCount));
    slot.putData(data, from, to, start);
    if (kept !== null) {
      for (let i = 0; i < before.length; i += 2)
        slot.putData(kept, before[i]!, Math.min(before[i + 1]!, kept.length), before[i]!);
    }
    const repeated = slot.cover(start, end);
    if (repeated > 0) {
      slot.overlapBytes += repeated;
      this.counts.overlaps += 1;
    }
    return repeated;
  }

  private setKey(batch: PacketBatch, row: number, isV6: boolean): void {
    const { data } = batch.block;
    const ip = batch.ipOffset[row]!;
    const { key } = this;
    let k = 0;
    key[k++] = isV6 ? 6 : V4;
    const addresses = ip + (isV6 ? 8 : 12);
    const addressBytes = isV6 ? 32 : 8;
    for (let i = 0; i < addressBytes; i++) key[k++] = data[addresses + i]!;
    const id = isV6 ? batch.fragmentOffset[row]! + 4 : ip + 4;
    for (let i = 0; i < (isV6 ? 4 : 2); i++) key[k++] = data[id + i]!;
    if (!isV6) key[k++] = data[ip + 9]!;
    this.keyBytes = k;
  }

  private hash(): number {
    return hashBytes(this.key, 0, this.keyBytes);
  }

  /** The waiting datagram with the current key; one that waited too long is given up. */
  private find(seconds: number, at = this.counts.fragments): DatagramSlot | null {
    let slot = this.slots.get(this.hash()) ?? null;
    while (slot !== null && !slot.hasKey(this.key, this.keyBytes)) slot = slot.next;
    if (slot === null) return null;
    if (Math.abs(seconds - slot.timeSeconds) <= REASSEMBLY_SECONDS && at - slot.latestAt <= MAX_DISTANCE)
      return slot;
    this.giveUp(slot);
    return null;
  }

  private open(at = this.counts.fragments): DatagramSlot {
    if (this.slotCount === MAX_SLOTS) this.giveUp(this.oldest()!);
    const slot = this.free.pop() ?? new DatagramSlot();
    slot.start(this.key, this.keyBytes, at);
    const hash = this.hash();
    slot.next = this.slots.get(hash) ?? null;
    this.slots.set(hash, slot);
    this.slotCount += 1;
    return slot;
  }

  private oldest(): DatagramSlot | null {
    let oldest: DatagramSlot | null = null;
    for (const head of this.slots.values()) {
      for (let slot: DatagramSlot | null = head; slot !== null; slot = slot.next) {
        if (oldest === null || slot.latestAt < oldest.latestAt) oldest = slot;
      }
    }
    return oldest;
  }

  private giveUp(slot: DatagramSlot): void {
    this.unlink(slot);
    if (slot.firstAt <= MAX_DISTANCE && this.early.length < MAX_SLOTS) this.early.push(slot.export());
    else this.counts.incomplete += 1;
    this.free.push(slot);
  }

  private unlink(slot: DatagramSlot): void {
    const hash = hashBytes(slot.key, 0, slot.keyBytes);
    const head = this.slots.get(hash)!;
    if (head === slot) {
      if (slot.next === null) this.slots.delete(hash);
      else this.slots.set(hash, slot.next);
    } else {
      let before = head;
      while (before.next !== slot) before = before.next!;
      before.next = slot.next;
    }
    slot.next = null;
    this.slotCount -= 1;
  }

  private emitIfComplete(slot: DatagramSlot): boolean {
    if (!slot.isComplete) return false;
    this.unlink(slot);
    this.counts.completed += 1;
    if (this.emit(slot)) return true;
    this.free.push(slot);
    return false;
  }

  /** Writes the datagram, or the beginning that is there, into `block`. @returns false if its header is missing */
  private emit(slot: DatagramSlot): boolean {
    if (slot.headerBytes === 0 || slot.spanCount === 0 || slot.spans[0] !== 0) return false;
    const { block } = this;
    const dataBytes = slot.isComplete ? slot.dataBytes : slot.knownBytes;
    const wireBytes = slot.headerBytes + dataBytes;
    const there = Math.min(slot.spans[1]!, slot.cutAt, slot.data.length, dataBytes);
    if (block.data.length < wireBytes)
      block.data = new Uint8Array(Math.max(wireBytes, MAX_DATAGRAM_BYTES + IPV6_HEADER_BYTES));
    block.data.set(slot.header.subarray(0, slot.headerBytes), 0);
    block.data.set(slot.data.subarray(0, there), slot.headerBytes);
    mendHeader(block.data, slot, wireBytes);
    block.count = 1;
    block.offset[0] = 0;
    block.capturedLength[0] = slot.headerBytes + there;
    block.wireLength[0] = wireBytes;
    block.linkType[0] = LinkType.raw;
    block.timeSeconds[0] = slot.timeSeconds;
    block.timeNanoseconds[0] = slot.timeNanoseconds;
    block.frameNumber[0] = slot.frameNumber;
    this.done = slot;
    return true;
  }
}

/** A length that does not fit is no fault of the sender where the end never came. */
function markIncomplete(batch: PacketBatch): void {
  batch.flags[0]! |= PacketFlag.incomplete;
  if (batch.error[0] !== PacketError.length) return;
  batch.error[0] = PacketError.none;
  batch.flags[0]! &= ~PacketFlag.malformed;
}

/** Makes the layers add up to `seen`: bytes that came twice belong to `other`, bytes that never came to nobody. */
function chargeSeenBytes(layers: Uint32Array, seen: number): void {
  layers[Layer.other]! += layers[Layer.link]!;
  layers[Layer.link] = 0;
  let excess = -seen;
  for (let layer = 0; layer < LAYER_STRIDE; layer++) excess += layers[layer]!;
  if (excess < 0) layers[Layer.other]! -= excess;
  for (let layer = Layer.espOpaque as number; layer > Layer.link && excess > 0; layer--) {
    const missing = Math.min(excess, layers[layer]!);
    layers[layer]! -= missing;
    excess -= missing;
  }
}

function markBadFragment(
  batch: PacketBatch,
  row: number,
  kind: number,
  required: number,
  actual: number,
): void {
  batch.flags[row]! |= PacketFlag.malformed;
  batch.error[row] = kind;
  batch.errorLayer[row] = ErrorLayer.fragment;
  batch.errorOffset[row] = batch.fragmentOffset[row]! - batch.block.offset[row]!;
  batch.errorRequired[row] = required;
  batch.errorActual[row] = actual;
}

function overlapsSpans(slot: DatagramSlot, start: number, end: number): boolean {
  for (let i = 0; i < slot.spanCount; i++) {
    if (slot.spans[2 * i]! < end && start < slot.spans[2 * i + 1]!) return true;
  }
  return false;
}

function readUint16(data: Uint8Array, offset: number): number {
  return (data[offset]! << 8) | data[offset + 1]!;
}
