import type {
  Certainty,
  MigrationSummary,
  PacketsAndBytes,
  ProtectionClass,
  SecurityAssociationSummary,
} from '../analysis/analysis-summary.js';
import type { Finding } from '../analysis/findings/finding.js';

/**
 * What a capture that goes on looks like at one moment, as plain data: the shape of `tare.live/1` (docs/FORMATS.md). Times are
 * decimal strings of nanoseconds since 1970, addresses are text.
 */
export interface LiveSnapshot {
  schema: 'tare.live/1';
  timeNs: string;
  /** When watching began. */
  startNs: string;
  /** Since the snapshot before; since the start in the first one. */
  intervalNs: number;
  frames: LiveFrames;
  /** Since the start. */
  total: LiveTraffic;
  /** Since the snapshot before. */
  interval: LiveTraffic;
  securityAssociations: {
    /** All that were seen. */
    count: number;
    /** Those with most bytes in the interval, then those with most bytes at all. */
    busiest: LiveSecurityAssociation[];
  };
  migrations: LiveMigration[];
  /** As in `tare.analysis/1`, the worst first; at most 64. Where looking for them takes long, some seconds old. */
  findings: Finding[];
  drops: LiveDrops;
  /** Frames since the start that were written to the file and not analysed, because more came than could be. */
  notAnalysed: number;
}

/** Frames since the start by what the tap made of them. */
export interface LiveFrames {
  total: number;
  malformed: number;
  decapsulatedCopies: number;
  superFrames: number;
  cutBySnaplen: number;
}

/** What was on the wire in some time. */
export interface LiveTraffic {
  packets: number;
  /** Wire bytes. */
  bytes: number;
  /** Of an interval, a class may be below zero where a datagram in fragments turned out to be of another one. */
  protection: Record<ProtectionClass, PacketsAndBytes>;
  /** Of `bytes`, those that are there because of IPsec. */
  ipsecBytes: number;
  ipsecCertainty: Certainty;
  /** What transports carried, each byte once. In ESP that stays closed transport headers are in it. */
  goodputBytes: number;
}

export interface LiveSecurityAssociation
  extends Pick<
    SecurityAssociationSummary,
    | 'protocol'
    | 'spi'
    | 'source'
    | 'destination'
    | 'udpEncap'
    | 'mode'
    | 'packets'
    | 'bytes'
    | 'lastTimeNs'
    | 'sequence'
    | 'integrity'
  > {
  suite: { name: string | null; certainty: Certainty };
  /** `missing` is counted since the snapshot before which listed this SA. */
  interval: PacketsAndBytes & { missing: number };
}

/** A QEMU live migration that could be read. */
export interface LiveMigration {
  /** 1, 2, 3... in the order in which they began. */
  id: number;
  transport: MigrationSummary['transport'];
  source: string;
  destination: string;
  destinationPort: number;
  /** `silent`: nothing came for a while, and its end was not seen. */
  state: 'running' | 'ended' | 'silent';
  stage: 'setup' | 'precopy' | 'stopAndCopy' | 'postcopy' | 'device';
  /** Passes over memory that began; 0 before the first one. */
  iteration: number;
  channels: number;
  startNs: string;
  lastTimeNs: string;
  streamBytes: number;
  /** Of all RAM blocks; 0 if their list was not seen. */
  memoryBytes: number;
  /** Bits of its streams per second in the interval. */
  rateBps: number;
  /** How far the pass under way has got, 0..1; null where memory is not gone through in order. */
  passShare: number | null;
  /** Estimates: until the pass under way is through, and until all is; null where nothing says. */
  passSecondsLeft: number | null;
  secondsLeft: number | null;
  /** Whether passes become shorter, and the migration ends by itself; null before there are two to compare. */
  converges: boolean | null;
}

/** Lost while capturing, since the start. */
export interface LiveDrops {
  /** By the kernel, whose buffer was full. */
  kernel: number;
  /** By the interface or its driver. */
  interface: number;
}
