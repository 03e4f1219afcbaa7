import { countedBetween, readNetworkCounters } from '../measure/network-counters.js';
import { onBoth, type RunContext } from './run-context.js';
import type { HostRole } from './step.js';

/** Reasons of /proc/net/xfrm_stat (Documentation/networking/xfrm_proc.rst of Linux) that have a plain meaning. */
const MEANINGS: Readonly<Record<string, string>> = {
  XfrmInStateProtoError: 'their ICV does not verify: the keys of the two hosts differ',
  XfrmInNoStates: 'there is no SA for their SPI',
  XfrmInStateSeqError: 'replayed, or too late for the replay window',
  XfrmInStateExpired: 'the SA has expired',
  XfrmInStateMismatch: 'the SA is for other packets',
  XfrmInTmplMismatch: 'not protected as the policy demands',
  XfrmInNoPols: 'protected, but no policy demands it',
  XfrmOutNoStates: 'there is no SA to protect them with',
  XfrmOutStateExpired: 'the SA has expired',
};

/**
 * What the kernels of both hosts have dropped since the migration began, and why.
 * @returns a sentence for each host that dropped something; none if it cannot be told
 */
export async function explainDrops(context: RunContext): Promise<string[]> {
  const before = context.counters?.before;
  if (before === undefined) return [];
  try {
    const after = await onBoth((role) => readNetworkCounters(context.place.hosts[role]));
    return (['source', 'destination'] as const).flatMap((role: HostRole) => {
      const dropped = Object.entries(countedBetween(before[role].xfrm ?? {}, after[role].xfrm ?? {}));
      if (dropped.length === 0) return [];
      const reasons = dropped.map(
        ([reason, count]) => `${count} (${reason}: ${MEANINGS[reason] ?? 'IPsec'})`,
      );
      return [`the kernel of the ${role} dropped packets: ${reasons.join(', ')}`];
    });
  } catch {
    return [];
  }
}
