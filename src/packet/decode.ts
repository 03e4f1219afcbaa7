import { decodeAh, IPPROTO_AH } from './ah.js';
import { decodeArp } from './arp.js';
import { Cursor, Next } from './cursor.js';
import { decodeEsp, IPPROTO_ESP } from './esp.js';
import { decodeEthernet } from './ethernet.js';
import { decodeGre } from './gre.js';
import { decodeIcmp, IPPROTO_ICMP, IPPROTO_ICMPV6 } from './icmp.js';
import type { IpsecOpener } from './ipsec-opener.js';
import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6, decodeIpv6Extension, decodeIpv6Fragment, Ipv6Extension } from './ipv6.js';
import { Layer } from './layers.js';
import { decodeLink, LinkType } from './link.js';
import type { PacketBatch } from './packet-batch.js';
import { decodePlainIpv4Frame } from './plain-ipv4-frame.js';
import { decodeTcp, IPPROTO_TCP } from './tcp.js';
import { decodeUdp } from './udp.js';

const IPPROTO_UDP = 17;
const IPPROTO_GRE = 47;
/** BEET mode's pseudo header, for inner IPv4 options (draft-nikander-esp-beet-mode, Linux ip_beet_phdr). */
const IPPROTO_BEETPH = 94;

/** Decodes blocks into one batch, over and over. */
export class Decoder {
  readonly batch: PacketBatch;
  private readonly cursor: Cursor;
  private readonly opener: IpsecOpener | null;

  /**
   * @param batch filled by `decode`; its `block` is what is decoded
   * @param opener holder of the keys; null leaves AH unchecked and ESP closed
   */
  constructor(batch: PacketBatch, opener: IpsecOpener | null) {
    this.batch = batch;
    this.opener = opener;
    this.cursor = new Cursor(batch, opener);
  }

  /**
   * Decodes all frames of the batch's block: row i describes frame i. ESP that can be opened is decrypted in place.
   * Never throws on account of what the frames hold.
   */
  decode(): void {
    const { batch, cursor } = this;
    const { block } = batch;
    const count = block.count;
    batch.reset(count);
    cursor.attach(this.opener);
    const closesEsp = this.opener === null;
    for (let row = 0; row < count; row++) {
      const linkType = block.linkType[row]!;
      if (linkType === LinkType.ethernet && decodePlainIpv4Frame(batch, cursor.view, row, closesEsp))
        continue;
      cursor.startRow(row);
      decodeRow(cursor, linkType);
      cursor.finishRow();
    }
  }
}

/** Follows the headers of one frame; the only place that knows which one follows which. */
function decodeRow(c: Cursor, linkType: number): void {
  let next = decodeLink(c, linkType);
  while (next !== Next.stop) {
    if (!c.countHeader()) return;
    next = decodeNext(c, next);
  }
}

function decodeNext(c: Cursor, next: number): number {
  switch (next) {
    case Next.ipv4:
      return decodeIpv4(c);
    case Next.ipv6:
      return decodeIpv6(c);
    case IPPROTO_ESP:
      return decodeEsp(c, false);
    case IPPROTO_TCP:
      return decodeTcp(c);
    case IPPROTO_AH:
      return decodeAh(c);
    case IPPROTO_UDP:
      return decodeUdp(c);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return decodeIcmp(c, next);
    case Ipv6Extension.hopByHop:
    case Ipv6Extension.routing:
    case Ipv6Extension.destinationOptions:
    case Ipv6Extension.mobility:
    case Ipv6Extension.hip:
    case Ipv6Extension.shim6:
      return c.ipIsV6 ? decodeIpv6Extension(c) : decodeUnknownProtocol(c);
    case Ipv6Extension.fragment:
      return c.ipIsV6 ? decodeIpv6Fragment(c) : decodeUnknownProtocol(c);
    case IPPROTO_GRE:
      return decodeGre(c);
    case IPPROTO_BEETPH:
      return decodeIpv6Extension(c);
    case Next.arp:
      return decodeArp(c);
    case Next.ethernet:
      return decodeEthernet(c);
    default:
      return decodeUnknownProtocol(c);
  }
}

/** An IP protocol without a decoder: its bytes are payload. */
function decodeUnknownProtocol(c: Cursor): number {
  if (c.offset <= c.limit) c.batch.payloadOffset[c.row] = c.offset;
  c.batch.payloadLength[c.row] = c.end - c.offset;
  return c.takeRest(Layer.payload);
}
