import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnGuest, type RecordedMigration } from '../../../../src/model/learn/learn-guest.js';
import { analyzeFiles } from '../../../../src/pipeline/analyze-files.js';
import { repoPath } from '../../../repo-root.js';

const MIB = 2 ** 20;

/** What captures/README.md says of the guests. */
const CAPTURES: readonly [file: string, memoryMiB: number, filledMiB: number][] = [
  ['m-clear-idle.pcap.gz', 32, 8],
  ['m-clear-multifd.pcap.gz', 32, 8],
  ['ms-clear-1500.pcap.gz', 16, 4],
  ['ms-clear-40mbit.pcap.gz', 16, 4],
];

for (const [file, memoryMiB, filledMiB] of CAPTURES) {
  test(`the guest learned from ${file} is the one that was migrated: ${memoryMiB} MiB, ${filledMiB} MiB filled`, async () => {
    const summary = await analyzeFiles({
      paths: [repoPath(`captures/migration/${file}`)],
      associations: [],
      assumedEsp: null,
      assumedAh: null,
      workers: 1,
    });
    const guest = learnGuest(summary.migrations[0]!);
    assert.equal(guest.memoryBytes, memoryMiB * MIB);
    assert.equal(guest.filledBytes, filledMiB * MIB);
    assert.equal(guest.workload.kind, 'trace');
  });
}

test('a guest of which no page was sent again is idle', () => {
  assert.deepEqual(learnGuest(record()).workload, { kind: 'idle' });
});

test('a migration without its first pass over memory cannot be learned from', () => {
  assert.throws(() => learnGuest({ ...record(), iterations: [] }), /not captured from its beginning/);
});

test('pages of another size than the model has are refused', () => {
  assert.throws(() => learnGuest({ ...record(), pageBytes: 65_536 }), /only 4096/);
});

function record(): RecordedMigration {
  return {
    blocks: [{ name: 'pc.ram', bytes: 16 * MIB }],
    pageBytes: 4096,
    iterations: [
      {
        index: 0,
        stage: 'precopy',
        durationNs: 1e9,
        normalPages: 1000,
        zeroPages: 3000,
        xbzrlePages: 0,
        compressedPages: 0,
        resentPages: 0,
        resentFromPrevious: 0,
        bytes: 4_131_000,
        sections: 20,
        nameBytes: 7,
        multifdPackets: 0,
        repeatedPages: 0,
      },
    ],
    dirtying: { intervals: [], groups: [] },
  };
}
