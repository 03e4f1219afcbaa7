import {
  ah,
  arp,
  bytes,
  cooked,
  cooked2,
  esp,
  ethernet,
  filler,
  gre,
  icmp,
  ike,
  ipv4,
  ipv6,
  ipv6Fragment,
  ipv6Options,
  ipv6Routing,
  mplsLabel,
  nullEsp,
  pppoe,
  streamMessage,
  tcp,
  udp,
  vlanTag,
  vxlan,
} from './frame-builder.js';

export interface CatalogueFrame {
  name: string;
  linkType: number;
  frame: Uint8Array;
}

const SA = { spi: 0xc0ffee01, sequence: 7 };
const SA2 = { spi: 0x1002, sequence: 0xfffffff0 };
const v4 = (payload: Uint8Array, options?: Uint8Array) =>
  ethernet(0x0800, ipv4(options === undefined ? { protocol: 6 } : { protocol: 6, options }, payload));
const v4of = (protocol: number, payload: Uint8Array) => ethernet(0x0800, ipv4({ protocol }, payload));
const v6of = (nextHeader: number, payload: Uint8Array) => ethernet(0x86dd, ipv6({ nextHeader }, payload));
const segment = tcp({}, filler(10));
const ip4 = ipv4({ protocol: 6 }, segment);
const ip6 = ipv6({ nextHeader: 6 }, segment);
/** MSS 1460, SACK permitted, timestamps, no-operation, window scale 7: what Linux puts into a SYN. */
export const SYN_OPTIONS = bytes('020405b4 0402 080a 00000001 00000000 01 030307');

const LINKS: Record<string, [number, Uint8Array]> = {
  ethernet: [1, v4(segment)],
  'ethernet, padded to 60': [1, ethernet(0x0800, ipv4({ protocol: 6 }, tcp({}, new Uint8Array(0))), 60)],
  'ethernet, unknown type': [1, ethernet(0x88b5, filler(46))],
  'ethernet, 802.3 length': [1, ethernet(46, bytes('424203', filler(43)))],
  vlan: [1, ethernet(0x8100, vlanTag(0x0800, ip4))],
  qinq: [1, ethernet(0x88a8, vlanTag(0x8100, vlanTag(0x0800, ip4)))],
  'qinq, old type': [1, ethernet(0x9100, vlanTag(0x8100, vlanTag(0x86dd, ip6)))],
  'mpls, IPv4': [1, ethernet(0x8847, mplsLabel(100, false, mplsLabel(200, true, ip4)))],
  'mpls, IPv6': [1, ethernet(0x8847, mplsLabel(100, true, ip6))],
  'pppoe, IPv4': [1, ethernet(0x8864, pppoe(0x0021, ip4))],
  'pppoe, IPv6, padded': [1, ethernet(0x8864, pppoe(0x0057, ip6), 120)],
  'pppoe, LCP': [1, ethernet(0x8864, pppoe(0xc021, bytes('09 00 0008 00000000')))],
  'cooked, IPv4': [113, cooked(0x0800, ip4)],
  'cooked, IPv6': [113, cooked(0x86dd, ip6)],
  'cooked v2, IPv4': [276, cooked2(0x0800, ip4)],
  'cooked v2, ARP': [276, cooked2(0x0806, arp())],
  'raw, IPv4': [101, ip4],
  'raw, IPv6': [101, ip6],
  'raw as BSD numbers it': [12, ip4],
  'raw as OpenBSD numbers it': [14, ip6],
  LINKTYPE_IPV4: [228, ip4],
  LINKTYPE_IPV6: [229, ip6],
  'loopback, little endian, IPv4': [0, bytes('02000000', ip4)],
  'loopback, big endian, IPv4': [0, bytes('00000002', ip4)],
  'loopback, little endian, IPv6 of FreeBSD': [0, bytes('1c000000', ip6)],
  'loopback, big endian, IPv6 of Darwin': [0, bytes('0000001e', ip6)],
  'loopback of OpenBSD': [108, bytes('00000018', ip6)],
};

