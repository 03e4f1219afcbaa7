import type { PacketsAndBytes, ProtectionClass } from '../analysis/analysis-summary.js';
import type { MigrationTransport } from '../migration/migration-record.js';
import type { KeyMaterialId } from './key-material.js';
import type { PageKindName } from './page-kind.js';
import type { RandomnessSummary } from './randomness.js';
import type { TrafficPattern } from './traffic-pattern.js';

/** What an eavesdropper got of each of several captures: the shape of `tare.exposure/1` (docs/FORMATS.md). */
export interface Exposure {
  schema: 'tare.exposure/1';
  captures: CaptureExposure[];
}

/** One capture, seen by somebody without keys, and, to compare, by somebody with them. */
export interface CaptureExposure {
  /** File, or what the lab ran. */
  name: string;
  /** Without any key: what an eavesdropper on the link has. */
  eavesdropper: Observation;
  /** With the keys that were given: shows that all is in the capture. Null without keys, or where they open nothing. */
  keyHolder: Observation | null;
}

export interface Observation {
  packets: number;
  /** On the wire. */
  bytes: number;
  /** ESP was found to encrypt nothing (NULL, GMAC), and was read. */
  readsOpenEsp: boolean;
  /** How packets were protected, whatever was in them. */
  protection: Record<ProtectionClass, PacketsAndBytes>;
  /** Guests whose memory could be rebuilt, at least in part; the one with most of it first. */
  memories: MemoryExposure[];
  /** In the order in which they were given. */
  secrets: SecretExposure[];
  /** Content of packets by what protects it, as it is on the wire. Headers are left out, and in ESP the first 16 bytes too. */
  payloads: Partial<Record<MigrationTransport, RandomnessSummary>>;
  /** What sizes and times tell; null without packets. */
  traffic: TrafficPattern | null;
}

export interface SecretExposure {
  /** `secret 3`; the secret itself only if it was asked for. */
  label: string;
  length: number;
  text?: string;
  /** Occurrences in rebuilt memory. */
  inMemory: number;
  /** Of the first. */
  foundAt: { block: string; offset: number } | null;
  /** Occurrences in packets as they are on the wire, and across the seam of two that follow each other in a flow or an SA. */
  inPackets: number;
  acrossPackets: number;
}

export interface MemoryExposure {
  machine: string | null;
  transport: MigrationTransport | 'mixed';
  source: string;
  destination: string;
  /** The stream was read to its end without a gap that hid something, and is not larger than what is kept track of (256 GiB). */
  complete: boolean;
  pageBytes: number;
  /** As the stream declares it, all blocks; of a stream without its beginning: what was seen. */
  memoryBytes: number;
  isDeclared: boolean;
  /** Bytes of it that are known. */
  knownBytes: number;
  blocks: { name: string; bytes: number; knownBytes: number }[];
  /** Of all blocks. */
  pages: Record<PageKindName | 'unseen' | 'unread', number>;
  /** Of them, those of which parts were not captured. */
  partialPages: number;
  /** Passes over memory. */
  iterations: number;
  strings: { count: number; bytes: number; samples: string[] };
  keyMaterial: { id: KeyMaterialId; count: number; samples: string[] }[];
  /** Largest block, from its first page on. */
  picture: MemoryPicture;
}

/** One letter a cell: `z` zero, `t` text, `c` code, `r` random, `d` other data, `?` sent but not read, `.` not seen. */
export interface MemoryPicture {
  block: string;
  pagesPerCell: number;
  /** Of a cell with several pages: what most of them are. */
  cells: string;
}
