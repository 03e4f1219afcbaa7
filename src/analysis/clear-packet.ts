import { internetChecksum } from '../packet/ip-checksum.js';
import { LinkType } from '../packet/link.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';

/*
 * Theory of operation. The last header of a packet that could be opened decides. In tunnel mode what it carries is a whole
 * IP packet, taken as it is. In transport mode its IP header is taken up to the first AH, ESP or UDP encapsulation that
 * follows it, and what is carried is put behind; the header's protocol, length and checksum are mended. Link headers stay
 * if their only length is the frame's (Ethernet, cooked), otherwise the packet is written as raw IP.
 */

const IPPROTO_IPV4 = 4;
const IPPROTO_IPV6 = 41;
const IPPROTO_AH = 51;
const UDP_HEADER_BYTES = 8;
const ESP_HEADER_BYTES = 8;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** Bytes up to and with the protocol field, by link type: only plain headers, no tags. */
const PLAIN_LINK_BYTES = new Map<number, number>([
  [LinkType.ethernet, 14],
  [LinkType.linuxCooked, 16],
]);

/** A packet without its IPsec, in a buffer that is reused. */
export interface ClearPacket {
  data: Uint8Array;
  bytes: number;
  linkType: number;
}

/** Takes AH and opened ESP off packets. */
export class ClearPacketBuilder {
  private readonly packet: ClearPacket = { data: new Uint8Array(70_000), bytes: 0, linkType: LinkType.raw };

  /**
   * The packet in `row` as its sender had it before IPsec. Packets cut by the snap length have no end to work with.
   * @returns null if nothing in it could be opened; the same object each time otherwise
   */
  build(batch: PacketBatch, row: number): ClearPacket | null {
    const { security, block } = batch;
    const first = batch.securityStart[row]!;
    let last = batch.securityStart[row + 1]! - 1;
    while (last >= first && security.protocol[last] !== IPPROTO_AH && security.opened[last] === 0) last--;
    if (last < first || (batch.flags[row]! & (PacketFlag.cutBySnaplen | PacketFlag.tcpEncap)) !== 0)
      return null;

    const { data } = block;
    const isAh = security.protocol[last] === IPPROTO_AH;
    const header = security.offset[last]!;
    const end = security.end[last]!;
    const from = isAh
      ? header + (data[header + 1]! + 2) * 4
      : header + ESP_HEADER_BYTES + security.ivBytes[last]!;
    const trailer = end - security.icvBytes[last]! - 2;
    const to = isAh ? end : trailer - security.padBytes[last]!;
    const nextHeader = isAh ? data[header]! : data[trailer + 1]!;
    this.putLink(batch, row, nextHeader);
    if (nextHeader === IPPROTO_IPV4 || nextHeader === IPPROTO_IPV6) this.put(data, from, to);
    else this.putTransport(batch, first, last, from, to, nextHeader);
    return this.packet;
  }

  private putLink(batch: PacketBatch, row: number, nextHeader: number): void {
    const { block } = batch;
    const { packet } = this;
    const start = block.offset[row]!;
    const bytes = batch.ipOffset[row]! - start;
    packet.bytes = 0;
    packet.linkType = block.linkType[row]!;
    if (PLAIN_LINK_BYTES.get(packet.linkType) !== bytes) {
      packet.linkType = LinkType.raw;
      return;
    }
    this.put(block.data, start, start + bytes);
    if (nextHeader === IPPROTO_IPV4) writeUint16(packet.data, bytes - 2, ETHERTYPE_IPV4);
    if (nextHeader === IPPROTO_IPV6) writeUint16(packet.data, bytes - 2, ETHERTYPE_IPV6);
  }

  private putTransport(
    batch: PacketBatch,
    first: number,
    last: number,
    from: number,
    to: number,
    nextHeader: number,
  ): void {
    const { security, block } = batch;
    const { data } = block;
    const ip = security.ipOffset[last]!;
    if (ip === NONE) return;
    let outermost = last;
    while (outermost > first && security.ipOffset[outermost - 1] === ip) outermost--;
    const headerEnd =
      security.offset[outermost]! - (security.udpEncap[outermost] === 1 ? UDP_HEADER_BYTES : 0);
    const target = this.packet.bytes;
    this.put(data, ip, headerEnd);
    const headerBytes = this.packet.bytes - target;
    this.put(data, from, to);
    const packet = this.packet.data;
    if (packet[target]! >> 4 === 4) {
      packet[target + 9] = nextHeader;
      writeUint16(packet, target + 2, this.packet.bytes - target);
      writeUint16(packet, target + 10, 0);
      writeUint16(packet, target + 10, internetChecksum(packet, target, target + headerBytes));
    } else {
      writeUint16(packet, target + 4, this.packet.bytes - target - 40);
      packet[lastNextHeader(packet, target, target + headerBytes)] = nextHeader;
    }
  }

  private put(data: Uint8Array, from: number, to: number): void {
    const { packet } = this;
    packet.data.set(data.subarray(from, to), packet.bytes);
    packet.bytes += to - from;
  }
}

/** Offset of the byte that names what follows the last extension header of the IPv6 header at `ip`. */
function lastNextHeader(data: Uint8Array, ip: number, end: number): number {
  let at = ip + 6;
  for (let extension = ip + 40; extension + 8 <= end; ) {
    at = extension;
    extension += (data[extension + 1]! + 1) * 8;
  }
  return at;
}

function writeUint16(data: Uint8Array, offset: number, value: number): void {
  data[offset] = value >> 8;
  data[offset + 1] = value;
}
