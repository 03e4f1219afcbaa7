import { EtherType } from './ethernet.js';
import type { FrameBlock } from './frame-block.js';
import { LinkType } from './link.js';

/** Who sent a frame on its link, to whom, and what it carries. */
export interface LinkHeader {
  /** MAC address, `02:00:00:00:00:01`; null if the link has none or it was not captured. */
  source: string | null;
  /** Sent to one station: not broadcast, not multicast. */
  isUnicast: boolean;
  /** Number of the outermost VLAN; 0 without a tag. */
  vlan: number;
  /** Behind the tags. */
  etherType: number;
  /** Offset in the block's data of what the EtherType announces. */
  payloadOffset: number;
  /** End of the captured frame in the block's data. */
  end: number;
}

const ETHERNET_BYTES = 14;
const MAC_BYTES = 6;
const VLAN_TAG_BYTES = 4;
const VLAN_MASK = 0x0fff;

/** Where the fields of a cooked header are; of two bytes the lower one where no more is used. */
interface CookedOffsets {
  readonly type: number;
  readonly addressLength: number;
  readonly address: number;
  readonly protocol: number;
  readonly bytes: number;
}

const COOKED: CookedOffsets = { type: 1, addressLength: 5, address: 6, protocol: 14, bytes: 16 };
const COOKED2: CookedOffsets = { type: 10, addressLength: 11, address: 12, protocol: 0, bytes: 20 };
/** Packet types of cooked captures that were sent to many: broadcast, multicast. */
const COOKED_BROADCAST = 1;
const COOKED_MULTICAST = 2;

/**
 * Reads the link header of the frame in `row`. For rare rows: it allocates.
 * @returns null if the link is neither Ethernet nor Linux cooked, or the header was not captured
 */
export function readLinkHeader(block: FrameBlock, row: number): LinkHeader | null {
  const { data } = block;
  const start = block.offset[row]!;
  const end = start + block.capturedLength[row]!;
  switch (block.linkType[row]) {
    case LinkType.ethernet:
      if (start + ETHERNET_BYTES > end) return null;
      return passTags(data, start + 12, end, macText(data, start + MAC_BYTES), (data[start]! & 1) === 0);
    case LinkType.linuxCooked:
      return readCooked(data, start, end, COOKED);
    case LinkType.linuxCooked2:
      return readCooked(data, start, end, COOKED2);
    default:
      return null;
  }
}

/** Linux cooked: the address has a field of 8 bytes, of which its length says how many count. */
function readCooked(data: Uint8Array, start: number, end: number, at: CookedOffsets): LinkHeader | null {
  const payloadOffset = start + at.bytes;
  if (payloadOffset > end) return null;
  const type = data[start + at.type]!;
  return {
    source: data[start + at.addressLength] === MAC_BYTES ? macText(data, start + at.address) : null,
    isUnicast: type !== COOKED_BROADCAST && type !== COOKED_MULTICAST,
    vlan: 0,
    etherType: (data[start + at.protocol]! << 8) | data[start + at.protocol + 1]!,
    payloadOffset,
    end,
  };
}

/** Follows 802.1Q and 802.1ad tags from the type field at `typeAt`. */
function passTags(
  data: Uint8Array,
  typeAt: number,
  end: number,
  source: string,
  isUnicast: boolean,
): LinkHeader {
  let at = typeAt;
  let etherType = (data[at]! << 8) | data[at + 1]!;
  let vlan = 0;
  while (isTag(etherType) && at + 2 + VLAN_TAG_BYTES <= end) {
    if (vlan === 0) vlan = ((data[at + 2]! << 8) | data[at + 3]!) & VLAN_MASK;
    at += VLAN_TAG_BYTES;
    etherType = (data[at]! << 8) | data[at + 1]!;
  }
  return { source, isUnicast, vlan, etherType, payloadOffset: at + 2, end };
}

function isTag(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.qinq || etherType === EtherType.qinqOld;
}

/** Text of the MAC address at `at`. */
export function macText(data: Uint8Array, at: number): string {
  let text = '';
  for (let i = 0; i < MAC_BYTES; i++) {
    if (i > 0) text += ':';
    text += data[at + i]!.toString(16).padStart(2, '0');
  }
  return text;
}
