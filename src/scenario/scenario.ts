/** Of the written form. */
export const SCENARIO_SCHEMA = 'tare.scenario/1';

/** Of x86 guests, as QEMU migrates them. */
export const PAGE_BYTES = 4096;

/**
 * One declared experiment, with every default filled in and every unit converted: what models calculate and the
 * orchestrator carries out. Read from YAML or JSON by `parseScenario`; the written form is documented in docs/FORMATS.md.
 */
export interface Scenario {
  readonly name: string;
  /** One sentence; empty if none was given. */
  readonly description: string;
  readonly guest: Guest;
  readonly network: Network;
  readonly ipsec: Ipsec;
  readonly migration: MigrationParameters;
  readonly hosts: Hosts;
  /** Of all randomness: same seed, same result. 0..2^32-1. */
  readonly seed: number;
  /** What is known only within bounds. The fields themselves hold the values of a single run; `drawScenario` makes others. */
  readonly uncertain?: readonly UncertainField[];
}

/** A field whose value is spread evenly between two bounds, or in a triangle with its top at `mode`. */
export interface UncertainField {
  /** Dotted, as in the written form: `guest.workload.rate`. */
  readonly field: string;
  /** In the unit that the field has in `Scenario`. */
  readonly low: number;
  readonly high: number;
  readonly mode: number | null;
}

export interface Guest {
  /** Main memory, a multiple of the page size. */
  readonly memoryBytes: number;
  /** The part of it that is not zero when the migration begins; at most `memoryBytes`. */
  readonly filledBytes: number;
  readonly workload: Workload;
}

/**
 * How the guest writes to its memory. Rates are first writes to a page per second as the guest makes them; the same page may be
 * written many times between two synchronisations of the dirty bitmap and then counts once. Working sets lie in the
 * filled part, one stretch from its beginning.
 */
export type Workload =
  | { readonly kind: 'idle' }
  /** Each write hits any page of the working set with the same probability. */
  | { readonly kind: 'uniform'; readonly pagesPerSecond: number; readonly workingSetBytes: number }
  /** Writes run through the working set page by page, over and over. */
  | { readonly kind: 'sequential'; readonly pagesPerSecond: number; readonly workingSetBytes: number }
  /** A share of the writes goes to a hot part of the working set; uniform within each part. */
  | {
      readonly kind: 'hot-set';
      readonly pagesPerSecond: number;
      readonly workingSetBytes: number;
      /** Share of the working set that is hot, 0..1. */
      readonly hotShare: number;
      /** Share of the writes that go there, 0..1. */
      readonly hotWrites: number;
    }
  /** Groups of pages with a rate each, as learned from a migration or given in a file. */
  | { readonly kind: 'trace'; readonly groups: readonly PageGroup[] };

/** Pages that are written independently of each other at the same mean rate. */
export interface PageGroup {
  readonly pages: number;
  /** Mean writes to each page per second; Infinity is not allowed, 0 is. */
  readonly writesPerSecond: number;
}

export const CONGESTION_CONTROLS = ['cubic', 'reno'] as const;
export type CongestionControl = (typeof CONGESTION_CONTROLS)[number];

export const ADDRESS_FAMILIES = ['ipv4', 'ipv6'] as const;
export const IPSEC_MODES = ['transport', 'tunnel', 'beet'] as const;

export interface Network {
  /** Bits per second of Ethernet frames with preamble, FCS and gap. */
  readonly linkBps: number;
  /** Round-trip time of the idle path without serialisation, 0 or more. */
  readonly rttUs: number;
  /** Probability that a packet is lost, each independently, data direction; 0..1. */
  readonly loss: number;
  /** MTU of the link. */
  readonly mtu: number;
  /** Largest TCP payload; `auto` is what Linux takes from the path MTU. */
  readonly mss: 'auto' | number;
  /** Packets that fit into the bottleneck's queue. */
  readonly queuePackets: number;
  readonly family: (typeof ADDRESS_FAMILIES)[number];
  readonly congestionControl: CongestionControl;
}

export interface Ipsec {
  /** strongSwan proposal names as `tare suites` lists them; null for none. Both null: in the clear. */
  readonly esp: string | null;
  readonly ah: string | null;
  readonly mode: (typeof IPSEC_MODES)[number];
  /** ESP in UDP. */
  readonly encap: boolean;
  readonly esn: boolean;
  /** AH padded to 4 bytes in IPv4 (XFRM_STATE_ALIGN4). */
  readonly align4: boolean;
}

/** Named as in QEMU's migrate-set-parameters and -capabilities, where it has a name. */
export interface MigrationParameters {
  /** Bytes per second. */
  readonly maxBandwidth: number;
  readonly downtimeLimitMs: number;
  /** Channels of multifd; 0: multifd is off and one connection carries all. */
  readonly multifdChannels: number;
  readonly autoConverge: boolean;
  /** XBZRLE for pages sent again; null is off. */
  readonly xbzrle: {
    readonly cacheBytes: number /** Delta as a share of the page, 0..1. */;
    readonly deltaShare: number;
  } | null;
  /** Multifd compression; null is off. */
  readonly compression: {
    /** Compressed size as a share of the page, 0..1. */
    readonly ratio: number;
    /** Time of one thread for each page. */
    readonly sourceNsPerPage: number;
    readonly destinationNsPerPage: number;
  } | null;
  /** Change to post-copy after that many iterations over memory; null is off. */
  readonly postcopyAfterIterations: number | null;
  /** The migration counts as not converging when it has not completed by then. */
  readonly timeoutMs: number;
}

export interface Hosts {
  /** Name of a shipped calibration, or path of a calibration file. */
  readonly calibration: string;
  readonly source: Host;
  readonly destination: Host;
}

export interface Host {
  /** Cores that QEMU's migration and the network stack may use together. 1: all work queues for one core. */
  readonly cores: number;
  /** Share of one core that the guest and everything else leave to the migration where `cores` is 1; 0 < share <= 1. */
  readonly cpuShare: number;
}
