import { startsMigration } from '../../migration/migration-observer.js';
import { NONE, type PacketBatch, PacketFlag } from '../../packet/packet-batch.js';
import { formatAddress } from '../format-address.js';
import { isIpv6At } from '../ip-header.js';
import { movePlace, type PacketPlace, placeOf } from './sightings.js';

/** What a TCP segment begins that tells whose stream it is. */
export type OpeningKind = 'migration' | 'tls' | 'ssh';

/** The segment with which a stream begins, and its connection in that direction. */
export interface Opening {
  kind: OpeningKind;
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  place: PacketPlace;
}

/** Plain data, in the order of the capture. */
export interface OpeningsState {
  openings: Opening[];
}

/** Most openings kept of one kind. */
const MAX_OPENINGS = 256;
const TCP_OR_COPY = PacketFlag.tcp | PacketFlag.decapsulatedCopy;
/** First bytes of QEMU's two magic numbers, of a TLS handshake record, of `SSH-`. */
const QEMU = 0x51;
const MULTIFD = 0x11;
const TLS_HANDSHAKE = 0x16;
const SSH = 0x53;
const SSH_BANNER = new TextEncoder().encode('SSH-2.0-');
const CLIENT_HELLO = 1;

/** Finds the segments with which live migrations, TLS and SSH connections begin, on any port. */
export class StreamOpenings {
  readonly state: OpeningsState = { openings: [] };
  private readonly fileIndex: number;

  constructor(fileIndex: number) {
    this.fileIndex = fileIndex;
  }

  add(batch: PacketBatch, from: number, to: number): void {
    const { flags, payloadOffset, payloadLength, transportOffset } = batch;
    const { data, offset, capturedLength } = batch.block;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & TCP_OR_COPY) !== PacketFlag.tcp) continue;
      const at = payloadOffset[row]!;
      if (at >= data.length) continue;
      const first = data[at]!;
      if (first !== QEMU && first !== MULTIFD && first !== TLS_HANDSHAKE && first !== SSH) continue;
      if (transportOffset[row] === NONE || batch.innerIpOffset[row] === NONE) continue;
      const length = Math.min(payloadLength[row]!, offset[row]! + capturedLength[row]! - at);
      const kind = openingKind(data, at, length);
      if (kind !== null) this.addOpening(openingAt(batch, row, kind, this.fileIndex));
    }
  }

  private addOpening(opening: Opening): void {
    const { openings } = this.state;
    if (openings.filter(({ kind }) => kind === opening.kind).length < MAX_OPENINGS) openings.push(opening);
  }

  merge(later: OpeningsState, framesBefore: number): void {
    for (const opening of later.openings) {
      this.addOpening({ ...opening, place: movePlace(opening.place, framesBefore) });
    }
  }
}

function openingKind(data: Uint8Array, at: number, length: number): OpeningKind | null {
  if (startsMigration(data, at, length)) return 'migration';
  if (length < 8) return null;
  if (SSH_BANNER.every((byte, i) => data[at + i] === byte)) return 'ssh';
  const isHello = data[at] === TLS_HANDSHAKE && data[at + 1] === 3 && data[at + 5] === CLIENT_HELLO;
  return isHello && data[at + 2]! <= 4 ? 'tls' : null;
}

function openingAt(batch: PacketBatch, row: number, kind: OpeningKind, fileIndex: number): Opening {
  const { data } = batch.block;
  const ip = batch.innerIpOffset[row]!;
  const transport = batch.transportOffset[row]!;
  const bytes = isIpv6At(data, ip) ? 16 : 4;
  const at = ip + (bytes === 16 ? 8 : 12);
  return {
    kind,
    source: formatAddress(data.subarray(at, at + bytes)),
    destination: formatAddress(data.subarray(at + bytes, at + 2 * bytes)),
    sourcePort: data[transport]! * 256 + data[transport + 1]!,
    destinationPort: data[transport + 2]! * 256 + data[transport + 3]!,
    place: placeOf(batch, row, fileIndex),
  };
}
