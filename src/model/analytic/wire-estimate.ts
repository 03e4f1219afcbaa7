import { FrameTally } from '../../plan/transfer.js';
import type { WireResult } from '../../result/run-result.js';
import type { Channel } from '../channel.js';

/** What a stream comes to on the wire. */
export interface WireEstimate {
  readonly wire: WireResult;
  /** TCP segments, those sent again included. */
  readonly segments: number;
}

/** Segments of one connection. */
export interface ConnectionLoad {
  readonly bytes: number;
  /** Of them, those in writes that ended with a segment of their own. */
  readonly promptBytes: number;
  /** What one write holds. */
  readonly writeBytes: number;
}

/**
 * Segments are full where bytes wait in the socket; where they do not, each write ends with a segment that takes its rest. Of each
 * segment the share that is lost is sent again.
 */
export function estimateWire(
  channel: Channel,
  connections: readonly ConnectionLoad[],
  acksPerSegment: number,
): WireEstimate {
  const { cost, mtuBytes, mssBytes, loss } = channel;
  const tally = new FrameTally(cost, mtuBytes);
  let segments = 0;
  const add = (bytes: number, times: number): void => {
    const full = Math.floor(bytes / mssBytes);
    const rest = bytes - full * mssBytes;
    tally.add(mssBytes, full * times);
    if (rest > 0) tally.add(rest, times);
    segments += (full + (rest > 0 ? 1 : 0)) * times;
  };
  for (const { bytes, promptBytes, writeBytes } of connections) {
    const writes = Math.floor(promptBytes / writeBytes);
    add(writeBytes, writes);
    add(bytes - writes * writeBytes, 1);
  }
  const retransmissions = loss < 1 ? Math.round((segments * loss) / (1 - loss)) : 0;
  tally.add(mssBytes, retransmissions);
  const sent = tally.result();
  return {
    segments: segments + retransmissions,
    wire: {
      packets: sent.packets,
      bytes: sent.wireBytes,
      bytesByLayer: sent.layers,
      acknowledgements: Math.ceil(segments * acksPerSegment),
      fragments: sent.fragmented ? fragmentsOf(channel, segments + retransmissions, sent.packets) : 0,
      retransmissions,
    },
  };
}

/** Packets that are pieces of one: all but segments that fit whole, which only a last one does. */
function fragmentsOf(channel: Channel, segments: number, packets: number): number {
  const tally = new FrameTally(channel.cost, channel.mtuBytes);
  tally.add(channel.mssBytes, 1);
  const each = tally.result().packets;
  return Math.min(packets, segments * each);
}
