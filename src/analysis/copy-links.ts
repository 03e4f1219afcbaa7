import { SIZE_CLASSES } from '../ipsec/infer-size-class.js';
import { LAYER_STRIDE, Layer } from '../packet/layers.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';
import { linkKey } from './link-key.js';

/*
 * Theory of operation. Without keys nothing proves that a clear packet is what the kernel took out of an ESP tunnel. But
 * where it feeds such packets to the tap, it does so for nearly every ESP packet that comes over a link, at once, and the
 * lengths fit: inner packet + 2 + padding to the alignment + IV and ICV of the suite. So the beginning of a capture is
 * looked at: if on a link (one neighbour, one direction) the clear packets pair off with the ESP packets that way, the link
 * has copies, and the sizes that fitted tell them from other packets later on. Real clear traffic beside ESP traffic does
 * not pair off with it.
 */

/** A copy comes within this time after its packet. */
export const COPY_DELAY_NS = 5e6;
/** ESP packets that may wait for their copies at a time: a receive queue's worth. */
const WAITING = 64;
const MIN_PAIRS = 8;
const MIN_SHARE_OF_ESP = 0.8;
const MIN_SHARE_OF_CLEAR = 0.5;
const TRAILER_BYTES = 2;
const ESP_HEADER_BYTES = 8;
const UDP_HEADER_BYTES = 8;
const IPPROTO_ESP = 50;
const IPPROTO_UDP = 17;

/** A link on which the tap shows decapsulated packets, and how ESP grows packets there. Plain data. */
export interface CopyLink {
  /** `linkKey` of its frames. */
  link: number;
  /** IV, ICV and trailer. */
  addedBytes: number;
  alignmentBytes: number;
}

/** Can an inner packet of that length have come in ESP that is `closedBytes` long behind its header? */
export function fitsCopyLink(sizes: CopyLink, closedBytes: number, innerBytes: number): boolean {
  const padding = closedBytes - sizes.addedBytes - innerBytes;
  return padding >= 0 && padding < sizes.alignmentBytes;
}

interface WaitingEsp {
  seconds: number;
  nanoseconds: number;
  closedBytes: number;
  /** Bit i: already paired by the sizes i. */
  paired: number;
}

interface LinkEvidence {
  waiting: WaitingEsp[];
  espPackets: number;
  clearPackets: number;
  /** By sizes. */
  pairs: number[];
}

/** All sizes by which suites grow packets; links are learned from them. */
const SIZES: readonly CopyLink[] = distinctSizes();

/** Finds the links with decapsulated copies in a batch decoded without keys. */
export function findCopyLinks(batch: PacketBatch): CopyLink[] {
  const finder = new CopyLinkFinder();
  finder.add(batch);
  return finder.found();
}

/** Finds the links with decapsulated copies. Grows with the links it is shown. */
export class CopyLinkFinder {
  private readonly links = new Map<number, LinkEvidence>();

  /** Takes the rows of a batch decoded without keys, in the order of the capture. */
  add(batch: PacketBatch): void {
    const { links } = this;
    for (let row = 0; row < batch.count; row++) {
      if (batch.ipOffset[row] === NONE) continue;
      const closedBytes = closedEspBytes(batch, row);
      if (closedBytes > 0) addEsp(evidenceOf(links, linkKey(batch, row)), batch, row, closedBytes);
      else if (closedBytes === 0) addClear(evidenceOf(links, linkKey(batch, row)), batch, row);
    }
  }

  /** Of all rows up to now. */
  found(): CopyLink[] {
    const found: CopyLink[] = [];
    for (const [link, evidence] of this.links) {
      const pairs = Math.max(...evidence.pairs);
      if (pairs < MIN_PAIRS || pairs < MIN_SHARE_OF_ESP * evidence.espPackets) continue;
      if (pairs < MIN_SHARE_OF_CLEAR * evidence.clearPackets) continue;
      found.push({ ...SIZES[evidence.pairs.indexOf(pairs)]!, link });
    }
    return found;
  }
}

