/**
 * The same transfer protected by something other than IPsec: counted from each protocol's specification, on the same Ethernet and
 * with the same assumptions as `planTransfer`. Handshakes and rekeying are left out: they do not grow with the transfer's packets.
 */
import { pathMtu, TCP_HEADER_BYTES, TCP_TIMESTAMP_BYTES, tcpMss } from '../ipsec/path-mtu.js';
import { ETHERNET_HEADER_BYTES, ipHeaderBytesOf, MIN_FRAME_BYTES } from '../ipsec/protection-stack.js';
import { requireExact } from './layer-totals.js';
import { bareFrameBytes, packetCost } from './packet-cost.js';
import { ETHERNET_LINE_BYTES, type FrameCount, requirePayload } from './transfer.js';

export interface AlternativeRequest {
  readonly payloadBytes: number;
  readonly family: 4 | 6;
  readonly linkMtuBytes: number;
  /** Default 12. */
  readonly tcpOptionBytes?: number;
  /** Default 16: the SecTAG with SCI (`send_sci on`, Linux's default); 8 without. */
  readonly macsecTagBytes?: 8 | 16;
  /** MTU of the WireGuard device. Default: 80 less than the link's, which suits IPv6 outside too. */
  readonly wireguardMtuBytes?: number;
}

export interface AlternativeCost extends FrameCount {
  readonly name: AlternativeName;
  readonly title: string;
  readonly segments: number;
  readonly mssBytes: number;
  /** What TCP carries: the payload, grown by TLS records or SSH packets. */
  readonly streamBytes: number;
  /** Of `wireBytes`, the protocol's own headers, padding and tags; outer IP and UDP headers included. */
  readonly securityBytes: number;
  /** Payload / wire bytes, 0 to 1. */
  readonly efficiency: number;
  readonly protects: string;
  readonly needs: string;
  /** What an eavesdropper on the wire still reads. */
  readonly leavesVisible: string;
  readonly sources: readonly string[];
}

export type AlternativeName =
  | 'tls13'
  | 'tls13-qemu-pages'
  | 'ssh-aes128-gcm'
  | 'ssh-chacha20-poly1305'
  | 'wireguard'
  | 'macsec';

/** TLS 1.3: record header (RFC 8446 section 5.1), content type inside the encryption (5.2), tag of AES-GCM and ChaCha20 (5.3). */
const TLS_RECORD_BYTES = 5 + 1 + 16;
const TLS_MAX_PLAINTEXT_BYTES = 16_384;
/** QEMU hands each guest page to GnuTLS by itself, its 8-byte header before it: two records (`qio_channel_tls_writev`). */
const QEMU_PAGE_BYTES = 4096;
const QEMU_PAGE_HEADER_BYTES = 8;
/** RFC 4253 section 6. The tag is that of both AEADs. */
const SSH_LENGTH_BYTES = 4;
const SSH_PAD_LENGTH_BYTES = 1;
const SSH_MIN_PAD_BYTES = 4;
const SSH_TAG_BYTES = 16;
/** SSH_MSG_CHANNEL_DATA: type, recipient channel, length (RFC 4254 section 5.2). */
const SSH_CHANNEL_DATA_BYTES = 9;
/** CHAN_TCP_PACKET_DEFAULT and CHAN_SES_PACKET_DEFAULT in OpenSSH's channels.h. */
const SSH_MAX_DATA_BYTES = 32_768;
/** Transport data message: type, receiver, counter 16, tag 16 (WireGuard paper section 5.4.6). */
const WIREGUARD_MESSAGE_BYTES = 32;
const WIREGUARD_PAD_TO_BYTES = 16;
const UDP_HEADER_BYTES = 8;
/** IEEE 802.1AE section 9.3 and 14.5: ICV of the default cipher suite GCM-AES-128. */
const MACSEC_ICV_BYTES = 16;
/** Linux takes the longer tag off the MTU, sent or not (`macsec_newlink` in drivers/net/macsec.c). */
const MACSEC_MTU_BYTES = 32;

/** All of them. @throws RangeError for MTUs that leave no room, and totals beyond 2^53 */
export function planAlternatives(request: AlternativeRequest): AlternativeCost[] {
  requirePayload(request.payloadBytes);
  const { payloadBytes } = request;
  return [
    overTcp(request, 'tls13', tlsStreamBytes(payloadBytes)),
    overTcp(request, 'tls13-qemu-pages', qemuTlsStreamBytes(payloadBytes)),
    overTcp(request, 'ssh-aes128-gcm', sshStreamBytes(payloadBytes, 16)),
    overTcp(request, 'ssh-chacha20-poly1305', sshStreamBytes(payloadBytes, 8)),
    wireguard(request),
    macsec(request),
  ];
}

/** Bytes of TLS 1.3 records around `payloadBytes`, all but the last full (RFC 8446 section 5). No record padding. */
export function tlsStreamBytes(payloadBytes: number, recordBytes: number = TLS_MAX_PLAINTEXT_BYTES): number {
  return payloadBytes + Math.ceil(payloadBytes / recordBytes) * TLS_RECORD_BYTES;
}

