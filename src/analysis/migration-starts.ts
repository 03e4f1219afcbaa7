import { startsMigration } from '../migration/migration-observer.js';
import { NONE, type PacketBatch, PacketFlag } from '../packet/packet-batch.js';

/** Plain data. */
export interface MigrationStartsState {
  /** TCP segments that look like the beginning of a live migration. */
  count: number;
}

/** The rows that `MigrationObserver` follows. */
const DECAPSULATED_OR_TCP = PacketFlag.tcp | PacketFlag.decapsulatedCopy;

/** Magic and version with which a stream and a multifd channel begin. */
const BEGINNINGS = [
  [0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3],
  [0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1],
] as const;
const BEGINNING_BYTES = 8;

/**
 * Analysis: does a live migration begin somewhere? Following one takes all its segments in order, looking for a beginning does
 * not: so pieces of a capture look, and only a capture in which one was found is read once more in order. What looks like a
 * beginning and is none costs that reading and nothing else.
 */
export class MigrationStarts {
  readonly state: MigrationStartsState = { count: 0 };

  /** Looks at rows `from` to `to` of the batch; all of them unless told otherwise. */
  add(batch: PacketBatch, from = 0, to = batch.count): void {
    const { flags, payloadOffset, payloadLength, transportOffset } = batch;
    const { data, offset, capturedLength } = batch.block;
    for (let row = from; row < to; row++) {
      if ((flags[row]! & DECAPSULATED_OR_TCP) !== PacketFlag.tcp) continue;
      const at = payloadOffset[row]!;
      if (at >= data.length) continue;
      const first = data[at]!;
      if (first !== BEGINNINGS[0][0] && first !== BEGINNINGS[1][0]) continue;
      if (transportOffset[row] === NONE || payloadLength[row] === 0) continue;
      const captured = offset[row]! + capturedLength[row]! - at;
      if (mayStart(data, at, Math.min(captured, payloadLength[row]!))) this.state.count += 1;
    }
  }

  merge(later: MigrationStartsState): void {
    this.state.count += later.count;
  }
}

/** The first segment of a stream may hold less than what tells it: then all it holds must fit. */
export function mayStart(data: Uint8Array, at: number, length: number): boolean {
  if (length >= BEGINNING_BYTES) return startsMigration(data, at, length);
  return length > 0 && BEGINNINGS.some((beginning) => isPrefix(beginning, data, at, length));
}

function isPrefix(beginning: readonly number[], data: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (data[at + i] !== beginning[i]) return false;
  return true;
}
