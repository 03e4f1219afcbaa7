import type { FrameBlock } from './frame-block.js';
import { LAYER_STRIDE } from './layers.js';

/** "No such header in this row" in offset columns. */
export const NONE = 0xffff_ffff;
/** "No IP protocol": the row is not IP. */
export const NO_PROTOCOL = 0xffff;

/** Bits of `PacketBatch.flags`. */
export const PacketFlag = {
  /** The innermost visible IP header is IPv6. */
  ipv6: 1 << 0,
  /** The outermost IP header is IPv6. */
  outerIpv6: 1 << 1,
  /** A fragment of the outermost IP datagram: only link and IP header are attributed. */
  fragment: 1 << 2,
  /** Set with `fragment` or `innerFragment`: fragment offset 0. */
  firstFragment: 1 << 3,
  /** An inner IP datagram (tunnelled, or decrypted) is the fragmented one; then `fragment` is not set. */
  innerFragment: 1 << 4,
  /** Don't Fragment is set in the outermost IPv4 header. */
  dontFragment: 1 << 5,
  ah: 1 << 6,
  esp: 1 << 7,
  /** ESP rides in UDP (RFC 3948). */
  udpEncap: 1 << 8,
  /** ESP or IKE rides in TCP (RFC 8229, RFC 9329). */
  tcpEncap: 1 << 9,
  /** ESP was opened: its layers are measured and the inner headers are visible. */
  decrypted: 1 << 10,
  /** There is an IP header behind the first one. */
  tunnel: 1 << 11,
  tcp: 1 << 12,
  udp: 1 << 13,
  /** ICMP or ICMPv6. */
  icmp: 1 << 14,
  /** IKE, on UDP 500 or behind the non-ESP marker on 4500. */
  ike: 1 << 15,
  /** NAT keep-alive: one 0xFF byte on UDP 4500 (RFC 3948 section 2.3). */
  natKeepalive: 1 << 16,
  arp: 1 << 17,
  /** ICMP fragmentation needed, or ICMPv6 packet too big. */
  packetTooBig: 1 << 18,
  /** Fewer bytes captured than the frame had. */
  cutBySnaplen: 1 << 19,
  /** The frame is malformed; see the error columns. */
  malformed: 1 << 20,
  /** A decapsulated copy the kernel fed to the tap again; never on the wire. */
  decapsulatedCopy: 1 << 21,
  /** An offloaded frame larger than the link carries; never on the wire in this form. */
  superFrame: 1 << 22,
  /** This row is a datagram put together from fragments, not a frame. */
  reassembled: 1 << 23,
  /** Set with `reassembled`: fragments are missing, only a beginning is there. */
  incomplete: 1 << 24,
  /** TCP SYN is set. */
  tcpSyn: 1 << 25,
} as const;

/** What is wrong with a malformed row. `kind` values of the error column; 0 is "nothing". */
export const PacketError = {
  none: 0,
  /** A header, or what a length field promises, does not fit into what surrounds it. */
  length: 1,
  /** Version, or another field, has a value its specification forbids. */
  value: 2,
  /** More nested headers than a real packet has. */
  nesting: 3,
  /** Link type without a decoder. */
  linkType: 4,
} as const;

/** Names of the protocol layer in which an error was found, for messages: index is `errorLayer`. */
export const ERROR_LAYERS = [
  'frame',
  'Ethernet',
  'VLAN',
  'MPLS',
  'PPPoE',
  'Linux cooked',
  'loopback',
  'ARP',
  'IPv4',
  'IPv6',
  'IPv6 extension',
  'AH',
  'ESP',
  'TCP',
  'UDP',
  'ICMP',
  'GRE',
  'VXLAN',
  'IKE',
  'ESP in TCP',
  'fragment',
] as const;

/** Result of checking an ICV. */
export const Integrity = { unchecked: 0, verified: 1, failed: 2 } as const;

/**
 * AH and ESP headers of a batch, in the order in which they nest; a row may own several. Rows of one packet are
 * adjacent and ascend with the packet row.
 */
export class SecurityHeaders {
  count = 0;
  /** Row in the PacketBatch. */
  row: Uint32Array;
  /** 51 AH, 50 ESP. */
  protocol: Uint8Array;
  /** Offset of the IP header that this header belongs to. */
  ipOffset: Uint32Array;
  /** Offset of the AH or ESP header. */
  offset: Uint32Array;
  /** End of the IP payload which holds it, by the IP length field (may lie behind the captured bytes, even beyond 2^32). */
  end: Float64Array;
  spi: Uint32Array;
  /** Low 32 bits of the sequence number. */
  sequence: Uint32Array;
  /** An `Integrity` value. */
  integrity: Uint8Array;
  /** 1 when in UDP. */
  udpEncap: Uint8Array;
  /** ESP: 1 when opened, then the next three are valid. AH: icvBytes is valid always. */
  opened: Uint8Array;
  ivBytes: Uint8Array;
  icvBytes: Uint8Array;
  padBytes: Uint8Array;

  constructor(capacity: number) {
    this.row = new Uint32Array(capacity);
    this.protocol = new Uint8Array(capacity);
    this.ipOffset = new Uint32Array(capacity);
    this.offset = new Uint32Array(capacity);
    this.end = new Float64Array(capacity);
    this.spi = new Uint32Array(capacity);
    this.sequence = new Uint32Array(capacity);
    this.integrity = new Uint8Array(capacity);
    this.udpEncap = new Uint8Array(capacity);
    this.opened = new Uint8Array(capacity);
    this.ivBytes = new Uint8Array(capacity);
    this.icvBytes = new Uint8Array(capacity);
    this.padBytes = new Uint8Array(capacity);
  }

