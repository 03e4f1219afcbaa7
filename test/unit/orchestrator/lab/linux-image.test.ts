import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { findCompressedKernel } from '../../../../src/orchestrator/lab/linux-image.js';

const ELF = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(3000, 0x5a)]);

/** A bzImage as far as boot.rst describes it: setup sectors, then the loader with the compressed kernel somewhere inside. */
function bzImage(
  payload: Buffer,
  { setupSectors = 3, version = 0x020f, before = 77, after = 500 } = {},
): Buffer {
  const setup = Buffer.alloc(((setupSectors || 4) + 1) * 512);
  setup.writeUInt8(setupSectors, 0x1f1);
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt16LE(version, 0x206);
  setup.writeUInt32LE(before, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(before, 1), payload, Buffer.alloc(after, 2)]);
}

test('the kernel inside a bzImage is found wherever the header says', () => {
  for (const setupSectors of [3, 0, 31]) {
    const found = findCompressedKernel(bzImage(gzipSync(ELF), { setupSectors }));
    assert.equal(found?.compression, 'gzip');
    assert.deepEqual(gunzipSync(found?.bytes ?? ''), ELF);
  }
});

test('the size that the build appends is no part of what xz and zstd wrote', () => {
  const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 1, 2, 3]);
  const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 5, 6]);
  const size = Buffer.from([0xaa, 0xbb, 0xcc, 0xdd]);
  for (const [compression, stream] of [
    ['xz', xz],
    ['zstd', zstd],
  ] as const) {
    const found = findCompressedKernel(bzImage(Buffer.concat([stream, size])));
    assert.deepEqual([found?.compression, Buffer.from(found?.bytes ?? [])], [compression, stream]);
  }
});

test('what is no such image is left to QEMU', () => {
  const image = bzImage(gzipSync(ELF));
  const lz4 = bzImage(Buffer.from([0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0]));
  for (const wrong of [ELF, Buffer.alloc(0), image.subarray(0, 600), image.subarray(0, 2100), lz4]) {
    assert.equal(findCompressedKernel(Buffer.from(wrong)), null);
  }
  assert.equal(findCompressedKernel(bzImage(gzipSync(ELF), { version: 0x0207 })), null);
});
