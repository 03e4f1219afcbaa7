import type { MigrationIteration, MigrationRecord } from '../migration/migration-record.js';
import type { WireLayer } from '../packet/layers.js';
import type { Finding } from './findings/finding.js';

/**
 * What `tare analyze` found out, as plain data: the shape of `tare.analysis/1` (docs/FORMATS.md). Numbers are exact
 * integers unless their name says otherwise; times are decimal strings of nanoseconds since 1970 because they exceed
 * what a JavaScript number holds. Addresses are text (RFC 5952 for IPv6).
 */
export interface AnalysisSummary {
  schema: 'tare.analysis/1';
  inputs: InputSummary[];
  frames: FramesSummary;
  wire: WireSummary;
  /** Where every byte of `wire.bytes` went. */
  bytes: LayerBytesSummary;
  protection: Record<ProtectionClass, PacketsAndBytes>;
  securityAssociations: SecurityAssociationSummary[];
  fragmentation: FragmentationSummary;
  flows: FlowSummary[];
  /** Flows beyond the table's capacity, together; null when there are none. */
  otherFlows: PacketsAndBytes | null;
  /** Both ways between two hosts, added up from the flows. */
  directions: DirectionSummary[];
  packetSizes: PacketSizeBucket[];
  /** Bytes on the wire over time; null if there are none. */
  timeline: TimelineSummary | null;
  /** QEMU live migrations that could be read, in order of their start. */
  migrations: MigrationSummary[];
  errors: ErrorSummary[];
  /** What is suspicious, the worst first. */
  findings: Finding[];
}

export interface InputSummary {
  path: string;
  /** `pcap` or `pcapng`, gzip or not; null if neither could be recognised. */
  format: 'pcap' | 'pcapng' | null;
  compressed: boolean;
  /** Names as in tcpdump's list: EN10MB, LINUX_SLL... */
  linkTypes: string[];
  frames: number;
  /** Drops the file itself reports (pcapng interface statistics); null if it says nothing. */
  reportedDrops: number | null;
  /** Of a live capture that fell behind: packets that are in its file and not in this report. Absent if there are none. */
  notAnalysed?: number;
  /** Link MTU used to tell super-frames, and how it was found. */
  mtu: { bytes: number; certainty: 'measured' | 'inferred' };
  error: { message: string; offset: number } | null;
}

export interface FramesSummary {
  total: number;
  malformed: number;
  decapsulatedCopies: number;
  superFrames: number;
  /** Wire lengths of the super-frames as the tap saw them: what `wire` leaves out. */
  superFrameBytes: number;
  cutBySnaplen: number;
}

/** Copies and super-frames left out. */
export interface WireSummary {
  packets: number;
  bytes: number;
  firstTimeNs: string;
  lastTimeNs: string;
}

/**
 * `measured`: read off the packets. `inferred`: follows from a suite that was concluded from the lengths or given by the
 * user. `bounded`: only limits are known; `bytes` is then the best estimate.
 */
export type Certainty = 'measured' | 'inferred' | 'bounded';

export interface LayerBytes {
  bytes: number;
  certainty: Certainty;
  /** Limits, where `certainty` is not `measured`. */
  min?: number;
  max?: number;
}

/** As reports say it. */
export type ReportedLayer = WireLayer;

export type LayerBytesSummary = Record<ReportedLayer, LayerBytes>;

/** `notIp` holds ARP, LLDP and the like. */
export type ProtectionClass = 'clear' | 'ah' | 'esp' | 'ahEsp' | 'ike' | 'notIp';

export interface PacketsAndBytes {
  packets: number;
  bytes: number;
}

export interface SuiteCandidate {
  /** strongSwan proposal name. */
  name: string;
  /** Other suites with the same sizes: lengths cannot tell them apart. */
  alternatives?: string[];
  ivBytes: number;
  icvBytes: number;
  alignmentBytes: number;
  /** 0..1, the candidates of one SA add up to at most 1. */
  likelihood: number;
}

