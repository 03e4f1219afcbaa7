import type { StreamResult } from '../../result/run-result.js';
import type { MigrationParameters } from '../../scenario/scenario.js';
import type { GuestMemory } from '../qemu/guest-memory.js';
import {
  blockNameBytes,
  DESCRIPTION_HEADER_BYTES,
  leadInBytes,
  MULTIFD_INITIAL_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  POSTCOPY_ADVISE_BYTES,
  POSTCOPY_PACKAGE_BYTES,
  RAM_EOS_BYTES,
  ramSetupBytes,
  SECTION_FOOTER_BYTES,
  STREAM_EOF_BYTES,
} from '../qemu/stream-framing.js';
import type { AnalyticThread } from './analytic-thread.js';

/** Bytes before the first RAM section: lead-in, list of blocks, and what multifd connections begin with. */
export function leadBytes({ machine, blockNames }: GuestMemory, migration: MigrationParameters): number {
  const advice = migration.postcopyAfterIterations === null ? 0 : POSTCOPY_ADVISE_BYTES;
  const multifd = migration.multifdChannels * (MULTIFD_INITIAL_BYTES + MULTIFD_PACKET_HEADER_BYTES);
  return leadInBytes(machine.name) + ramSetupBytes(blockNames) + SECTION_FOOTER_BYTES + advice + multifd;
}

/** Bytes behind the last RAM section, or of the package that post-copy begins with. */
export function deviceBytes({ machine }: GuestMemory, migration: MigrationParameters): number {
  return migration.postcopyAfterIterations === null
    ? machine.deviceStateBytes + STREAM_EOF_BYTES + DESCRIPTION_HEADER_BYTES + machine.descriptionBytes
    : machine.deviceStateBytes + POSTCOPY_PACKAGE_BYTES;
}

/** Block names on the main connection: each once, and that of main memory again where pages were sent again. */
export function nameBytes(memory: GuestMemory, migration: MigrationParameters, sentAgain: boolean): number {
  const { blockNames, regions } = memory;
  const isNamed = (block: number): boolean =>
    migration.multifdChannels === 0 || regions.some((region) => region.block === block && region.zero);
  const once = blockNames.reduce((sum, name, block) => sum + (isNamed(block) ? blockNameBytes(name) : 0), 0);
  return once + (sentAgain && migration.multifdChannels === 0 ? blockNameBytes(blockNames[0]!) : 0);
}

/** Whole pages, the bytes that they come to, and those of them that QEMU counts (see `mainRamBytes`). */
export function streamOf(
  thread: AnalyticThread,
  memory: GuestMemory,
  migration: MigrationParameters,
): StreamResult {
  const { log } = thread;
  const sentPages = log.normalPages + log.xbzrlePages;
  const { partSections, endSections } = thread;
  const channelBytes =
    (1 + partSections + endSections) * migration.multifdChannels * MULTIFD_PACKET_HEADER_BYTES;
  const names = nameBytes(memory, migration, sentPages > memory.normalPages + 0.5);
  return {
    bytes: Math.round(log.streamBytes) + names,
    ramBytes: Math.round(log.ramBytes) + names + partSections * RAM_EOS_BYTES + channelBytes,
    normalPages: Math.round(log.normalPages),
    zeroPages: Math.round(log.zeroPages),
  };
}
