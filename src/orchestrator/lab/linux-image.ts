/**
 * Where a bzImage keeps the kernel proper, compressed (Documentation/arch/x86/boot.rst, protocol 2.08). An emulated processor
 * takes ten seconds to unpack it; QEMU starts the ELF file inside directly (PVH).
 */
const SIGNATURE_OFFSET = 0x202;
const VERSION_OFFSET = 0x206;
const SETUP_SECTORS_OFFSET = 0x1f1;
const PAYLOAD_OFFSET_OFFSET = 0x248;
const PAYLOAD_LENGTH_OFFSET = 0x24c;
const SECTOR_BYTES = 512;
const OLDEST_VERSION = 0x0208;

/** The build appends the unpacked size to what its compressor wrote, except for gzip, which has it already. */
const SIZE_BYTES = 4;

export type Compression = 'xz' | 'gzip' | 'zstd';

export interface CompressedKernel {
  readonly compression: Compression;
  readonly bytes: Uint8Array;
}

const MAGIC: Readonly<Record<Compression, readonly number[]>> = {
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  gzip: [0x1f, 0x8b, 0x08],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/**
 * @param image a whole bzImage
 * @returns null if it holds nothing that we could unpack; QEMU can start it as it is
 */
export function findCompressedKernel(image: Buffer): CompressedKernel | null {
  if (
    image.length < PAYLOAD_LENGTH_OFFSET + 4 ||
    image.toString('latin1', SIGNATURE_OFFSET, VERSION_OFFSET) !== 'HdrS'
  ) {
    return null;
  }
  if (image.readUInt16LE(VERSION_OFFSET) < OLDEST_VERSION) return null;
  // 0 stands for 4, for the sake of very old boot loaders.
  const setupSectors = image.readUInt8(SETUP_SECTORS_OFFSET) || 4;
  const start = (setupSectors + 1) * SECTOR_BYTES + image.readUInt32LE(PAYLOAD_OFFSET_OFFSET);
  const end = start + image.readUInt32LE(PAYLOAD_LENGTH_OFFSET);
  if (end > image.length) return null;
  const payload = image.subarray(start, end);
  const compression = compressionOf(payload);
  if (compression === null) return null;
  return { compression, bytes: compression === 'gzip' ? payload : payload.subarray(0, -SIZE_BYTES) };
}

function compressionOf(payload: Uint8Array): Compression | null {
  for (const name of ['xz', 'gzip', 'zstd'] as const) {
    if (MAGIC[name].every((byte, i) => payload[i] === byte)) return name;
  }
  return null;
}
