import { PAGE_BYTES, type Workload } from '../../scenario/scenario.js';
import type { MigrationAccount, SyncRecord } from '../qemu/migration-watch.js';
import { filled, type RunContext } from '../steps/run-context.js';
import type { Step } from '../steps/step.js';

/** Shorter than that between two synchronisations, a rate is chance. */
const LEAST_MS = 50;

/**
 * What the migration showed of the guest: how much of its memory was not zero, and how fast it wrote. Where it wrote is not known;
 * it is taken to be anywhere in that memory.
 */
export const learnGuest: Step<RunContext> = {
  name: 'learn',
  title: 'what the migration shows of the guest',
  async perform(context) {
    const { scenario } = context;
    const account = filled(context, 'migration');
    const { memoryBytes } = scenario.guest;
    const filledBytes = Math.max(0, memoryBytes - zeroPagesOfFirstPass(context, account) * PAGE_BYTES);
    const pagesPerSecond = dirtyRate(account);
    const workload: Workload =
      pagesPerSecond === 0 || filledBytes === 0
        ? { kind: 'idle' }
        : { kind: 'uniform', pagesPerSecond, workingSetBytes: filledBytes };
    context.scenario = { ...scenario, guest: { memoryBytes, filledBytes, workload } };
  },
};

/** Read off the wire where that was possible. */
function zeroPagesOfFirstPass({ wire }: RunContext, { syncs, final }: MigrationAccount): number {
  const [first] = wire?.migration?.iterations ?? [];
  const sync = syncs.find(({ count }) => count > 1);
  return first?.zeroPages ?? sync?.zeroPages ?? final.ram?.zeroPages ?? 0;
}

/** First writes to a page per second: the greatest between two synchronisations, for long passes find pages written more than once. */
export function dirtyRate({ syncs }: Pick<MigrationAccount, 'syncs'>): number {
  const rates = syncs.slice(1).map((sync, index) => rateBetween(syncs[index]!, sync));
  return Math.round(Math.max(0, ...rates));
}

function rateBetween(before: SyncRecord, { atMs, remaining, remainingBefore }: SyncRecord): number {
  const ms = atMs - before.atMs;
  if (ms < LEAST_MS) return 0;
  return Math.max(0, (((remaining - remainingBefore) / PAGE_BYTES) * 1000) / ms);
}