  /** Forgets all headers; the columns not written for each header go back to 0. */
  reset(): void {
    this.integrity.fill(0, 0, this.count);
    this.udpEncap.fill(0, 0, this.count);
    this.opened.fill(0, 0, this.count);
    this.ivBytes.fill(0, 0, this.count);
    this.icvBytes.fill(0, 0, this.count);
    this.padBytes.fill(0, 0, this.count);
    this.count = 0;
  }
}

/** Greatest number of AH and ESP headers followed in one packet; deeper nesting is an error (`nesting`). */
export const MAX_SECURITY_HEADERS = 4;

/**
 * Decoded packets as columns; row `i` describes frame `i` of `block`. Reused from block to block: nothing may be kept
 * after `add(batch)` returns. Offsets are into `block.data`. Columns not applying to a row hold `NONE`.
 */
export class PacketBatch {
  /** The frames. In a batch of reassembled datagrams: the datagrams, starting at their IP header (LINKTYPE_RAW). */
  block: FrameBlock;
  count = 0;
  readonly capacity: number;
  readonly flags: Uint32Array;
  /** Row i, layer l: `layerBytes[i * LAYER_STRIDE + l]`. Adds up to `block.wireLength[i]`; in reassembled rows to
   * what the fragments carried, as their link and IP headers are in the rows of the frames. */
  readonly layerBytes: Uint32Array;
  /** Outermost IP header. */
  readonly ipOffset: Uint32Array;
  /** Innermost visible IP header; equals `ipOffset` where there is one only. */
  readonly innerIpOffset: Uint32Array;
  /** Protocol number behind the innermost visible IP header and its extensions, AH and opened ESP skipped: 6, 17, 1,
   * 58, 50 (closed ESP)... `NO_PROTOCOL` if not IP. In fragments other than the first: what the IP header names. */
  readonly protocol: Uint16Array;
  /** TCP, UDP or ICMP header, present only if wholly captured (TCP: with options; ICMP: 8 bytes). */
  readonly transportOffset: Uint32Array;
  /** Behind the transport header, or what else is before the payload; only if that is wholly captured. */
  readonly payloadOffset: Uint32Array;
  /** Bytes the transport carried on the wire (by IP's length field, captured or not). */
  readonly payloadLength: Uint32Array;
  /** Fragments: offset of the fragmented IPv4 header, or of the IPv6 fragment header. */
  readonly fragmentOffset: Uint32Array;
  readonly error: Uint8Array;
  /** Index into ERROR_LAYERS. */
  readonly errorLayer: Uint8Array;
  /** Offset from the start of the frame of the header in which the error is. */
  readonly errorOffset: Uint32Array;
  /** `length` errors: bytes needed and bytes there. `value` errors: `errorActual` is the bad value. */
  readonly errorRequired: Uint32Array;
  readonly errorActual: Uint32Array;
  /** Reassembled rows: how many fragments were put together, and the sum of their frames' wire lengths; else 0. */
  readonly fragments: Uint16Array;
  readonly fragmentBytes: Float64Array;
  readonly security: SecurityHeaders;
  /** Index in `security` of the first header of row i (of the next row that has one, if it has none itself); element
   * `count` is valid too, so row i owns `securityStart[i] .. securityStart[i + 1]`. */
  readonly securityStart: Uint32Array;
  /** Rows with `PacketFlag.fragment`. */
  fragmentRows = 0;

  constructor(block: FrameBlock) {
    const capacity = block.capacity;
    this.block = block;
    this.capacity = capacity;
    this.flags = new Uint32Array(capacity);
    this.layerBytes = new Uint32Array(capacity * LAYER_STRIDE);
    this.ipOffset = new Uint32Array(capacity);
    this.innerIpOffset = new Uint32Array(capacity);
    this.protocol = new Uint16Array(capacity);
    this.transportOffset = new Uint32Array(capacity);
    this.payloadOffset = new Uint32Array(capacity);
    this.payloadLength = new Uint32Array(capacity);
    this.fragmentOffset = new Uint32Array(capacity);
    this.error = new Uint8Array(capacity);
    this.errorLayer = new Uint8Array(capacity);
    this.errorOffset = new Uint32Array(capacity);
    this.errorRequired = new Uint32Array(capacity);
    this.errorActual = new Uint32Array(capacity);
    this.fragments = new Uint16Array(capacity);
    this.fragmentBytes = new Float64Array(capacity);
    this.security = new SecurityHeaders(capacity * MAX_SECURITY_HEADERS);
    this.securityStart = new Uint32Array(capacity + 1);
  }

  /** Empties the batch for `count` rows: "nothing there" in every column. Whole columns at once cost less than by row. */
  reset(count: number): void {
    this.count = count;
    this.fragmentRows = 0;
    this.layerBytes.fill(0, 0, count * LAYER_STRIDE);
    this.ipOffset.fill(NONE, 0, count);
    this.innerIpOffset.fill(NONE, 0, count);
    this.protocol.fill(NO_PROTOCOL, 0, count);
    this.transportOffset.fill(NONE, 0, count);
    this.payloadOffset.fill(NONE, 0, count);
    this.payloadLength.fill(0, 0, count);
    this.fragmentOffset.fill(NONE, 0, count);
    this.error.fill(0, 0, count);
    this.fragments.fill(0, 0, count);
    this.fragmentBytes.fill(0, 0, count);
    this.securityStart[0] = 0;
    this.security.reset();
  }
}
