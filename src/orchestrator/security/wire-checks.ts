import { parseAhSuite, parseEspSuite } from '../../ipsec/suite.js';
import type { RunCheck } from '../../result/measured-run.js';
import type { Ipsec } from '../../scenario/scenario.js';
import type { NetworkCounters } from '../measure/network-counters.js';
import type { WireAccount } from '../measure/wire-account.js';
import type { ByRole } from '../steps/run-context.js';

/** What keeps others from reading: encryption on every packet, no more and no less. */
export function confidentialityCheck(
  { esp, ah }: Pick<Ipsec, 'esp' | 'ah'>,
  { unprotected, packets }: Pick<WireAccount, 'unprotected' | 'packets'>,
): RunCheck {
  const requirement = 'nobody on the way can read the guest';
  if (esp === null) return { requirement, ok: false, evidence: `AH with ${ah} encrypts nothing` };
  const suite = parseEspSuite(esp);
  if (suite.cipher === 'null' || suite.cipher === 'aes-gmac') {
    return { requirement, ok: false, evidence: `${esp} encrypts nothing` };
  }
  const open = unprotected.reduce((sum, each) => sum + each.packets, 0);
  const evidence =
    open === 0
      ? `all ${packets} packets recorded are encrypted with ${esp}`
      : `${open} of ${packets} packets recorded are not encrypted`;
  return { requirement, ok: open === 0 && packets > 0, evidence };
}

/**
 * Who can have sent what arrived. A packet that verifies was made by somebody who has the run's keys, and those were random, never
 * written to a disk, and given to the kernels of the two hosts alone, over connections on which the hosts proved who they are.
 * @param spis of the run's SAs
 */
export function originCheck(
  { esp, ah }: Pick<Ipsec, 'esp' | 'ah'>,
  spis: readonly number[],
  counters: ByRole<NetworkCounters>,
): RunCheck {
  const requirement = 'what arrived was sent by the two hosts';
  const hasIcv = ah !== null ? parseAhSuite(ah).icvBytes > 0 : parseEspSuite(esp ?? '').icvBytes > 0;
  if (!hasIcv)
    return { requirement, ok: false, evidence: `${ah ?? esp} has no ICV: anybody can send such packets` };
  const own = new Set(spis);
  const states = [...counters.source.states, ...counters.destination.states].filter(({ spi }) =>
    own.has(Number.parseInt(spi, 16)),
  );
  const sum = (of: (state: (typeof states)[number]) => number): number =>
    states.reduce((total, state) => total + of(state), 0);
  const failed = sum(({ failed: count }) => count);
  const replayed = sum(({ replayed: count }) => count);
  return {
    requirement,
    ok: states.length === 2 * own.size && failed === 0 && replayed === 0,
    evidence:
      `${own.size} SAs with random keys of this run alone, given to the two kernels over the connections above; ` +
      `they refused ${failed} packets whose ICV did not verify and ${replayed} replayed ones`,
  };
}
