import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MigrationStarts, mayStart } from '../../../src/analysis/migration-starts.js';
import { startsMigration } from '../../../src/migration/migration-observer.js';
import { type PacketBatch, PacketFlag } from '../../../src/packet/packet-batch.js';
import { buildBatch, type RowSpec } from './build-batch.js';

/** Magic and version of QEMU's stream, and of a multifd channel (migration/savevm.c, multifd.c). */
const STREAM = Buffer.from('5145564d00000003070000000f70632d693434306678', 'hex');
const CHANNEL = Buffer.concat([Buffer.from('1122334400000001', 'hex'), Buffer.alloc(56)]);

const SEGMENT: RowSpec = {
  protocol: 6,
  flags: PacketFlag.tcp,
  sourcePort: 1,
  destinationPort: 2,
  payload: 64,
  layers: { payload: 64 },
};

function rows(...payloads: readonly (readonly [Uint8Array, number?])[]): PacketBatch {
  const batch = buildBatch(payloads.map(([, flags = 0]) => ({ ...SEGMENT, flags: PacketFlag.tcp | flags })));
  for (const [i, [payload]] of payloads.entries()) {
    const at = batch.block.offset[i]! + 940;
    batch.block.data.set(payload, at);
    batch.payloadOffset[i] = at;
  }
  return batch;
}

function startsIn(batch: PacketBatch): number {
  const starts = new MigrationStarts();
  starts.add(batch);
  return starts.state.count;
}

test('a segment that begins like a migration, or like one of its channels, is noticed', () => {
  assert.equal(startsIn(rows([STREAM])), 1);
  assert.equal(startsIn(rows([CHANNEL])), 1);
  assert.equal(startsIn(rows([STREAM], [new Uint8Array(64)], [CHANNEL])), 2);
});

test('the same bytes elsewhere than at the beginning of a segment are not', () => {
  assert.equal(startsIn(rows([Buffer.concat([Buffer.alloc(1), STREAM])])), 0);
});

test('of what a migration is read from nothing is overlooked: datagrams put together, super-frames', () => {
  assert.equal(startsIn(rows([STREAM, PacketFlag.reassembled], [STREAM, PacketFlag.superFrame])), 2);
  assert.equal(startsIn(rows([STREAM, PacketFlag.decapsulatedCopy])), 0);
});

test('a first segment may hold but a part of the beginning', () => {
  for (const beginning of [STREAM, CHANNEL]) {
    assert.ok(startsMigration(beginning, 0, beginning.length));
    for (let length = 1; length <= beginning.length; length++) assert.ok(mayStart(beginning, 0, length));
    assert.ok(!mayStart(beginning, 0, 0));
    assert.ok(!mayStart(beginning, 1, 3));
  }
});

test('a segment of which nothing was captured is not read', () => {
  const batch = rows([STREAM]);
  batch.block.capturedLength[0] = 940;
  assert.equal(startsIn(batch), 0);
});

test('pieces add up', () => {
  const starts = new MigrationStarts();
  starts.add(rows([STREAM]));
  const later = new MigrationStarts();
  later.add(rows([CHANNEL], [STREAM]));
  starts.merge(structuredClone(later.state));
  assert.equal(starts.state.count, 3);
});