/** The same with a record for each 8-byte page header and each 4096-byte page, as in QEMU's precopy without multifd. */
export function qemuTlsStreamBytes(payloadBytes: number): number {
  const unit = QEMU_PAGE_HEADER_BYTES + QEMU_PAGE_BYTES;
  const rest = payloadBytes % unit;
  const pages = (payloadBytes - rest) / unit;
  const restRecords = rest === 0 ? 0 : rest <= QEMU_PAGE_HEADER_BYTES ? 1 : 2;
  return payloadBytes + (2 * pages + restRecords) * TLS_RECORD_BYTES;
}

/**
 * Bytes of SSH packets around `payloadBytes` of channel data (RFC 4253 section 6, RFC 5647 section 7.2). With both AEADs the packet length
 * does not count towards the block; padding is at least 4.
 * @param blockBytes 16 for aes128-gcm@openssh.com, 8 for chacha20-poly1305@openssh.com
 */
export function sshStreamBytes(payloadBytes: number, blockBytes: 8 | 16): number {
  const rest = payloadBytes % SSH_MAX_DATA_BYTES;
  const full = (payloadBytes - rest) / SSH_MAX_DATA_BYTES;
  return (
    full * sshPacketBytes(SSH_MAX_DATA_BYTES, blockBytes) +
    (rest === 0 ? 0 : sshPacketBytes(rest, blockBytes))
  );
}

/** One SSH packet with `dataBytes` of channel data. */
export function sshPacketBytes(dataBytes: number, blockBytes: 8 | 16): number {
  const unpadded = SSH_PAD_LENGTH_BYTES + SSH_CHANNEL_DATA_BYTES + dataBytes;
  const padded = Math.ceil((unpadded + SSH_MIN_PAD_BYTES) / blockBytes) * blockBytes;
  return SSH_LENGTH_BYTES + padded + SSH_TAG_BYTES;
}

/**
 * One WireGuard transport packet as an IP datagram: the inner packet padded to 16 bytes, but not beyond the device's MTU
 * (`calculate_skb_padding` in drivers/net/wireguard/send.c).
 */
export function wireguardDatagramBytes(
  innerBytes: number,
  deviceMtuBytes: number,
  outerFamily: 4 | 6,
): number {
  const aligned = Math.ceil(innerBytes / WIREGUARD_PAD_TO_BYTES) * WIREGUARD_PAD_TO_BYTES;
  const padded = Math.max(innerBytes, Math.min(aligned, deviceMtuBytes));
  return ipHeaderBytesOf(outerFamily) + UDP_HEADER_BYTES + WIREGUARD_MESSAGE_BYTES + padded;
}

function overTcp(request: AlternativeRequest, name: AlternativeName, streamBytes: number): AlternativeCost {
  const { family, linkMtuBytes, tcpOptionBytes = TCP_TIMESTAMP_BYTES } = request;
  const mssBytes = tcpMss(pathMtu([], family, linkMtuBytes), family, tcpOptionBytes);
  const cost = packetCost([], family, tcpOptionBytes);
  const frameOf = (segmentBytes: number): number => bareFrameBytes(cost, segmentBytes);
  return count(request, name, streamBytes, mssBytes, frameOf, streamBytes - request.payloadBytes);
}

function wireguard(request: AlternativeRequest): AlternativeCost {
  const { family, linkMtuBytes, tcpOptionBytes = TCP_TIMESTAMP_BYTES, payloadBytes } = request;
  const deviceMtu =
    request.wireguardMtuBytes ?? linkMtuBytes - WIREGUARD_MESSAGE_BYTES - UDP_HEADER_BYTES - 40;
  const mssBytes = tcpMss(deviceMtu, family, tcpOptionBytes);
  const headers = ipHeaderBytesOf(family) + TCP_HEADER_BYTES + tcpOptionBytes;
  if (wireguardDatagramBytes(deviceMtu, deviceMtu, family) > linkMtuBytes || deviceMtu <= headers) {
    throw new RangeError(
      `a WireGuard MTU of ${deviceMtu} does not fit a link MTU of ${linkMtuBytes}: give another`,
    );
  }
  const frameOf = (segmentBytes: number): number =>
    ETHERNET_HEADER_BYTES + wireguardDatagramBytes(headers + segmentBytes, deviceMtu, family);
  return count(request, 'wireguard', payloadBytes, mssBytes, frameOf, null);
}

function macsec(request: AlternativeRequest): AlternativeCost {
  const {
    family,
    linkMtuBytes,
    tcpOptionBytes = TCP_TIMESTAMP_BYTES,
    payloadBytes,
    macsecTagBytes = 16,
  } = request;
  const mssBytes = tcpMss(pathMtu([], family, linkMtuBytes - MACSEC_MTU_BYTES), family, tcpOptionBytes);
  const cost = packetCost([], family, tcpOptionBytes);
  const frameOf = (segmentBytes: number): number =>
    bareFrameBytes(cost, segmentBytes) + macsecTagBytes + MACSEC_ICV_BYTES;
  return count(request, 'macsec', payloadBytes, mssBytes, frameOf, null);
}

