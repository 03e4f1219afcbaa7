import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { RebuiltMemory } from './expose-capture.js';

/** Of a file system's block. */
const PIECE_BYTES = 4096;

/**
 * Writes a guest's main memory as an image: byte by byte at the address it has in its RAM block, which for a PC is the physical address
 * up to the first gap. What is zero, or was not seen, takes no room on the disk. Readable by its owner alone.
 * @param path of a file that is not there yet
 * @returns bytes written, holes left out
 * @throws Error of node:fs
 */
export function writeMemoryImage({ memory, block, bytes }: RebuiltMemory, path: string): number {
  const file = openSync(path, 'wx', 0o600);
  let written = 0;
  try {
    ftruncateSync(file, bytes);
    memory.forEachChunk(block, (firstPage, chunk) => {
      const start = firstPage * memory.pageBytes;
      const end = Math.min(chunk.length, bytes - start);
      for (let at = 0; at < end; at += PIECE_BYTES) {
        const to = Math.min(at + PIECE_BYTES, end);
        if (isZero(chunk, at, to)) continue;
        for (let done = at; done < to; ) done += writeSync(file, chunk, done, to - done, start + done);
        written += to - at;
      }
    });
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return written;
}

function isZero(data: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (data[i] !== 0) return false;
  return true;
}
