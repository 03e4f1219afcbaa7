import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationRecord } from '../../../../src/migration/migration-record.js';
import { PC_MACHINE } from '../../../../src/model/qemu/machine-profile.js';
import {
  leadInBytes,
  MULTIFD_INITIAL_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  mainRamBytes,
  mainStreamBytes,
  multifdStreamBytes,
  NORMAL_PAGE_BYTES,
  POSTCOPY_ADVISE_BYTES,
  postcopyDiscardBytes,
  RAM_EOS_BYTES,
  ramSetupBytes,
  SECTION_FOOTER_BYTES,
  SECTION_HEADER_BYTES,
  XBZRLE_HEADER_BYTES,
  ZERO_PAGE_BYTES,
} from '../../../../src/model/qemu/stream-framing.js';
import { qemuReport, readMigrations } from '../../../golden/migration-captures.js';

const CAPTURES = [
  { path: 'captures/migration/ms-clear-1500.pcap.gz', keyed: false },
  { path: 'captures/migration/ms-clear-40mbit.pcap.gz', keyed: false },
  { path: 'captures/migration/m-clear-idle.pcap.gz', keyed: false },
  { path: 'captures/migration/ms-gcm-1500.pcap', keyed: true },
  { path: 'captures/migration/ms-ahesp-1500.pcap', keyed: true },
];
const MULTIFD = 'captures/migration/m-clear-multifd.pcap.gz';

async function readOne(path: string, keyed: boolean): Promise<MigrationRecord> {
  const migrations = await readMigrations(path, keyed);
  assert.equal(migrations.length, 1);
  return migrations[0]!;
}

function sumOf(record: MigrationRecord, key: 'sections' | 'nameBytes' | 'multifdPackets'): number {
  return record.iterations.reduce((sum, iteration) => sum + iteration[key], 0);
}

for (const { path, keyed } of CAPTURES) {
  test(`${path}: pages, sections and block names add up to the stream's bytes and to what QEMU calls transferred`, async () => {
    const record = await readOne(path, keyed);
    const parts = {
      machineName: PC_MACHINE.name,
      blockNames: [PC_MACHINE.mainBlockName, ...PC_MACHINE.blocks.map(({ name }) => name)],
      normalPages: record.normalPages,
      zeroPages: record.zeroPages,
      nameBytes: sumOf(record, 'nameBytes'),
      partSections: sumOf(record, 'sections') - 1,
      endSections: 1,
      deviceStateBytes: PC_MACHINE.deviceStateBytes,
      descriptionBytes: PC_MACHINE.descriptionBytes,
    };
    assert.equal(mainStreamBytes(parts), record.streamBytes);
    assert.equal(mainRamBytes(parts), qemuReport(path).final.ram['transferred']);
    assert.equal(record.machine, PC_MACHINE.name);
    assert.deepEqual(
      record.blocks.map(({ name }) => name),
      parts.blockNames,
    );
  });
}

test('multifd packets, with their whole array of offsets, add up to what QEMU calls multifd-bytes', async () => {
  const record = await readOne(MULTIFD, false);
  const channels = record.connections.filter(({ role }) => role === 'multifd');
  const sent = channels.reduce((sum, { streamBytes }) => sum + streamBytes, 0);
  const setupPackets = channels.length;
  const packets = sumOf(record, 'multifdPackets') + setupPackets;
  assert.equal(multifdStreamBytes(channels.length, packets, record.normalPages), sent);
  // QEMU leaves the initial messages out.
  assert.equal(sent - channels.length * 64, qemuReport(MULTIFD).final.ram['multifd-bytes']);
});

for (const [name, channels, advice] of [
  ['xbzrle', 0, 0],
  ['postcopy-preempt', 0, POSTCOPY_ADVISE_BYTES],
  ['multifd-zlib', 2, 0],
] as const) {
  test(`${name}: what comes before RAM is the lead-in, the list of blocks and what its capabilities add`, async () => {
    const { setup, blocks } = await readOne(`captures/migration-variants/${name}.pcap.gz`, false);
    const names = blocks.map((block) => block.name);
    const lead = leadInBytes(PC_MACHINE.name) + ramSetupBytes(names) + SECTION_FOOTER_BYTES;
    const perChannel = MULTIFD_INITIAL_BYTES + MULTIFD_PACKET_HEADER_BYTES;
    assert.equal(setup.bytes, lead + advice + channels * perChannel);
  });
}

test('a delta has 11 bytes in front of it', async () => {
  const record = await readOne('captures/migration-variants/xbzrle.pcap.gz', false);
  const sectionBytes = SECTION_HEADER_BYTES + RAM_EOS_BYTES + SECTION_FOOTER_BYTES;
  for (const { xbzrlePages, normalPages, bytes, sections, nameBytes } of record.iterations) {
    if (normalPages > 0) continue;
    const deltas = bytes - sections * sectionBytes - nameBytes - xbzrlePages * XBZRLE_HEADER_BYTES;
    // One byte of each page differs: two lengths and the byte.
    assert.equal(deltas, xbzrlePages * 3);
  }
});

test('a page costs 4104 bytes on the wire, a zero page 9', () => {
  assert.equal(NORMAL_PAGE_BYTES, 4104);
  assert.equal(ZERO_PAGE_BYTES, 9);
});

test('the list of blocks takes a name with its length and a size each', () => {
  assert.equal(ramSetupBytes(['pc.ram']) - ramSetupBytes([]), 1 + 6 + 8);
});

test('post-copy tells twelve stretches of dirty pages in a command', () => {
  const one = postcopyDiscardBytes('pc.ram', 1);
  assert.equal(postcopyDiscardBytes('pc.ram', 12), one + 11 * 16);
  assert.equal(postcopyDiscardBytes('pc.ram', 13), one * 2 + 11 * 16);
  assert.equal(postcopyDiscardBytes('pc.ram', 0), 0);
});
