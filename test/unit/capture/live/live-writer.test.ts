import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LiveBlock } from '../../../../src/capture/live/live-block.js';
import { LiveWriteError, LiveWriter } from '../../../../src/capture/live/live-writer.js';
import type { CaptureCounts } from '../../../../src/capture/live/native-addon.js';
import { requireTool, runTool } from '../../../tool.js';
import { withFolder } from '../../cli/run-tare.js';

const CAPTURED = { device: 'eth1', filter: 'esp or ah', linkType: 1, snapLength: 262_144 };
const START_NS = 1_767_225_600_123_456_789n;
const NONE: CaptureCounts = { received: 0, kernelDrops: 0, interfaceDrops: 0 };

/** As the addon fills it: `frames` packets of `bytes` bytes, each a nanosecond after the one before. */
function fill(frames: number, bytes: number): LiveBlock {
  const padded = (bytes + 3) & ~3;
  const recordBytes = 32 + padded;
  const block = new LiveBlock(Buffer.alloc(frames * recordBytes), frames);
  const view = new DataView(block.data.buffer, block.data.byteOffset);
  for (let i = 0; i < frames; i++) {
    const at = i * recordBytes;
    const time = START_NS + BigInt(i);
    const words = [6, recordBytes, 0, Number(time >> 32n), Number(time & 0xffff_ffffn), bytes, bytes + 10];
    for (const [word, value] of words.entries()) view.setUint32(at + 4 * word, value, true);
    block.data.fill(i & 0xff, at + 28, at + 28 + bytes);
    view.setUint32(at + recordBytes - 4, recordBytes, true);
  }
  block.count = frames;
  block.recordBytes = frames * recordBytes;
  return block;
}

test('tshark reads interface, filter, times to the nanosecond and lengths of what is written', (t) => {
  if (!requireTool(t, 'tshark')) return;
  withFolder((folder) => {
    const file = join(folder, 'a.pcapng');
    const writer = new LiveWriter(file, CAPTURED, null, () => START_NS);
    writer.write(fill(3, 61), () => NONE);
    writer.close({ received: 8, kernelDrops: 4, interfaceDrops: 1 });
    const fields = ['frame.interface_name', 'frame.time_epoch', 'frame.cap_len', 'frame.len'];
    const args = ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    assert.deepEqual(runTool('tshark', args).stdout.trim().split('\n'), [
      'eth1\t1767225600.123456789\t61\t71',
      'eth1\t1767225600.123456790\t61\t71',
      'eth1\t1767225600.123456791\t61\t71',
    ]);
    const info = runTool('capinfos', [file]).stdout;
    assert.match(info, /Name = eth1/);
    assert.match(info, /Filter string = esp or ah|Filter = esp or ah/);
    assert.match(info, /Number of stat entries = 1/);
  });
});

test('statistics of each file in a ring are of its own time, and add up', () =>
  withFolder((folder) => {
    const writer = new LiveWriter(join(folder, 'r.pcapng'), CAPTURED, { fileBytes: 3000, files: null });
    const counts = [10, 25, 60].map((received) => ({
      received,
      kernelDrops: received / 5,
      interfaceDrops: 0,
    }));
    for (const each of counts) writer.write(fill(10, 200), () => each);
    writer.close({ received: 100, kernelDrops: 20, interfaceDrops: 3 });
    const names = readdirSync(folder).sort();
    assert.deepEqual(names, ['r-00001.pcapng', 'r-00002.pcapng', 'r-00003.pcapng']);
    assert.deepEqual(
      names.map((name) => readStatistics(readFileSync(join(folder, name)))),
      [
        { 4: 0, 5: 0, 6: 25, 7: 5, 8: 10 },
        { 4: 0, 5: 0, 6: 35, 7: 7, 8: 10 },
        { 4: 0, 5: 3, 6: 40, 7: 8, 8: 10 },
      ],
    );
    assert.equal(writer.packets, 30);
  }));

/** Counts of the interface statistics block, a file's last one, by their option codes. */
function readStatistics(file: Buffer): Record<number, number> {
  const blockBytes = file.readUInt32LE(file.length - 4);
  const block = file.subarray(file.length - blockBytes);
  assert.equal(block.readUInt32LE(0), 5);
  const counts: Record<number, number> = { 4: 0 };
  for (let at = 20; block.readUInt16LE(at) !== 0; at += 4 + block.readUInt16LE(at + 2)) {
    const code = block.readUInt16LE(at);
    if (code >= 4) counts[code] = Number(block.readBigUInt64LE(at + 4));
  }
  return counts;
}

test('a ring keeps so many files and never lets one grow beyond its size', () =>
  withFolder((folder) => {
    const writer = new LiveWriter(join(folder, 'r.pcapng'), CAPTURED, { fileBytes: 5000, files: 2 });
    for (let i = 0; i < 9; i++) writer.write(fill(10, 200), () => NONE);
    writer.close(NONE);
    assert.deepEqual(readdirSync(folder).sort(), ['r-00004.pcapng', 'r-00005.pcapng']);
    assert.deepEqual(writer.files, [join(folder, 'r-00004.pcapng'), join(folder, 'r-00005.pcapng')]);
    for (const file of writer.files) assert.ok(statSync(file).size <= 5000);
  }));

test('files of a ring that somebody took away are not missed', () =>
  withFolder((folder) => {
    const writer = new LiveWriter(join(folder, 'r.pcapng'), CAPTURED, { fileBytes: 3000, files: 1 });
    writer.write(fill(10, 200), () => NONE);
    runTool('rm', [join(folder, 'r-00001.pcapng')]);
    writer.write(fill(10, 200), () => NONE);
    writer.close(NONE);
    assert.deepEqual(readdirSync(folder), ['r-00002.pcapng']);
  }));

test('captures are for their owner alone, and replace what was there', () =>
  withFolder((folder) => {
    const file = join(folder, 'new.pcapng');
    new LiveWriter(file, CAPTURED, null).close(NONE);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const size = statSync(file).size;
    writeFileSync(file, Buffer.alloc(10_000));
    new LiveWriter(file, CAPTURED, null).close(NONE);
    assert.equal(statSync(file).size, size);
  }));

test('a file of a ring that cannot be begun is named, not the one before, which is whole', () =>
  withFolder((folder) => {
    const writer = new LiveWriter(join(folder, 'r.pcapng'), CAPTURED, { fileBytes: 3000, files: null });
    writer.write(fill(10, 200), () => NONE);
    mkdirSync(join(folder, 'r-00002.pcapng'));
    assert.throws(
      () => writer.write(fill(10, 200), () => NONE),
      (error: unknown) =>
        error instanceof LiveWriteError &&
        /cannot write \S+r-00002\.pcapng: it is a directory; the 10 packets before are complete/.test(
          error.message,
        ),
    );
    assert.deepEqual(writer.files, [join(folder, 'r-00001.pcapng')]);
    assert.equal(readStatistics(readFileSync(writer.files[0]!))[8], 10);
  }));

test('a file that cannot be begun is named with the reason', () =>
  withFolder((folder) => {
    const file = join(folder, 'nowhere', 'a.pcapng');
    const isExplained = (error: unknown) =>
      error instanceof LiveWriteError &&
      error.message.startsWith(`cannot write ${file}: no such file or directory`);
    assert.throws(() => new LiveWriter(file, CAPTURED, null), isExplained);
    assert.throws(
      () => new LiveWriter('/dev/full', CAPTURED, null),
      /cannot write \/dev\/full: the disk is full$/,
    );
    assert.ok(existsSync('/dev/full'), 'a device is not removed');
  }));
