/**
 * What one QEMU migration said on the wire, as plain data. Times are nanoseconds since 1970; page counts are of 4096-byte
 * pages unless `pageBytes` says otherwise. docs/MIGRATION-STREAM.md tells how each figure comes about.
 */
export interface MigrationRecord {
  /** As it says at the stream's start; null if that was not captured. */
  machine: string | null;
  /** What protected its packets; `mixed` if not all were protected alike. */
  transport: MigrationTransport | 'mixed';
  /** Main connection first, then the multifd channels that were joined to it. */
  connections: MigrationConnection[];
  /** First byte of the first connection's stream, and last byte of the last one's. */
  startNs: bigint;
  endNs: bigint;
  /**
   * Bytes of all connections' streams, once each, gaps included by TCP sequence numbers. Those of setup, iterations,
   * device state and description add up to it.
   */
  streamBytes: number;
  /** RAM with its framing, as QEMU 7.2 counts in query-migrate's `transferred`. */
  ramBytes: number;
  pageBytes: number;
  /** RAM blocks in the order of the stream's list. `bytes` is 0 for blocks of which only the name was captured. */
  blocks: { name: string; bytes: number }[];
  /** Pages sent with their content as it is. */
  normalPages: number;
  /** Those of them, or of the compressed ones, that QEMU sent a second time by mistake and does not count. */
  repeatedPages: number;
  /** Pages of one repeated byte, sent as that byte. */
  zeroPages: number;
  /** Pages sent as differences. */
  xbzrlePages: number;
  /** Pages sent deflated, on the main connection or in multifd packets. QEMU counts the latter as normal. */
  compressedPages: number;
  /** Passes over memory as the wire shows them; the last one is stop-and-copy where the END section was seen. */
  iterations: MigrationIteration[];
  /** All before the first RAM section with pages, and the channels' initial messages. */
  setup: { bytes: number; durationNs: number };
  /** What comes behind RAM, and in post-copy what is sent for the guest to go on. */
  deviceState: MigrationDeviceState;
  /**
   * How long the guest stood still as far as the stream shows: from the END section's first byte, or the notice of
   * switching over, to the stream's last byte; in post-copy to the command to run. Null if either was not seen. A lower bound.
   */
  downtimeNs: number | null;
  /** RAM PART and END sections. */
  ramSections: number;
  /** The guest went on at the destination before all of its memory was there. */
  isPostcopy: boolean;
  /** Whether the stream was followed to its end without a gap that hid page headers. */
  complete: boolean;
  /** Bytes that the capture does not have, how often headers were lost and how often they were found again. */
  gaps: { count: number; bytes: number; lost: number; resynchronised: number };
  /** Pages that were sent more than once, hottest first, at most 64. */
  hotPages: { block: string; offset: number; sent: number }[];
  /** How many pages were sent once, twice, ...: element i counts those sent i + 1 times; element 254 also those sent more often. */
  pagesBySends: number[];
  /** What pages sent again say of the guest's writing. */
  dirtying: MigrationDirtying;
}

export type MigrationTransport = 'clear' | 'ah' | 'esp' | 'ahEsp';

/** Addresses as text, as in flows. */
export interface MigrationConnection {
  role: 'main' | 'multifd' | 'postcopy';
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  streamBytes: number;
  /** Packets with payload by what protected them. */
  packets: Record<MigrationTransport, number>;
  /** Of a multifd channel, as its initial message says; else null. */
  channel: number | null;
}

export interface MigrationIteration {
  index: number;
  stage: 'precopy' | 'stopAndCopy' | 'postcopy';
  startNs: bigint;
  durationNs: number;
  normalPages: number;
  zeroPages: number;
  xbzrlePages: number;
  compressedPages: number;
  /** Pages sent before, in an earlier iteration. */
  resentPages: number;
  /** Those of them that were sent last in the iteration right before. */
  resentFromPrevious: number;
  /** Bytes of the stream, framing and multifd packets included. */
  bytes: number;
  /** RAM sections. */
  sections: number;
  /** Bytes of block names in page headers, their length bytes included. */
  nameBytes: number;
  /** Packets of multifd channels, those that only synchronise included. */
  multifdPackets: number;
  /**
   * Pages at the beginning of a multifd packet that had just ended another one: QEMU before 8.0 queues one twice now and
   * then. They are in `normalPages`, and not in what QEMU reports.
   */
  repeatedPages: number;
}

export interface MigrationDeviceState {
  /** Behind RAM's last footer, EOF included, description not. */
  bytes: number;
  /** The JSON description with its type byte and length. */
  descriptionBytes: number;
  durationNs: number;
  /** Devices in the order of the stream, with the bytes of their state; at most 4096. */
  devices: { name: string; instance: number; bytes: number }[];
  /** Whether the description tells the same devices and sizes; null if it was not captured whole. */
  agreesWithDescription: boolean | null;
}

/**
 * What an estimate of write rates needs. Every iteration but the first is an opportunity to be sent again for each page: it is
 * sent if the guest wrote to it since it was sent before, or more exactly between two synchronisations of the dirty bitmap,
 * which are not to be seen. A page with writes at rate r is sent again with probability 1 - exp(-r * interval).
 */
export interface MigrationDirtying {
  /** One for each iteration but the first, in order. */
  intervals: DirtyingInterval[];
  /** Pages by the number of iterations in which they were sent again, out of `intervals.length`; ascending, those never sent again first. */
  groups: { resends: number; pages: number }[];
}

export interface DirtyingInterval {
  /** Index of the iteration that sent the pages. */
  iteration: number;
  /** From the start of the iteration before to the start of this one: the time for which its pages could be written to. */
  durationNs: number;
  /** Pages sent again. */
  pages: number;
  /** Those of them that the iteration before had sent too: what is written to all the time. */
  again: number;
}
