import type { Network } from '../../scenario/scenario.js';
import type { Side } from './machine-arguments.js';

/** What the link between the machines is like, in the words of a scenario. */
export type LabLink = Pick<Network, 'linkBps' | 'rttUs' | 'loss' | 'mtu' | 'queuePackets'>;

export const DEFAULT_LINK: LabLink = { linkBps: 1e9, rttUs: 200, loss: 0, mtu: 1500, queuePackets: 1000 };

/** Within the machines. */
export const LINK_DEVICE = 'mig0';

export const ADDRESSES = {
  ipv4: { source: '10.9.0.1', destination: '10.9.0.2' },
  ipv6: { source: 'fd09::1', destination: 'fd09::2' },
} as const;

/** Preamble, FCS and gap, which a scenario's link rate counts and the kernel does not. */
const FRAME_OVERHEAD_BYTES = 24;
const ETHERNET_HEADER_BYTES = 14;

/** Input of `ip -batch -` that gives one machine its addresses. No detection of duplicates: it only delays. */
export function addressBatch(side: Side): string {
  return [
    `link set dev ${LINK_DEVICE} addrgenmode none`,
    `addr add ${ADDRESSES.ipv4[side]}/24 dev ${LINK_DEVICE}`,
    `addr add ${ADDRESSES.ipv6[side]}/64 dev ${LINK_DEVICE} nodad`,
    `link set dev ${LINK_DEVICE} up`,
    '',
  ].join('\n');
}

/** Input of `ip -batch -` for either machine. */
export function mtuBatch(link: LabLink): string {
  return `link set dev ${LINK_DEVICE} mtu ${link.mtu}\n`;
}

/**
 * Input of `tc -batch -` for one machine: netem does all, at both ends, for what each sends. Half the round trip at either end;
 * loss for data alone, that is at the source. netem keeps packets that are on their way in the same queue as those that
 * wait, so the queue is longer by what fits the delay.
 */
export function qdiscBatch(link: LabLink, side: Side): string {
  const { linkBps, rttUs, loss, mtu, queuePackets } = link;
  const delayUs = rttUs / 2;
  const frameBits = 8 * (mtu + ETHERNET_HEADER_BYTES + FRAME_OVERHEAD_BYTES);
  const limit = queuePackets + Math.ceil((linkBps * delayUs) / 1e6 / frameBits);
  const words = [
    `qdisc replace dev ${LINK_DEVICE} root netem limit ${limit}`,
    ...(delayUs > 0 ? [`delay ${delayUs}us`] : []),
    ...(loss > 0 && side === 'source' ? [`loss ${100 * loss}%`] : []),
    `rate ${Math.round(linkBps)}bit ${FRAME_OVERHEAD_BYTES}`,
  ];
  return `${words.join(' ')}\n`;
}