export interface SecurityAssociationSummary {
  protocol: 'esp' | 'ah';
  /** `0x00000100` */
  spi: string;
  source: string;
  destination: string;
  udpEncap: boolean;
  mode: 'transport' | 'tunnel' | 'unknown';
  packets: number;
  /** Wire bytes of the packets that carried it (all fragments counted). */
  bytes: number;
  firstTimeNs: string;
  lastTimeNs: string;
  /** Bits per second of wire bytes between first and last packet; 0 for one packet. */
  rateBps: number;
  sequence: {
    first: number;
    last: number;
    missing: number;
    duplicate: number;
    reordered: number;
    /** Sequence numbers left before the 32-bit counter wraps. */
    untilWrap: number;
    /** True if low 32 bits wrapped within the capture. */
    wrapped: boolean;
  };
  suite: {
    /** Name from keys or options, else the best candidate; null if nothing fits. */
    name: string | null;
    /** `measured`: opened with keys. `inferred`: from lengths or as the user said. */
    certainty: Certainty;
    candidates: SuiteCandidate[];
  };
  integrity: { verified: number; failed: number; unchecked: number };
  /** Bytes this header, IV, padding, trailer, ICV (and UDP encapsulation, outer IP in tunnel mode) added. */
  overheadBytes: number;
  overheadCertainty: Certainty;
  /** Largest IP packet seen whole with this SA, and the smallest link MTU it needed. */
  largestPacketBytes: number;
  /** What that says about the path MTU, e.g. fragments seen; null if nothing. */
  pathMtu: { atLeast: number; fragmented: boolean };
}

export interface FragmentationSummary {
  fragments: number;
  /** Fragments of packets inside a tunnel; they are not put together. */
  innerFragments?: number;
  /** Datagrams that were sent in fragments. */
  datagrams: number;
  incomplete: number;
  /** Fragments that overlap one another. */
  overlaps: number;
  /** Link and IP headers of all fragments but the first of each datagram. */
  overheadBytes: number;
  /** ICMP fragmentation needed, ICMPv6 packet too big messages. */
  packetTooBig: number;
  /** MTUs those messages named, ascending. */
  packetTooBigMtus: number[];
  /** IPv4 packets with Don't Fragment set, and without. */
  dontFragment: { set: number; clear: number };
}

export interface FlowSummary {
  /** `tcp`, `udp`, `icmp`, `icmp6`, `esp`, `ah`, or the protocol number as text. */
  protocol: string;
  source: string;
  destination: string;
  /** null where the protocol has no ports. */
  sourcePort: number | null;
  destinationPort: number | null;
  packets: number;
  /** Wire bytes, link headers included. */
  bytes: number;
  /** Bytes the transport carried, retransmissions included. */
  payloadBytes: number;
  firstTimeNs: string;
  lastTimeNs: string;
  wireBps: number;
  /** Distinct payload bytes per second. */
  goodputBps: number;
  mss: {
    /** MSS option of this side's own SYN; null if no SYN was seen. */
    announced: number | null;
    /** Largest TCP payload this side sent. */
    used: number | null;
  };
  /** TCP segments of which at least one byte had been seen before. */
  retransmissions: number;
  retransmittedBytes: number;
  protected: boolean;
  protection: ProtectionClass;
  /** Wire bytes by layer. espOpaque bytes count as payload, bounded. */
  layers: Record<ReportedLayer, number>;
  isIpsecOpaque: boolean;
}

export interface DirectionSummary {
  source: string;
  destination: string;
  packets: number;
  bytes: number;
  payloadBytes: number;
  /** Of `bytes`, those of AH, ESP, UDP encapsulation and tunnel headers. */
  ipsecBytes: number;
  certainty: Certainty;
}

/** Wire packets whose wire length lies in minBytes..maxBytes. */
export interface PacketSizeBucket {
  minBytes: number;
  maxBytes: number;
  packets: number;
  bytes: number;
  payloadBytes: number;
  ipsecBytes: number;
}

/** Intervals of equal length, one behind the other. */
export interface TimelineSummary {
  /** Where the first interval begins. */
  startNs: string;
  intervalNs: number;
  /** Wire bytes in each interval. */
  byClass: Record<ProtectionClass, number[]>;
}

/**
 * A live migration as its own stream tells it: it went in the clear, under AH, or in ESP that was opened. What is not told here is
 * as in `MigrationRecord`.
 */
export interface MigrationSummary
  extends Omit<MigrationRecord, 'startNs' | 'endNs' | 'iterations' | 'downtimeNs'> {
  /** Multifd channels; 0 if one connection carried all. */
  channels: number;
  startNs: string;
  endNs: string;
  iterations: MigrationIterationSummary[];
  /** How long the guest stood still, at least; null if its end or its beginning was not seen. */
  downtimeMs: number | null;
}

export interface MigrationIterationSummary extends Omit<MigrationIteration, 'startNs'> {
  startNs: string;
}

export interface ErrorSummary {
  /** e.g. `IPv4 length`. */
  kind: string;
  count: number;
  examples: { file: string; packet: number; message: string }[];
}
