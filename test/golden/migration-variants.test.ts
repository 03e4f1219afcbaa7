import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationIteration, MigrationRecord } from '../../src/migration/migration-record.js';
import { expectedStreams, qemuReport, readMigrations } from './migration-captures.js';

const FOLDER = 'captures/migration-variants';
const XBZRLE = `${FOLDER}/xbzrle.pcap.gz`;
const ZLIB = `${FOLDER}/multifd-zlib.pcap.gz`;
const COMPRESS = `${FOLDER}/compress.pcap.gz`;
const PREEMPT = `${FOLDER}/postcopy-preempt.pcap.gz`;
const SNAPLEN = `${FOLDER}/snaplen-120.pcap.gz`;

/** PART or END with id, EOS, footer. */
const SECTION_FRAMING_BYTES = 5 + 8 + 5;
const MULTIFD_HEADER_BYTES = 320 + 8 * 128;

async function onlyMigration(capture: string): Promise<MigrationRecord> {
  const records = await readMigrations(capture, false);
  assert.equal(records.length, 1);
  return records[0]!;
}

function sum(iterations: readonly MigrationIteration[], pick: (i: MigrationIteration) => number): number {
  return iterations.reduce((total, iteration) => total + pick(iteration), 0);
}

for (const capture of [XBZRLE, ZLIB, COMPRESS, PREEMPT, SNAPLEN]) {
  test(`${capture}: streams are as long as tshark's, and every byte belongs to one stage`, async () => {
    const record = await onlyMigration(capture);
    const lengths = record.connections.map(({ source, sourcePort, streamBytes }) => [
      `${source}:${sourcePort}`,
      streamBytes,
    ]);
    const expected = expectedStreams(capture).map(({ source, payloadBytes }) => [source, payloadBytes]);
    assert.deepEqual(lengths.sort(), expected.sort());
    const { setup, deviceState, iterations } = record;
    const bytes = setup.bytes + deviceState.bytes + deviceState.descriptionBytes;
    assert.equal(bytes + sum(iterations, (i) => i.bytes), record.streamBytes);
  });
}

for (const capture of [XBZRLE, ZLIB, COMPRESS, PREEMPT]) {
  test(`${capture}: is read to its end, and every page was sent`, async () => {
    const record = await onlyMigration(capture);
    assert.equal(record.complete, true);
    assert.deepEqual(record.gaps, { count: 0, bytes: 0, lost: 0, resynchronised: 0 });
    const distinct = record.pagesBySends.reduce((total, pages) => total + pages, 0);
    assert.equal(distinct * 4096, qemuReport(capture).final.ram['total']);
    assert.equal(record.deviceState.agreesWithDescription, record.isPostcopy ? null : true);
  });
}

test(`${XBZRLE}: differences are as many bytes as QEMU counted`, async () => {
  const record = await onlyMigration(XBZRLE);
  const { final } = qemuReport(XBZRLE);
  const cache = final['xbzrle-cache']!;
  assert.equal(record.normalPages, final.ram['normal']);
  assert.equal(record.zeroPages, final.ram['duplicate']);
  assert.equal(record.ramBytes, final.ram['transferred']);
  assert.ok(record.xbzrlePages > 500);
  // QEMU counts a dirty page with unchanged content too, and sends nothing for it.
  assert.ok(record.xbzrlePages <= cache['pages']!);
  const framing = sum(record.iterations, (i) => i.nameBytes + i.sections * SECTION_FRAMING_BYTES);
  assert.equal(
    sum(record.iterations, (i) => i.bytes),
    record.normalPages * (8 + 4096) +
      record.zeroPages * 9 +
      framing +
      record.xbzrlePages * 8 +
      cache['bytes']!,
  );
});

test(`${ZLIB}: QEMU counts deflated pages as normal and with their full size`, async () => {
  const record = await onlyMigration(ZLIB);
  const { ram } = qemuReport(ZLIB).final;
  assert.equal(record.normalPages, 0);
  assert.equal(record.compressedPages - record.repeatedPages, ram['normal']);
  assert.equal(record.zeroPages, ram['duplicate']);
  assert.equal(record.iterations.length + 1, ram['dirty-sync-count']);
  const channels = record.connections.filter(({ role }) => role === 'multifd');
  assert.equal(channels.length, 2);
  const packets = sum(record.iterations, (i) => i.multifdPackets) + channels.length;
  assert.equal(packets * MULTIFD_HEADER_BYTES + record.compressedPages * 4096, ram['multifd-bytes']);
  const inChannels = channels.reduce((total, { streamBytes }) => total + streamBytes - 64, 0);
  assert.equal(record.ramBytes - inChannels + ram['multifd-bytes']!, ram['transferred']);
});

test(`${COMPRESS}: pages that come out of order make as many passes as there were synchronisations`, async () => {
  const record = await onlyMigration(COMPRESS);
  const { final } = qemuReport(COMPRESS);
  const { ram } = final;
  assert.equal(record.normalPages, ram['normal']);
  assert.equal(record.ramBytes, ram['transferred']);
  assert.equal(record.iterations.length + 1, ram['dirty-sync-count']);
  // Each time QEMU 7.2 empties its threads' buffers it counts a page for each thread, whether there was one or not: behind each
  // section, block and pass.
  const threads = 2;
  const flushes = record.ramSections + record.blocks.length - 1 + record.iterations.length;
  const counted = ram['duplicate']! + final.compression!['pages']!;
  assert.equal(counted - record.zeroPages - record.compressedPages, threads * flushes);
});

test(`${PREEMPT}: pages that the guest waits for come on a connection of their own`, async () => {
  const record = await onlyMigration(PREEMPT);
  const { ram } = qemuReport(PREEMPT).final;
  assert.equal(record.isPostcopy, true);
  assert.equal(record.normalPages, ram['normal']);
  assert.equal(record.zeroPages, ram['duplicate']);
  assert.equal(record.ramBytes, ram['transferred']);
  assert.deepEqual(
    record.connections.map(({ role }) => role),
    ['main', 'postcopy'],
  );
  assert.equal(record.connections[1]!.streamBytes, 47 * (8 + 4096) + 'pc.ram'.length + 1 + 8);
  assert.equal(ram['postcopy-requests'], 47);
  const stages = record.iterations.map(({ stage }) => stage);
  assert.deepEqual([stages[0], stages.at(-1), stages.indexOf('stopAndCopy')], ['precopy', 'postcopy', -1]);
  assert.ok(record.downtimeNs !== null && record.downtimeNs > 0 && record.downtimeNs < 100e6);
});

test(`${SNAPLEN}: of packets cut to 120 bytes all lengths are known, and what is missing is said`, async () => {
  const record = await onlyMigration(SNAPLEN);
  assert.equal(record.complete, false);
  assert.ok(record.gaps.bytes > 0.9 * record.streamBytes);
  assert.ok(record.gaps.resynchronised > 0 && record.gaps.resynchronised <= record.gaps.lost);
  assert.equal(record.iterations.at(-1)!.stage, 'stopAndCopy');
});
