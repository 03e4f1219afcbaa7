import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelError } from '../../../../src/model/model-error.js';
import { guestMemory } from '../../../../src/model/qemu/guest-memory.js';
import { PC_MACHINE } from '../../../../src/model/qemu/machine-profile.js';
import { qemuReport } from '../../../golden/migration-captures.js';

const MIB = 2 ** 20;

for (const [name, memoryMib, filledMib] of [
  ['ms-clear-1500.pcap.gz', 16, 4],
  ['m-clear-idle.pcap.gz', 32, 8],
] as const) {
  test(`a guest of ${memoryMib} MiB has as many pages and zero pages as QEMU reported of ${name}`, () => {
    const memory = guestMemory({ memoryBytes: memoryMib * MIB, filledBytes: filledMib * MIB }, PC_MACHINE);
    const { ram } = qemuReport(`captures/migration/${name}`).final;
    assert.equal(memory.pages * 4096, ram['total']);
    assert.equal(memory.zeroPages, ram['duplicate']);
    assert.deepEqual(memory.filled, { first: 256, end: 256 + filledMib * 256 });
  });
}

test('regions follow each other without gaps and overlaps', () => {
  for (const filledBytes of [0, 4096, MIB, 15 * MIB, 16 * MIB]) {
    const { regions, pages, normalPages } = guestMemory({ memoryBytes: 16 * MIB, filledBytes }, PC_MACHINE);
    let at = 0;
    for (const { first, end } of regions) {
      assert.equal(first, at);
      assert.ok(end > first);
      at = end;
    }
    assert.equal(at, pages);
    assert.ok(normalPages >= filledBytes / 4096);
  }
});

test('a guest that is full has no zero pages in its main memory', () => {
  const { regions } = guestMemory({ memoryBytes: 16 * MIB, filledBytes: 16 * MIB }, PC_MACHINE);
  assert.deepEqual(
    regions.filter(({ block }) => block === 0),
    [{ first: 0, end: 4096, zero: false, block: 0 }],
  );
});

test('memory that is no whole number of pages, and more filled than there is, are refused', () => {
  assert.throws(() => guestMemory({ memoryBytes: 5000, filledBytes: 0 }, PC_MACHINE), ModelError);
  assert.throws(() => guestMemory({ memoryBytes: 4096, filledBytes: 4097 }, PC_MACHINE), ModelError);
});
