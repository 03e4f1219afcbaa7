import type { LayerTotals } from '../../plan/layer-totals.js';
import type { Limit } from '../../result/run-result.js';

/** What a simulated transfer took. Times are nanoseconds since its beginning. */
export interface TransferOutcome {
  /** False: the time limit ended it, and all figures are those at that time. */
  readonly complete: boolean;
  /** When the socket took the last byte. */
  readonly endNs: number;
  /** When the destination's process was done with the last byte. */
  readonly deliveredNs: number;
  readonly writtenBytes: number;
  readonly deliveredBytes: number;
  readonly wire: TransferWire;
  readonly drops: TransferDrops;
  /** Retransmission timers that went off. */
  readonly timeouts: number;
  readonly source: HostBusy;
  readonly destination: HostBusy;
  /** Adds up to `deliveredNs`, or the time limit. */
  readonly nsByLimit: Readonly<Record<Limit, number>>;
}

/** What the source sent, retransmissions and what was dropped included, and what came back. Frames as in `TransferCost`. */
export interface TransferWire {
  readonly segments: number;
  readonly packets: number;
  readonly bytes: number;
  readonly lineBytes: number;
  readonly bytesByLayer: LayerTotals;
  /** Packets that are fragments. */
  readonly fragments: number;
  /** Segments sent again. */
  readonly retransmissions: number;
  readonly acknowledgements: number;
  readonly acknowledgementBytes: number;
}

export interface TransferDrops {
  /** Packets that found the queue full. */
  readonly queuePackets: number;
  /** Packets lost at random. */
  readonly randomPackets: number;
  /** Segments that did not arrive, for either reason. */
  readonly segments: number;
  /** Segments that arrived, those that had arrived before among them. */
  readonly arrivedSegments: number;
  /** Segments that had arrived before. */
  readonly duplicateSegments: number;
}

export interface HostBusy {
  readonly softirqNs: number;
  /** QEMU's threads, with what they do within the kernel. */
  readonly processNs: number;
}
