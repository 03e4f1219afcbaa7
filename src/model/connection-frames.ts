import { PLAN_LAYERS } from '../plan/layer-totals.js';
import { FrameTally } from '../plan/transfer.js';
import type { WireResult } from '../result/run-result.js';
import type { Channel } from './channel.js';

/** What Linux's SYN has beside timestamps: MSS, SACK permitted and window scale, padded (RFC 9293 section 3.2, RFC 2018, RFC 7323). */
const SYN_OPTION_BYTES = 8;
/** Of the source, which opens and closes first, beside its SYN: the acknowledgement of the other SYN, FIN, and that of the other FIN. */
const BARE_SEGMENTS = 3;
/** Of the destination: SYN and FIN, each with the acknowledgement of the other's. */
const ANSWERS = 2;

/** @returns `wire`, and the packets without payload that open and close connections (RFC 9293 sections 3.5 and 3.6) */
export function withConnections(
  wire: WireResult,
  { cost, mtuBytes }: Channel,
  connections: number,
): WireResult {
  const tally = new FrameTally(cost, mtuBytes);
  // As long as a segment of so much payload, which is a header here.
  tally.add(SYN_OPTION_BYTES, connections);
  tally.add(0, BARE_SEGMENTS * connections);
  const { packets, wireBytes, layers } = tally.result();
  const bytesByLayer = { ...wire.bytesByLayer };
  for (const layer of PLAN_LAYERS) bytesByLayer[layer] += layers[layer];
  bytesByLayer.payload -= layers.payload;
  bytesByLayer.transport += layers.payload;
  return {
    ...wire,
    packets: wire.packets + packets,
    bytes: wire.bytes + wireBytes,
    bytesByLayer,
    acknowledgements: wire.acknowledgements + ANSWERS * connections,
  };
}
