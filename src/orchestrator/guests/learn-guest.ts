import { PAGE_BYTES, type Workload } from '../../scenario/scenario.js';
import type { MigrationAccount, SyncRecord } from '../qemu/migration-watch.js';
import { filled, type RunContext } from '../steps/run-context.js';
import type { Step } from '../steps/step.js';

/** In less, a rate is chance. */
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
    const pagesPerSecond = dirtyRate(context, account);
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

/** First writes to a page per second, the most of any pass: long passes find pages that were written more than once. */
function dirtyRate({ wire }: RunContext, { syncs }: MigrationAccount): number {
  const passes = wire?.migration?.iterations ?? [];
  const rates = passes.length > 0 ? ratesOfPasses(passes) : ratesOfSyncs(syncs);
  return Math.round(Math.max(0, ...rates));
}

/** What a pass sends was written during the one before it. */
function ratesOfPasses(
  passes: readonly {
    readonly durationNs: number;
    readonly normalPages: number;
    readonly zeroPages: number;
  }[],
): number[] {
  return passes
    .slice(1)
    .map(({ normalPages, zeroPages }, index) =>
      rate(normalPages + zeroPages, passes[index]!.durationNs / 1e6),
    );
}

/** What is left to send is more by what was found to be written. */
export function ratesOfSyncs(syncs: readonly SyncRecord[]): number[] {
  return syncs
    .slice(1)
    .map(({ atMs, remaining, remainingBefore }, index) =>
      rate((remaining - remainingBefore) / PAGE_BYTES, atMs - syncs[index]!.atMs),
    );
}

function rate(pages: number, ms: number): number {
  return ms < LEAST_MS ? 0 : Math.max(0, (pages * 1000) / ms);
}
