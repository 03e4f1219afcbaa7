import type { PacketCost } from '../plan/packet-cost.js';
import type { CongestionControl } from '../scenario/scenario.js';

/**
 * The way from host to host as both models take it: sizes to the byte from `plan/` and `ipsec/`, rates, and what the
 * processors pay. Made from a scenario and a calibration by `channelOf`.
 */
export interface Channel {
  /** Sizes of a segment of any length, in the data direction and for acknowledgements. */
  readonly cost: PacketCost;
  /** Largest outermost IP packet on the link. */
  readonly mtuBytes: number;
  /** Largest TCP payload. */
  readonly mssBytes: number;
  /** Bits per second, of frames with preamble, FCS and gap (24 bytes each). */
  readonly linkBps: number;
  readonly rttNs: number;
  /** Probability of loss of each packet, data direction. */
  readonly loss: number;
  readonly queuePackets: number;
  readonly congestionControl: CongestionControl;
  /** Of writes to an empty socket, the share that end with a segment of their own. */
  readonly shortEnds: number;
  readonly source: HostCosts;
  readonly destination: HostCosts;
}

/**
 * What a host's processors pay, in nanoseconds. Packets are those that IPsec sees, with what the
 * fragments of a full one cost; bytes are TCP payload.
 *
 * A host has one softirq server (packets of one SA pair cannot be spread over queues) and `processServers` servers for
 * QEMU's threads; with `sharedCore` all of it queues for one server. A segment that is sent from within write() is
 * paid by the writing thread, one that an acknowledgement sets free by softirq.
 */
export interface HostCosts {
  readonly sharedCore: boolean;
  readonly processServers: number;
  /** Sending: TCP, IP, protection. At the source: data segments; at the destination: acknowledgements (0 payload bytes). */
  readonly sendPacketNs: number;
  readonly sendByteNs: number;
  /** Receiving: the other way round. */
  readonly receivePacketNs: number;
  readonly receiveByteNs: number;
  /** QEMU: one page with content, found and written or read and stored; copying between kernel and user included. */
  readonly pageNs: number;
  /** QEMU: one zero page. */
  readonly zeroPageNs: number;
}
