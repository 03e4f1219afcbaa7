/**
 * What one QEMU migration said on the wire, as plain data. Times are nanoseconds since 1970; page counts are of 4096-byte
 * pages unless `pageBytes` says otherwise.
 */
export interface MigrationRecord {
  /** As it says at the stream's start; null if that was not captured. */
  machine: string | null;
  /** Main connection first, then the multifd channels that were joined to it. */
  connections: MigrationConnection[];
  startNs: bigint;
  endNs: bigint;
  /** Bytes of all connections' streams, once each, retransmissions and gaps' unknown content included by TCP sequence numbers. */
  streamBytes: number;
  /** RAM with its framing, as QEMU 7.2 counts in query-migrate's `transferred`. */
  ramBytes: number;
  pageBytes: number;
  /** RAM blocks in the order of the stream's list. */
  blocks: { name: string; bytes: number }[];
  normalPages: number;
  zeroPages: number;
  xbzrlePages: number;
  compressedPages: number;
  /** Passes over memory as the wire shows them; the last one is stop-and-copy where the END section was seen. */
  iterations: MigrationIteration[];
  setup: { bytes: number; durationNs: number };
  /** Device state and the JSON description, behind RAM's last byte. */
  deviceState: { bytes: number; descriptionBytes: number; durationNs: number };
  /** From the END section's first byte to the stream's last; null if neither was seen. A lower bound of the guest's standstill. */
  downtimeNs: number | null;
  /** RAM PART and END sections. */
  ramSections: number;
  /** Whether the stream was followed to its end without a gap that hid page headers. */
  complete: boolean;
  /** Bytes that the capture does not have, and how often the decoder lost and found the stream again. */
  gaps: { count: number; bytes: number; resynchronised: number };
  /** Pages that were sent more than once, hottest first, at most 64. */
  hotPages: { block: string; offset: number; sent: number }[];
  /** How many pages were sent once, twice, ...: element i counts those sent i + 1 times; the last element those sent more often. */
  pagesBySends: number[];
}

/** Addresses as text, as in flows. */
export interface MigrationConnection {
  role: 'main' | 'multifd' | 'postcopy';
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  streamBytes: number;
}

export interface MigrationIteration {
  index: number;
  stage: 'precopy' | 'stopAndCopy';
  startNs: bigint;
  durationNs: number;
  normalPages: number;
  zeroPages: number;
  /** Pages sent before, in an earlier iteration. */
  resentPages: number;
  /** Bytes of the stream. */
  bytes: number;
  /** RAM sections. */
  sections: number;
}
