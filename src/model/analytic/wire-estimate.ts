import { FrameTally } from '../../plan/transfer.js';
import type { WireResult } from '../../result/run-result.js';
import type { Channel } from '../channel.js';

/** What a stream comes to on the wire. */
export interface WireEstimate {
  readonly wire: WireResult;
  /** TCP segments, those sent again included. */
  readonly segments: number;
}

/**
 * Full segments and one that takes the rest, on each connection alike; of each segment the share that is lost is sent again.
 * @param streamBytes of each connection
 */
export function estimateWire(
  channel: Channel,
  streamBytes: readonly number[],
  acksPerSegment: number,
): WireEstimate {
  const { cost, mtuBytes, mssBytes, loss } = channel;
  const tally = new FrameTally(cost, mtuBytes);
  let segments = 0;
  for (const bytes of streamBytes) {
    const full = Math.floor(bytes / mssBytes);
    tally.add(mssBytes, full);
    const rest = bytes - full * mssBytes;
    if (rest > 0) tally.add(rest, 1);
    segments += full + (rest > 0 ? 1 : 0);
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
