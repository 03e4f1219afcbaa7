/**
 * Workloads as the models take them: groups of pages that are written alike.
 *
 * Theory of operation: writes at random are a Poisson process. One of rate r over W pages, each hit with the same probability,
 * is W independent processes of rate r / W; a page is dirty after t seconds with probability 1 - exp(-r t / W), so that the
 * expected number of dirty pages is W (1 - exp(-r t / W)). A hot set is two such groups, a trace is many. A sequential
 * writer leaves min(W, r t) pages behind itself.
 */

import type { Guest, Workload } from '../../scenario/scenario.js';
import { ModelError } from '../model-error.js';
import type { PageStretch } from '../qemu/machine-profile.js';
import { PAGE_BYTES } from '../qemu/stream-framing.js';

export interface DirtyGroup {
  readonly kind: 'random' | 'sequential';
  /** Page index over all blocks, to before `end`. */
  readonly first: number;
  readonly end: number;
  /** Mean of each page of the group. */
  readonly writesPerSecond: number;
}

/**
 * The groups of a workload, in the order of their pages and without overlaps; groups that are never written are left out.
 * @param filled the guest's filled part, where working sets begin
 * @throws ModelError if a working set is empty or does not fit
 */
export function dirtyGroups(workload: Workload, filled: PageStretch): DirtyGroup[] {
  switch (workload.kind) {
    case 'idle':
      return [];
    case 'uniform':
    case 'sequential': {
      const pages = workingSetPages(workload.workingSetBytes, filled);
      const kind = workload.kind === 'uniform' ? 'random' : 'sequential';
      return layOut(filled, [{ kind, pages, writesPerSecond: workload.pagesPerSecond / pages }]);
    }
    case 'hot-set': {
      const pages = workingSetPages(workload.workingSetBytes, filled);
      const hot = Math.min(pages, Math.max(1, Math.round(pages * workload.hotShare)));
      const hotRate = workload.pagesPerSecond * (hot === pages ? 1 : workload.hotWrites);
      return layOut(filled, [
        { kind: 'random', pages: hot, writesPerSecond: hotRate / hot },
        {
          kind: 'random',
          pages: pages - hot,
          writesPerSecond: (workload.pagesPerSecond - hotRate) / Math.max(1, pages - hot),
        },
      ]);
    }
    case 'trace':
      requireRoom(
        workload.groups.reduce((sum, { pages }) => sum + pages, 0),
        filled,
      );
      return layOut(
        filled,
        workload.groups.map((group) => ({ kind: 'random', ...group })),
      );
  }
}

/** A guest whose filled part holds all that its workload writes to: a trace may go beyond what was filled. */
export function dirtyPart(guest: Guest): { readonly memoryBytes: number; readonly filledBytes: number } {
  const { memoryBytes, filledBytes, workload } = guest;
  if (workload.kind !== 'trace') return { memoryBytes, filledBytes };
  const traced = workload.groups.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES;
  return { memoryBytes, filledBytes: Math.max(filledBytes, traced) };
}

/** Probability that a page of the group has been written after so long. For a sequential writer: the share that has. */
export function dirtyShare(group: DirtyGroup, seconds: number): number {
  const writes = group.writesPerSecond * seconds;
  return group.kind === 'random' ? -Math.expm1(-writes) : Math.min(1, writes);
}

/** Different pages that are written in so long, on average. */
export function expectedDirtyPages(groups: readonly DirtyGroup[], seconds: number): number {
  return groups.reduce((sum, group) => sum + (group.end - group.first) * dirtyShare(group, seconds), 0);
}

interface GroupSize {
  readonly kind: DirtyGroup['kind'];
  readonly pages: number;
  readonly writesPerSecond: number;
}

function layOut(filled: PageStretch, sizes: readonly GroupSize[]): DirtyGroup[] {
  const groups: DirtyGroup[] = [];
  let first = filled.first;
  for (const { kind, pages, writesPerSecond } of sizes) {
    if (!Number.isFinite(writesPerSecond) || writesPerSecond < 0) {
      throw new ModelError(`${writesPerSecond} writes per second: give a number, 0 or more`);
    }
    if (pages > 0 && writesPerSecond > 0) groups.push({ kind, first, end: first + pages, writesPerSecond });
    first += pages;
  }
  return groups;
}

function workingSetPages(bytes: number, filled: PageStretch): number {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (!(pages >= 1)) throw new ModelError(`a working set of ${bytes} bytes: give at least one page`);
  requireRoom(pages, filled);
  return pages;
}

function requireRoom(pages: number, filled: PageStretch): void {
  const room = filled.end - filled.first;
  if (pages <= room) return;
  throw new ModelError(
    `a working set of ${pages} pages does not fit the guest's filled part of ${room}: make that larger`,
  );
}