const NETWORK: Record<string, [number, Uint8Array]> = {
  arp: [1, ethernet(0x0806, arp())],
  'arp, padded to 60': [1, ethernet(0x0806, arp(), 60)],
  'IPv4 with options': [1, v4(segment, bytes('07 0b 04 00000000 00000000 00'))],
  'IPv4 first fragment': [
    1,
    ethernet(0x0800, ipv4({ protocol: 17, moreFragments: true }, udp(1000, 2000, filler(16), 32))),
  ],
  'IPv4 middle fragment': [
    1,
    ethernet(0x0800, ipv4({ protocol: 17, moreFragments: true, fragmentOffset: 24 }, filler(8))),
  ],
  'IPv4 last fragment, padded': [
    1,
    ethernet(0x0800, ipv4({ protocol: 50, fragmentOffset: 24 }, filler(3)), 60),
  ],
  'IPv4 unknown protocol': [1, v4of(253, filler(9))],
  IPv6: [1, v6of(6, segment)],
  'IPv6 hop-by-hop': [1, v6of(0, ipv6Options(6, 8, segment))],
  'IPv6 routing': [1, v6of(43, ipv6Routing(6, segment))],
  'IPv6 destination options': [1, v6of(60, ipv6Options(6, 24, segment))],
  'IPv6 mobility': [1, v6of(135, bytes('3b 00 00 00 0000 0000'))],
  'IPv6 HIP': [1, v6of(139, bytes('3b 04 01 11 0000 0000', filler(32)))],
  'IPv6 shim6': [1, v6of(140, bytes('3b 00 81 00 0000 0000'))],
  'IPv6 four extension headers': [
    1,
    v6of(0, ipv6Options(60, 8, ipv6Options(43, 16, ipv6Routing(60, ipv6Options(6, 8, segment))))),
  ],
  'IPv6 no next header': [1, v6of(59, filler(5))],
  'IPv6 first fragment': [
    1,
    v6of(60, ipv6Options(44, 8, ipv6Fragment(17, 0, true, udp(1000, 2000, filler(16), 32)))),
  ],
  'IPv6 middle fragment': [1, v6of(44, ipv6Fragment(17, 24, true, filler(8)))],
  'IPv6 last fragment': [1, v6of(44, ipv6Fragment(17, 32, false, filler(3)))],
  'IPv6 atomic fragment': [1, v6of(44, ipv6Fragment(6, 0, false, segment))],
};

const SECURITY: Record<string, [number, Uint8Array]> = {
  'AH, IPv4': [1, v4of(51, ah(6, 12, SA, segment))],
  'AH, IPv6': [1, v6of(51, ah(6, 20, SA2, segment))],
  'AH without ICV': [1, v4of(51, ah(6, 0, SA, segment))],
  'AH in AH': [1, v4of(51, ah(51, 12, SA, ah(17, 16, SA2, udp(5000, 6000, filler(4)))))],
  'AH over ESP': [1, v4of(51, ah(50, 16, SA, esp(SA2, filler(40))))],
  'AH tunnel': [1, v4of(51, ah(4, 12, SA, ip4))],
  'AH behind a hop-by-hop header': [1, v6of(0, ipv6Options(51, 8, ah(6, 12, SA, segment)))],
  'ESP, IPv4': [1, v4of(50, esp(SA, filler(52)))],
  'ESP, IPv6': [1, v6of(50, esp(SA2, filler(52)))],
  'ESP, padded by Ethernet': [1, ethernet(0x0800, ipv4({ protocol: 50 }, esp(SA, filler(4))), 60)],
  'ESP with a null cipher around TCP': [1, v4of(50, nullEsp(SA, 6, segment))],
  'ESP in ESP, null ciphers': [1, v4of(50, nullEsp(SA, 4, ipv4({ protocol: 50 }, nullEsp(SA2, 6, segment))))],
  'ESP in UDP': [1, v4of(17, udp(4500, 4500, esp(SA, filler(52))))],
  'ESP in UDP from another port': [1, v6of(17, udp(61000, 4500, esp(SA, filler(52))))],
  'NAT keep-alive, padded': [1, ethernet(0x0800, ipv4({ protocol: 17 }, udp(4500, 4500, bytes('ff'))), 60)],
  IKEv2: [1, v4of(17, udp(500, 500, ike(0x20, 34, new Uint8Array(0))))],
  IKEv1: [1, v4of(17, udp(500, 500, ike(0x10, 2, new Uint8Array(0))))],
  'IKEv2 behind the marker': [
    1,
    v4of(17, udp(4500, 4500, bytes('00000000', ike(0x20, 34, new Uint8Array(0))))),
  ],
  'ESP in TCP': [1, v4(tcp({ source: 4500, destination: 40000 }, streamMessage(esp(SA, filler(40)))))],
  'IKE in TCP with the stream prefix': [
    1,
    v4(
      tcp(
        { source: 40000, destination: 4500 },
        bytes(Buffer.from('IKETCP'), streamMessage(bytes('00000000', ike(0x20, 34, new Uint8Array(0))))),
      ),
    ),
  ],
};

