import { ModelError } from '../model-error.js';
import type { FirmwareBlock, MachineProfile, PageStretch } from './machine-profile.js';
import { PAGE_BYTES } from './stream-framing.js';

/** Pages next to each other in one RAM block that are all zero or all not. */
export interface MemoryRegion {
  /** Index over all blocks, as the blocks follow each other in the stream's list. */
  readonly first: number;
  readonly end: number;
  readonly zero: boolean;
  /** Index into `blockNames`. */
  readonly block: number;
}

/** All RAM of a guest as migration sees it when it begins. */
export interface GuestMemory {
  readonly machine: MachineProfile;
  /** Of all blocks. */
  readonly pages: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly blockNames: readonly string[];
  /** In order and without gaps. */
  readonly regions: readonly MemoryRegion[];
  /** The guest's filled part: where workloads write. */
  readonly filled: PageStretch;
}

/**
 * Lays out main memory (firmware's leftovers, the guest's filled part, zeros) and the machine's other blocks.
 * @throws ModelError if memory is no whole number of pages, or less than what is filled
 */
export function guestMemory(
  guest: { readonly memoryBytes: number; readonly filledBytes: number },
  machine: MachineProfile,
): GuestMemory {
  const mainPages = guest.memoryBytes / PAGE_BYTES;
  if (!Number.isSafeInteger(mainPages) || mainPages < 1) {
    throw new ModelError(`a guest of ${guest.memoryBytes} bytes: give a multiple of ${PAGE_BYTES}`);
  }
  const filledPages = Math.ceil(guest.filledBytes / PAGE_BYTES);
  if (filledPages > mainPages) {
    throw new ModelError(
      `${guest.filledBytes} bytes filled of ${guest.memoryBytes}: no more than all can be`,
    );
  }
  const first = Math.min(machine.firstGuestPage, mainPages - filledPages);
  const filled = { first, end: first + filledPages };
  const main: FirmwareBlock = {
    name: machine.mainBlockName,
    pages: mainPages,
    normal: [...machine.firmwarePages, filled],
  };
  const blocks = [main, ...machine.blocks];
  const regions = regionsOf(blocks);
  const pages = regions.at(-1)!.end;
  const zeroPages = regions.reduce((sum, { first, end, zero }) => sum + (zero ? end - first : 0), 0);
  return {
    machine,
    pages,
    normalPages: pages - zeroPages,
    zeroPages,
    blockNames: blocks.map(({ name }) => name),
    regions,
    filled,
  };
}

function regionsOf(blocks: readonly FirmwareBlock[]): MemoryRegion[] {
  const regions: MemoryRegion[] = [];
  let base = 0;
  blocks.forEach(({ pages, normal }, block) => {
    const add = (first: number, end: number, zero: boolean): void => {
      if (end > first) regions.push({ first: base + first, end: base + end, zero, block });
    };
    let at = 0;
    for (const { first, end } of joinStretches(normal, pages)) {
      add(at, first, true);
      add(first, end, false);
      at = end;
    }
    add(at, pages, true);
    base += pages;
  });
  return regions;
}

/** In order, without overlaps, inside the block. */
function joinStretches(stretches: readonly PageStretch[], pages: number): PageStretch[] {
  const inside = stretches
    .map(({ first, end }) => ({
      first: Math.max(0, first < 0 ? pages + first : first),
      end: Math.min(pages, first < 0 ? pages + end : end),
    }))
    .filter(({ first, end }) => end > first)
    .sort((a, b) => a.first - b.first);
  const joined: PageStretch[] = [];
  for (const { first, end } of inside) {
    const last = joined.at(-1);
    if (last === undefined || first > last.end) joined.push({ first, end });
    else if (end > last.end) joined[joined.length - 1] = { first: last.first, end };
  }
  return joined;
}
