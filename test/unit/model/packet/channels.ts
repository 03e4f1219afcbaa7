import type { Channel, HostCosts } from '../../../../src/model/channel.js';
import { type BulkOptions, BulkSource } from '../../../../src/model/packet/bulk-source.js';
import type { LossProcess } from '../../../../src/model/packet/loss-process.js';
import { simulateTransfer } from '../../../../src/model/packet/simulate-transfer.js';
import type { TransferOutcome } from '../../../../src/model/packet/transfer-outcome.js';
import { packetCost } from '../../../../src/plan/packet-cost.js';

export const MSS_BYTES = 1448;
/** Frame of a full segment in the clear with preamble, FCS and gap. */
export const LINE_BYTES = 1538;

/** A host that works in no time. */
export const FREE_HOST: HostCosts = {
  sharedCore: false,
  processServers: 64,
  sendPacketNs: 0,
  sendByteNs: 0,
  receivePacketNs: 0,
  receiveByteNs: 0,
  pageNs: 0,
  zeroPageNs: 0,
};

/** 1 Gbit/s, 200 us, MTU 1500, in the clear, no loss, unless told otherwise. */
export function channelWith(changes: Partial<Channel> = {}): Channel {
  return {
    cost: packetCost([], 4, 12),
    mtuBytes: 1500,
    mssBytes: MSS_BYTES,
    linkBps: 1e9,
    rttNs: 200e3,
    loss: 0,
    queuePackets: 1000,
    congestionControl: 'cubic',
    shortEnds: 1,
    source: FREE_HOST,
    destination: FREE_HOST,
    ...changes,
  };
}

export function transfer(
  channel: Channel,
  bytes: number,
  options: BulkOptions & { readonly seed?: number; readonly losses?: LossProcess } = {},
): TransferOutcome {
  const { seed = 1, losses } = options;
  return simulateTransfer(channel, new BulkSource(bytes, options), {
    seed,
    timeLimitNs: Number.POSITIVE_INFINITY,
    ...(losses && { losses }),
  });
}

/** Payload bits per second, from the beginning to the last byte delivered. */
export function payloadBps({ deliveredBytes, deliveredNs }: TransferOutcome): number {
  return (deliveredBytes * 8e9) / deliveredNs;
}

/** Loses the packets of these numbers, from 0, in the order in which they leave the queue. */
export class LossOf implements LossProcess {
  readonly #lost: ReadonlySet<number>;
  #count = 0;

  constructor(...lost: number[]) {
    this.#lost = new Set(lost);
  }

  next(): boolean {
    return this.#lost.has(this.#count++);
  }
}

/** Fails unless `actual` is within a share of `expected`. */
export function assertNear(actual: number, expected: number, share: number, what: string): void {
  const error = actual / expected - 1;
  if (Math.abs(error) <= share) return;
  throw new Error(`${what}: ${actual} is ${(100 * error).toFixed(2)} % off ${expected}`);
}