/** Length of ESP behind its header; 0 in clear packets; -1 in what is neither: fragments but the last, AH, IKE. */
function closedEspBytes(batch: PacketBatch, row: number): number {
  const flags = batch.flags[row]!;
  if ((flags & PacketFlag.fragment) !== 0) return fragmentedEspBytes(batch, row);
  const closed = batch.layerBytes[row * LAYER_STRIDE + Layer.espOpaque]!;
  if (closed > 0) return closed;
  return (flags & (PacketFlag.ah | PacketFlag.esp | PacketFlag.ike | PacketFlag.natKeepalive)) !== 0 ? -1 : 0;
}

/** The last fragment of a datagram tells how long it is. */
function fragmentedEspBytes(batch: PacketBatch, row: number): number {
  const { data } = batch.block;
  const header = batch.fragmentOffset[row]!;
  const isV6 = (batch.flags[row]! & PacketFlag.outerIpv6) !== 0;
  const field = (data[header + (isV6 ? 2 : 6)]! << 8) | data[header + (isV6 ? 3 : 7)]!;
  const isLast = isV6 ? (field & 1) === 0 : (field & 0x2000) === 0;
  if (!isLast) return -1;
  const start = isV6 ? field & 0xfff8 : (field & 0x1fff) * 8;
  const bytes = start + batch.layerBytes[row * LAYER_STRIDE + Layer.fragment]! - ESP_HEADER_BYTES;
  if (batch.protocol[row] === IPPROTO_ESP) return bytes;
  return batch.protocol[row] === IPPROTO_UDP ? bytes - UDP_HEADER_BYTES : -1;
}

function evidenceOf(links: Map<number, LinkEvidence>, link: number): LinkEvidence {
  let evidence = links.get(link);
  if (evidence === undefined) {
    evidence = { waiting: [], espPackets: 0, clearPackets: 0, pairs: SIZES.map(() => 0) };
    links.set(link, evidence);
  }
  return evidence;
}

function addEsp(evidence: LinkEvidence, batch: PacketBatch, row: number, closedBytes: number): void {
  const { timeSeconds, timeNanoseconds } = batch.block;
  evidence.espPackets += 1;
  if (evidence.waiting.length === WAITING) evidence.waiting.shift();
  evidence.waiting.push({
    seconds: timeSeconds[row]!,
    nanoseconds: timeNanoseconds[row]!,
    closedBytes,
    paired: 0,
  });
}

function addClear(evidence: LinkEvidence, batch: PacketBatch, row: number): void {
  const { block } = batch;
  const seconds = block.timeSeconds[row]!;
  const nanoseconds = block.timeNanoseconds[row]!;
  const bytes = block.wireLength[row]! - batch.layerBytes[row * LAYER_STRIDE + Layer.link]!;
  evidence.clearPackets += 1;
  const isLate = (esp: WaitingEsp) =>
    (seconds - esp.seconds) * 1e9 + (nanoseconds - esp.nanoseconds) > COPY_DELAY_NS;
  while (evidence.waiting.length > 0 && isLate(evidence.waiting[0]!)) evidence.waiting.shift();
  for (const [i, sizes] of SIZES.entries()) {
    const bit = 1 << i;
    const esp = evidence.waiting.find(
      (e) => (e.paired & bit) === 0 && fitsCopyLink(sizes, e.closedBytes, bytes),
    );
    if (esp === undefined) continue;
    esp.paired |= bit;
    evidence.pairs[i]! += 1;
  }
}

function distinctSizes(): CopyLink[] {
  const sizes = new Map<string, CopyLink>();
  for (const { ivBytes, icvBytes, alignBytes } of SIZE_CLASSES) {
    const addedBytes = ivBytes + icvBytes + TRAILER_BYTES;
    sizes.set(`${addedBytes} ${alignBytes}`, { link: 0, addedBytes, alignmentBytes: alignBytes });
  }
  return [...sizes.values()].slice(0, 31);
}
