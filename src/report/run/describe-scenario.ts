import type { Limit, RunResult } from '../../result/run-result.js';
import { PAGE_BYTES, type Scenario, type Workload } from '../../scenario/scenario.js';
import {
  formatBps,
  formatBytes,
  formatCount,
  formatMemory,
  formatSeconds,
  formatShare,
} from '../text/format-quantity.js';
import { protectionName } from './protection-name.js';

/** As the end of "held back by". */
export const LIMIT_NAMES: Readonly<Record<Limit, string>> = {
  link: 'the link',
  sourceCpu: "the source's CPU",
  destinationCpu: "the destination's CPU",
  roundTrips: 'round trips',
  maxBandwidth: "QEMU's max-bandwidth",
};

/** Times of runs: never longer than `999 ms`, `12.3 s`, `3 min 20 s`. */
export function formatMs(milliseconds: number): string {
  return formatSeconds(milliseconds / 1000);
}

/** `aes128gcm16, tunnel mode in UDP, MTU 1500`; in the clear `no IPsec, MTU 1500`. */
export function describeProtection({ ipsec, network }: Scenario): string {
  const { esp, ah, mode, encap } = ipsec;
  const how = esp === null && ah === null ? '' : `, ${mode} mode${encap ? ' in UDP' : ''}`;
  const mss = network.mss === 'auto' ? '' : `, MSS ${network.mss}`;
  return `${protectionName(ipsec)}${how}, MTU ${network.mtu}${mss}`;
}

/** The guest, the link and what of QEMU's parameters is not usual: a sentence each. */
export function describeScenario(scenario: Scenario): string {
  const { guest, network } = scenario;
  const link = [
    formatBps(network.linkBps),
    `round trips of ${formatSeconds(network.rttUs / 1e6)}`,
    ...(network.loss > 0 ? [`${formatLoss(network.loss)} of the packets lost`] : []),
    ...(network.family === 'ipv6' ? ['IPv6'] : []),
  ].join(', ');
  return (
    `Guest: ${formatMemory(guest.memoryBytes)} of memory, ${formatMemory(guest.filledBytes)} of it filled, ` +
    `${describeWorkload(guest.workload)}. Link: ${link}. Migration: ${describeParameters(scenario)}.`
  );
}

/** A probability of loss can be far below what shares of bytes are. */
function formatLoss(loss: number): string {
  return loss >= 0.001 ? formatShare(loss, 1) : `one in ${formatCount(Math.round(1 / loss))}`;
}

function describeWorkload(workload: Workload): string {
  switch (workload.kind) {
    case 'idle':
      return 'idle';
    case 'trace': {
      const { pages, perSecond } = traceTotals(workload.groups);
      return `writes ${formatCount(Math.round(perSecond))} pages/s in ${formatMemory(pages * PAGE_BYTES)} (trace)`;
    }
    default: {
      const { pagesPerSecond, workingSetBytes } = workload;
      const how = workload.kind === 'hot-set' ? hotSet(workload) : workload.kind;
      return `writes ${formatCount(Math.round(pagesPerSecond))} pages/s in ${formatMemory(workingSetBytes)} (${how})`;
    }
  }
}

function hotSet({ hotShare, hotWrites }: { hotShare: number; hotWrites: number }): string {
  return `${formatShare(hotWrites, 1)} of the writes in ${formatShare(hotShare, 1)} of it`;
}

function describeParameters({ migration }: Scenario): string {
  const { multifdChannels, xbzrle, compression, postcopyAfterIterations } = migration;
  return [
    `at most ${formatBytes(migration.maxBandwidth)}/s`,
    `downtime limit ${formatMs(migration.downtimeLimitMs)}`,
    ...(multifdChannels > 0 ? [`multifd over ${multifdChannels} channels`] : []),
    ...(migration.autoConverge ? ['auto-converge'] : []),
    ...(xbzrle === null ? [] : ['XBZRLE']),
    ...(compression === null ? [] : ['compression']),
    ...(postcopyAfterIterations === null ? [] : [`post-copy after ${postcopyAfterIterations}`]),
  ].join(', ');
}

/** Writes of the guest in bytes a second, whole pages each; several to the same page count several times. */
export function writtenBytesPerSecond({ guest }: Scenario): number {
  const { workload } = guest;
  if (workload.kind === 'idle') return 0;
  if (workload.kind === 'trace') return traceTotals(workload.groups).perSecond * PAGE_BYTES;
  return workload.pagesPerSecond * PAGE_BYTES;
}

function traceTotals(groups: readonly { pages: number; writesPerSecond: number }[]) {
  const written = groups.filter(({ writesPerSecond }) => writesPerSecond > 0);
  return {
    pages: written.reduce((sum, { pages }) => sum + pages, 0),
    perSecond: written.reduce((sum, { pages, writesPerSecond }) => sum + pages * writesPerSecond, 0),
  };
}

/** What held a run back, most first; shares below 5 % are left out. */
export function describeLimits({ timeByLimit }: RunResult): string {
  const limits = (Object.keys(LIMIT_NAMES) as Limit[])
    .filter((limit) => timeByLimit[limit] >= 0.05)
    .sort((a, b) => timeByLimit[b] - timeByLimit[a]);
  const parts = limits.map((limit) => `${LIMIT_NAMES[limit]} ${formatShare(timeByLimit[limit], 1)}`);
  return parts.length === 0 ? '' : `Held back by ${parts.join(', ')} of the time.`;
}
