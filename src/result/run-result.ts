import { WIRE_LAYERS, type WireLayer } from '../packet/layers.js';
import type { Scenario } from '../scenario/scenario.js';
import type { CpuDetail, RunCheck, RunEnvironment, ThreadCpu, XfrmAccount } from './measured-run.js';

/**
 * What one migration did or would do: the shape of `tare.run/1` (docs/FORMATS.md). A predicted and a measured run have
 * the same type, so that the same code compares and draws them. Times are milliseconds from the start of the migration; what a
 * source cannot tell is null.
 */
export interface RunResult {
  schema: 'tare.run/1';
  scenario: Scenario;
  source: RunSource;
  /** False: the time limit ended it. All figures then are those at that time. */
  converged: boolean;
  totalTimeMs: number;
  /** As QEMU reports it: from stopping the guest to handing over the last byte. Null if the guest was never stopped. */
  downtimeMs: number | null;
  /** From stopping the guest to its going on at the destination: as its users feel it. */
  standstillMs: number | null;
  setupMs: number;
  iterations: IterationResult[];
  stream: StreamResult;
  wire: WireResult;
  cpu: { source: CpuResult; destination: CpuResult };
  /** Bits of the migration stream per second over the whole run. */
  throughputBps: number;
  limitedBy: Limit;
  /** Share of the transfer's time for which each was the narrowest place; adds up to 1. */
  timeByLimit: Record<Limit, number>;
  /** From repeated samples; null where there was one run only. */
  intervals: Intervals | null;
  /** Measured runs alone have what follows. `standstillMs` is right within ± this. */
  standstillErrorMs?: number;
  environment?: RunEnvironment;
  checks?: readonly RunCheck[];
  xfrm?: { source: XfrmAccount; destination: XfrmAccount };
}

export const RUN_SOURCES = [
  'model:analytic',
  'model:packet',
  'measured:lab',
  'measured:ssh',
  'measured:local',
  'measured:capture',
] as const;
export type RunSource = (typeof RUN_SOURCES)[number];

/** What holds a transfer back: the link, a host's processor, round trips (window, loss), or QEMU's own max-bandwidth. */
export const LIMITS = ['link', 'sourceCpu', 'destinationCpu', 'roundTrips', 'maxBandwidth'] as const;
export type Limit = (typeof LIMITS)[number];

/** From one synchronisation of the dirty bitmap to the next. The last one is stop-and-copy when the run converged. */
export interface IterationResult {
  index: number;
  startMs: number;
  durationMs: number;
  /** Pages sent with their content. */
  pages: number;
  zeroPages: number;
  /** Bytes of the stream. */
  bytes: number;
  /** Dirty pages that were known and not sent when it ended. */
  remainingPages: number;
}

export interface StreamResult {
  /** All that went through the connections. */
  bytes: number;
  /** As query-migrate's `transferred` of QEMU 7.2 counts: RAM with its framing, not device state and description. */
  ramBytes: number;
  normalPages: number;
  zeroPages: number;
}

export { WIRE_LAYERS };

/** Bytes by owner. */
export type WireLayers = Record<WireLayer, number>;

/** Packets of the data direction, retransmitted ones, fragments, and what opens and closes connections included. */
export interface WireResult {
  packets: number;
  /** Ethernet frames without preamble, FCS and gap. */
  bytes: number;
  bytesByLayer: WireLayers;
  /** Packets of the other direction. */
  acknowledgements: number;
  fragments: number;
  /** TCP segments sent again. */
  retransmissions: number;
}

export interface CpuResult {
  /** Processor time of QEMU's migration threads and of the network stack. */
  seconds: number;
  /** Of the whole host; measured runs alone. */
  byKind?: CpuDetail;
  /** Of QEMU; measured runs alone. */
  threads?: readonly ThreadCpu[];
}

/** Bounds of the middle 90 % of samples. */
export interface Intervals {
  samples: number;
  /** Share of the samples that converged. */
  converged: number;
  totalTimeMs: Interval;
  downtimeMs: Interval | null;
  wirePackets: Interval;
}

export interface Interval {
  low: number;
  median: number;
  high: number;
}
