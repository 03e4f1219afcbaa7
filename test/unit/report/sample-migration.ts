import type { MigrationIterationSummary, MigrationSummary } from '../../../src/analysis/analysis-summary.js';

export const MIGRATION_START_NS = 1_700_000_000_000_000_000n;

export function sampleIteration(
  changes: Partial<MigrationIterationSummary> & { startMs: number; durationMs: number },
): MigrationIterationSummary {
  const { startMs, durationMs, ...rest } = changes;
  return {
    index: 0,
    stage: 'precopy',
    startNs: String(MIGRATION_START_NS + BigInt(startMs * 1e6)),
    durationNs: durationMs * 1e6,
    normalPages: 0,
    zeroPages: 0,
    resentPages: 0,
    bytes: 0,
    xbzrlePages: 0,
    compressedPages: 0,
    repeatedPages: 0,
    resentFromPrevious: 0,
    nameBytes: 7,
    multifdPackets: 0,
    sections: 1,
    ...rest,
  };
}

/** A guest of 32 MiB that went over in the clear, in four passes. */
export function sampleMigration(changes: Partial<MigrationSummary> = {}): MigrationSummary {
  return {
    transport: 'clear',
    channels: 0,
    startNs: String(MIGRATION_START_NS),
    endNs: String(MIGRATION_START_NS + 941_000_000n),
    streamBytes: 13_800_000,
    normalPages: 3_322,
    zeroPages: 6_162,
    iterations: [
      sampleIteration({
        startMs: 25,
        durationMs: 680,
        normalPages: 2_160,
        zeroPages: 6_162,
        bytes: 8_920_000,
      }),
      sampleIteration({
        index: 1,
        startMs: 705,
        durationMs: 50,
        normalPages: 500,
        resentPages: 500,
        bytes: 2_050_000,
      }),
      sampleIteration({
        index: 2,
        startMs: 755,
        durationMs: 100,
        normalPages: 150,
        resentPages: 140,
        bytes: 616_000,
      }),
      sampleIteration({
        index: 3,
        stage: 'stopAndCopy',
        startMs: 855,
        durationMs: 70,
        normalPages: 512,
        resentPages: 512,
        bytes: 2_101_000,
      }),
    ],
    downtimeMs: 86.25,
    complete: true,
    machine: 'pc-i440fx-7.2',
    connections: [
      {
        role: 'main',
        source: '10.9.0.1',
        destination: '10.9.0.2',
        sourcePort: 52_110,
        destinationPort: 49_152,
        streamBytes: 13_800_000,
        packets: { clear: 9_540, ah: 0, esp: 0, ahEsp: 0 },
        channel: null,
      },
    ],
    ramBytes: 13_689_133,
    pageBytes: 4096,
    blocks: [
      { name: 'pc.ram', bytes: 33_554_432 },
      { name: 'pc.bios', bytes: 262_144 },
    ],
    xbzrlePages: 0,
    compressedPages: 0,
    repeatedPages: 0,
    setup: { bytes: 187, durationNs: 25_000_000 },
    deviceState: {
      bytes: 50_000,
      descriptionBytes: 60_000,
      durationNs: 16_000_000,
      devices: [
        { name: 'timer', instance: 0, bytes: 50 },
        { name: 'cpu', instance: 0, bytes: 16_440 },
      ],
      agreesWithDescription: true,
    },
    ramSections: 12,
    gaps: { count: 0, bytes: 0, lost: 0, resynchronised: 0 },
    hotPages: [
      { block: 'pc.ram', offset: 0x10_0000, sent: 4 },
      { block: 'pc.ram', offset: 0x10_1000, sent: 3 },
    ],
    pagesBySends: [7_800, 512, 140, 1],
    isPostcopy: false,
    dirtying: {
      intervals: [
        { iteration: 1, durationNs: 680_000_000, pages: 500, again: 0 },
        { iteration: 2, durationNs: 50_000_000, pages: 140, again: 130 },
        { iteration: 3, durationNs: 100_000_000, pages: 512, again: 140 },
      ],
      groups: [
        { resends: 0, pages: 7_800 },
        { resends: 1, pages: 512 },
        { resends: 2, pages: 140 },
        { resends: 3, pages: 1 },
      ],
    },
    ...changes,
  };
}
