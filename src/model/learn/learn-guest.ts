import type { MigrationIteration, MigrationRecord } from '../../migration/migration-record.js';
import type { Guest } from '../../scenario/scenario.js';
import { ModelError } from '../model-error.js';
import { guestMemory } from '../qemu/guest-memory.js';
import { type MachineProfile, PC_MACHINE } from '../qemu/machine-profile.js';
import { PAGE_BYTES } from '../qemu/stream-framing.js';
import { estimateWriteRates } from './write-rates.js';

/** What of a recorded migration tells about its guest. A `MigrationRecord`, or its summary. */
export interface RecordedMigration extends Pick<MigrationRecord, 'blocks' | 'dirtying' | 'pageBytes'> {
  readonly iterations: readonly Omit<MigrationIteration, 'startNs'>[];
}

/**
 * The guest of a recorded migration as a scenario describes it: memory and filled part such that a prediction sends as many pages
 * with and without content in its first pass as the recorded one did, and a `trace` workload of what was sent again.
 * @param machine what the prediction adds to the guest's memory by itself
 * @throws ModelError if the record does not begin with a first pass over memory
 */
export function learnGuest(record: RecordedMigration, machine: MachineProfile = PC_MACHINE): Guest {
  const [first] = record.iterations;
  if (first === undefined || first.resentPages > 0 || record.blocks.length === 0) {
    throw new ModelError(
      'the migration was not captured from its beginning: its first pass over memory is missing',
    );
  }
  if (record.pageBytes !== PAGE_BYTES) {
    throw new ModelError(`pages of ${record.pageBytes} bytes: only ${PAGE_BYTES} can be predicted`);
  }
  const bare = guestMemory({ memoryBytes: PAGE_BYTES * machine.firstGuestPage, filledBytes: 0 }, machine);
  const otherPages = bare.pages - machine.firstGuestPage;
  const allPages = record.blocks.reduce((sum, { bytes }) => sum + bytes / PAGE_BYTES, 0);
  const memoryPages = Math.max(1, Math.round(allPages) - otherPages);
  const filledPages = Math.min(memoryPages, filledPagesOf(record.iterations, memoryPages, machine));
  const groups = estimateWriteRates(record.dirtying);
  const written = groups.reduce((sum, { pages }) => sum + pages, 0);
  return {
    memoryBytes: memoryPages * PAGE_BYTES,
    // Pages may be written to that were still zero in the first pass.
    filledBytes: Math.max(filledPages, Math.min(written, memoryPages)) * PAGE_BYTES,
    workload: groups.length === 0 ? { kind: 'idle' } : { kind: 'trace', groups },
  };
}

/** The filled part with which a guest of so many pages has the pages with content that were sent for the first time. */
function filledPagesOf(
  iterations: RecordedMigration['iterations'],
  memoryPages: number,
  machine: MachineProfile,
): number {
  // Stop-and-copy may cut the first pass short: what is left of it comes later. Pages sent again nearly always have content.
  const sent = iterations.reduce(
    (sum, { normalPages, repeatedPages, xbzrlePages, compressedPages, resentPages }) =>
      sum + Math.max(0, normalPages - repeatedPages + xbzrlePages + compressedPages - resentPages),
    0,
  );
  const memoryBytes = memoryPages * PAGE_BYTES;
  const firmware = guestMemory({ memoryBytes, filledBytes: 0 }, machine).normalPages;
  return Math.max(0, sent - firmware);
}
