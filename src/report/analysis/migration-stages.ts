import type { MigrationIterationSummary, MigrationSummary } from '../../analysis/analysis-summary.js';
import { secondsBetween } from '../text/format-quantity.js';

export type StageKind = 'setup' | 'firstPass' | 'laterPass' | 'stopAndCopy' | 'postcopy' | 'deviceState';

/** What a migration did for a while. */
export interface MigrationStage {
  readonly kind: StageKind;
  /** `pass 2`, `passes 5-120`, `stop-and-copy` */
  readonly name: string;
  /** From the migration's first byte. */
  readonly startSeconds: number;
  readonly seconds: number;
  /** Of the stream. */
  readonly bytes: number;
  /** Null where no pages are sent. */
  readonly pages: { readonly normal: number; readonly zero: number; readonly resent: number } | null;
}

/**
 * The stages of a migration one after the other.
 * @param maxPasses pre-copy iterations listed one by one; of more, those in the middle become one stage. At least 3
 */
export function stagesOf(migration: MigrationSummary, maxPasses: number): MigrationStage[] {
  const { setup, deviceState, iterations, startNs, endNs } = migration;
  const duration = secondsBetween(startNs, endNs);
  const passes = iterations.filter(({ stage }) => stage === 'precopy');
  const last = iterations.filter(({ stage }) => stage !== 'precopy');
  const stateBytes = deviceState.bytes + deviceState.descriptionBytes;
  const stateSeconds = deviceState.durationNs / 1e9;
  return [
    ...(setup.bytes > 0 ? [plainStage('setup', 'setup', 0, setup.durationNs / 1e9, setup.bytes)] : []),
    ...condense(passes, maxPasses).map((group) => passStage(migration, group)),
    ...last.map((iteration) => passStage(migration, [iteration])),
    ...(stateBytes > 0
      ? [plainStage('deviceState', 'device state', duration - stateSeconds, stateSeconds, stateBytes)]
      : []),
  ];
}

function plainStage(
  kind: StageKind,
  name: string,
  startSeconds: number,
  seconds: number,
  bytes: number,
): MigrationStage {
  return { kind, name, startSeconds, seconds, bytes, pages: null };
}

/** Groups of one iteration each, but for one in the middle that makes up for all beyond `limit` groups. */
function condense(
  passes: readonly MigrationIterationSummary[],
  limit: number,
): MigrationIterationSummary[][] {
  if (passes.length <= limit) return passes.map((pass) => [pass]);
  const after = (limit - 1) >> 1;
  const before = limit - 1 - after;
  return [
    ...passes.slice(0, before).map((pass) => [pass]),
    passes.slice(before, passes.length - after),
    ...passes.slice(passes.length - after).map((pass) => [pass]),
  ];
}

function passStage(
  { startNs, iterations }: MigrationSummary,
  group: readonly MigrationIterationSummary[],
): MigrationStage {
  const first = group[0]!;
  const last = group.at(-1)!;
  const sum = (value: (iteration: MigrationIterationSummary) => number) =>
    group.reduce((total, iteration) => total + value(iteration), 0);
  const startSeconds = secondsBetween(startNs, first.startNs);
  const endSeconds = secondsBetween(startNs, last.startNs) + last.durationNs / 1e9;
  return {
    kind: kindOf(first, first === iterations[0]),
    name: nameOf(first, last),
    startSeconds,
    seconds: endSeconds - startSeconds,
    bytes: sum(({ bytes }) => bytes),
    pages: {
      normal: sum(({ normalPages }) => normalPages),
      zero: sum(({ zeroPages }) => zeroPages),
      resent: sum(({ resentPages }) => resentPages),
    },
  };
}

function kindOf({ stage }: MigrationIterationSummary, isFirst: boolean): StageKind {
  if (stage !== 'precopy') return stage;
  return isFirst ? 'firstPass' : 'laterPass';
}

function nameOf(first: MigrationIterationSummary, last: MigrationIterationSummary): string {
  if (first.stage === 'stopAndCopy') return 'stop-and-copy';
  if (first.stage === 'postcopy') return 'post-copy';
  return first === last ? `pass ${first.index + 1}` : `passes ${first.index + 1}-${last.index + 1}`;
}
