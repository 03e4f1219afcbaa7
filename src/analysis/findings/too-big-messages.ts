import { ICMP_HEADER_BYTES, packetTooBigMtu } from '../../packet/icmp.js';
import { type QuotedPacket, readQuoted } from '../../packet/icmp-error.js';
import { readLinkHeader } from '../../packet/link-header.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { FlowKeys } from './flow-words.js';
import type { SenderTable } from './sender-table.js';
import { movePlace, type PacketPlace, placeOf } from './sightings.js';

/** Most messages kept; later ones are not looked at. */
const MAX_MESSAGES = 512;

/** A message that a packet was too big, and what it says of that packet. Plain data. */
export interface TooBigMessage {
  place: PacketPlace;
  isV6: boolean;
  /** Who says it, to whom. */
  router: string;
  host: string;
  /** MAC address it came from; null if that says nothing. */
  mac: string | null;
  vlan: number;
  mtu: number;
  /** The packet. */
  source: string;
  destination: string;
  protocol: number;
  /** Source and destination port in one word; null if they were not told. */
  ports: number | null;
  totalBytes: number;
  dontFragment: boolean;
  /** TCP: its sequence number and key; null if they were not told. */
  segment: { low: number; high: number; sequence: number } | null;
  /** How far its connection had got; null: not known; undefined: an earlier piece may know. */
  end: number | null | undefined;
}

/** Collects packet-too-big messages. */
export class TooBigMessages {
  readonly state: TooBigMessage[] = [];
  private readonly keys = new FlowKeys();

  /** Takes the message in `row`. @param senders what the connections were at */
  add(batch: PacketBatch, row: number, view: DataView, senders: SenderTable, fileIndex: number): void {
    const icmp = batch.transportOffset[row]!;
    if (icmp === NONE || this.state.length === MAX_MESSAGES) return;
    const { data, offset, capturedLength } = batch.block;
    const ip = batch.innerIpOffset[row]!;
    const isV6 = (batch.flags[row]! & PacketFlag.ipv6) !== 0;
    const at = icmp + ICMP_HEADER_BYTES;
    const end = Math.min(offset[row]! + capturedLength[row]!, at + batch.payloadLength[row]!);
    const quoted = readQuoted(data, at, end);
    if (quoted === null || quoted.isV6 !== isV6) return;
    const bytes = isV6 ? 16 : 4;
    const text = (from: number): string => formatAddress(data.subarray(from, from + bytes));
    const link = (batch.flags[row]! & PacketFlag.tunnel) === 0 ? readLinkHeader(batch.block, row) : null;
    const segment = this.segmentOf(quoted, view);
    this.state.push({
      place: placeOf(batch, row, fileIndex),
      isV6,
      router: text(isV6 ? ip + 8 : ip + 12),
      host: text(isV6 ? ip + 24 : ip + 16),
      mac: link?.source ?? null,
      vlan: link?.vlan ?? 0,
      mtu: packetTooBigMtu(data, icmp, isV6),
      source: text(quoted.source),
      destination: text(quoted.destination),
      protocol: quoted.protocol,
      ports: quoted.ports,
      totalBytes: quoted.totalBytes,
      dontFragment: quoted.dontFragment,
      segment,
      end: segment === null ? null : senders.endOf(segment),
    });
  }

  private segmentOf({ isV6, ports, sequence, source, destination }: QuotedPacket, view: DataView) {
    if (ports === null || sequence === null) return null;
    const { keys } = this;
    if (isV6) keys.take6(ports, view, source);
    else keys.take4(ports, view.getInt32(source), view.getInt32(destination));
    return { low: keys.low, high: keys.high, sequence };
  }

  /**
   * Appends what a later piece saw.
   * @param senders as the earlier piece left them
   * @param framesBefore as in `Detector.merge`
   */
  merge(later: readonly TooBigMessage[], senders: SenderTable, framesBefore: number): void {
    for (const message of later) {
      if (this.state.length === MAX_MESSAGES) return;
      this.state.push({
        ...message,
        place: movePlace(message.place, framesBefore),
        end: message.segment === null ? null : furtherEnd(message.end, senders.endOf(message.segment)),
      });
    }
  }
}

/** How far a connection had got by what two pieces know of it. */
function furtherEnd(
  later: number | null | undefined,
  earlier: number | null | undefined,
): number | null | undefined {
  if (later === undefined) return earlier;
  if (later === null || earlier === null || earlier === undefined) return later;
  return ((earlier - later) | 0) > 0 ? earlier : later;
}