/** @param securityBytes null: what the frames are longer than without protection at the same MSS */
function count(
  request: AlternativeRequest,
  name: AlternativeName,
  streamBytes: number,
  mssBytes: number,
  frameOf: (segmentBytes: number) => number,
  securityBytes: number | null,
): AlternativeCost {
  const { payloadBytes, family, tcpOptionBytes = TCP_TIMESTAMP_BYTES } = request;
  const last = streamBytes % mssBytes;
  const full = (streamBytes - last) / mssBytes;
  const segments = full + (last === 0 ? 0 : 1);
  const bare = full * frameOf(mssBytes) + (last === 0 ? 0 : frameOf(last));
  const fill = last === 0 ? 0 : Math.max(0, MIN_FRAME_BYTES - frameOf(last));
  const wireBytes = requireExact('wire bytes', bare + fill);
  const clearHeaders = ETHERNET_HEADER_BYTES + ipHeaderBytesOf(family) + TCP_HEADER_BYTES + tcpOptionBytes;
  return {
    name,
    ...DESCRIPTIONS[name],
    segments,
    packets: segments,
    mssBytes,
    streamBytes,
    securityBytes: securityBytes ?? bare - streamBytes - segments * clearHeaders,
    wireBytes,
    lineBytes: requireExact('line bytes', wireBytes + segments * ETHERNET_LINE_BYTES),
    efficiency: wireBytes === 0 ? 0 : payloadBytes / wireBytes,
  };
}

type Description = Pick<AlternativeCost, 'title' | 'protects' | 'needs' | 'leavesVisible' | 'sources'>;

const TLS_VISIBLE =
  'addresses, ports, TCP headers, the length of each record, and the server name in the handshake if one is sent';

const DESCRIPTIONS: Readonly<Record<AlternativeName, Description>> = {
  tls13: {
    title: 'TLS 1.3, full records',
    protects:
      'the migration stream between the two QEMU processes: confidentiality, integrity, both ends by certificate or key',
    needs:
      'QEMU tls-creds objects and certificates on both hosts; CPU time in the migration threads; no kernel support',
    leavesVisible: TLS_VISIBLE,
    sources: ['RFC 8446 sections 5.1 to 5.3'],
  },
  'tls13-qemu-pages': {
    title: 'TLS 1.3, a record for each page and page header (QEMU precopy)',
    protects: 'as TLS 1.3 with full records',
    needs: 'as TLS 1.3 with full records',
    leavesVisible: `${TLS_VISIBLE}; record lengths tell whole pages from zero pages`,
    sources: ['RFC 8446 sections 5.1 to 5.3', 'QEMU: qio_channel_tls_writev, save_normal_page'],
  },
  'ssh-aes128-gcm': {
    title: 'SSH tunnel, aes128-gcm@openssh.com',
    protects:
      'one forwarded connection between the two SSH processes: confidentiality, integrity, both ends by key',
    needs: 'an SSH login between the hosts, and two more copies of all data through processes at either end',
    leavesVisible: 'addresses, ports, TCP headers, and the length field of each SSH packet',
    sources: [
      'RFC 4253 section 6',
      'RFC 4254 section 5.2',
      'RFC 5647 section 7',
      'OpenSSH PROTOCOL section 1.6',
    ],
  },
  'ssh-chacha20-poly1305': {
    title: 'SSH tunnel, chacha20-poly1305@openssh.com',
    protects: 'as SSH with AES-GCM',
    needs: 'as SSH with AES-GCM',
    leavesVisible: 'addresses, ports and TCP headers; packet lengths are encrypted',
    sources: ['RFC 4253 section 6', 'RFC 4254 section 5.2', 'OpenSSH PROTOCOL.chacha20poly1305'],
  },
  wireguard: {
    title: 'WireGuard',
    protects: 'whole IP packets between the two hosts, inner addresses and ports included',
    needs: 'the wireguard module and a key pair on each host, and routes that lead into its device',
    leavesVisible: 'outer addresses and UDP ports, packet counters, lengths rounded up to 16',
    sources: [
      'WireGuard: Next Generation Kernel Network Tunnel, section 5.4.6',
      'Linux drivers/net/wireguard/send.c',
    ],
  },
  macsec: {
    title: 'MACsec, GCM-AES-128',
    protects:
      'everything behind the MAC addresses of a frame, hop by hop; with Linux only if "encrypt on" was said',
    needs:
      'MACsec on both hosts in one layer-2 network, or on every switch port between them; 32 bytes of the MTU',
    leavesVisible:
      'MAC addresses, packet numbers, frame lengths; and everything inside each switch that ends it',
    sources: ['IEEE 802.1AE-2018 sections 9.3 and 14.5', 'Linux drivers/net/macsec.c'],
  },
};