const TUNNELS: Record<string, [number, Uint8Array]> = {
  'IPv4 in IPv4': [1, v4of(4, ip4)],
  'IPv6 in IPv4': [1, v4of(41, ip6)],
  'IPv4 in IPv6': [1, v6of(4, ip4)],
  'IPv6 in IPv6': [1, v6of(41, ip6)],
  'IPv4 in IPv4 with bytes behind it': [1, v4of(4, bytes(ip4, filler(6)))],
  'fragment in a tunnel': [1, v4of(4, ipv4({ protocol: 6, moreFragments: true }, bytes(segment, filler(2))))],
  GRE: [1, v4of(47, gre(0, 0x0800, '', ip4))],
  'GRE with checksum, key, sequence': [1, v4of(47, gre(0xb000, 0x86dd, '0000 0000 0000002a 00000001', ip6))],
  'GRE with a key': [1, v4of(47, gre(0x2000, 0x0800, '0000002a', ip4))],
  'GRE around Ethernet': [1, v6of(47, gre(0, 0x6558, '', ethernet(0x0800, ip4)))],
  VXLAN: [1, v4of(17, udp(50000, 4789, vxlan(ethernet(0x0800, ip4))))],
  'VXLAN on the old Linux port': [
    1,
    v4of(17, udp(50000, 8472, vxlan(ethernet(0x8100, vlanTag(0x86dd, ip6))))),
  ],
  'VXLAN with a padded ARP': [1, v4of(17, udp(50000, 4789, vxlan(ethernet(0x0806, arp(), 60))))],
};

const TRANSPORT: Record<string, [number, Uint8Array]> = {
  'TCP SYN with options': [1, v4(tcp({ flags: 0x02, options: SYN_OPTIONS }, new Uint8Array(0)))],
  'TCP with timestamps': [1, v4(tcp({ options: bytes('0101 080a 00000001 00000002') }, filler(100)))],
  'TCP with an option of length 0': [1, v4(tcp({ options: bytes('0800 0000') }, filler(4)))],
  UDP: [1, v6of(17, udp(1000, 2000, filler(30)))],
  'ICMP echo': [1, v4of(1, icmp(8, 0, '00010001', filler(56)))],
  'ICMP fragmentation needed': [1, v4of(1, icmp(3, 4, '0000 0578', ip4.slice(0, 28)))],
  'ICMP port unreachable': [1, v4of(1, icmp(3, 3, '00000000', ip4.slice(0, 28)))],
  'ICMPv6 echo': [1, v6of(58, icmp(128, 0, '00010001', filler(56)))],
  'ICMPv6 packet too big': [1, v6of(58, icmp(2, 0, '00000514', ip6.slice(0, 48)))],
};

/** Frames put together by hand, of every kind the decoder knows. */
export const FRAMES: readonly CatalogueFrame[] = [LINKS, NETWORK, SECURITY, TUNNELS, TRANSPORT].flatMap(
  (group) => Object.entries(group).map(([name, [linkType, frame]]) => ({ name, linkType, frame })),
);

/** @throws Error if there is none of that name */
export function catalogueFrame(name: string): CatalogueFrame {
  const found = FRAMES.find((frame) => frame.name === name);
  if (found === undefined) throw new Error(`no frame named ${name}`);
  return found;
}
