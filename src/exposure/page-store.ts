import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Pages are kept together in chunks of this size; every page size of QEMU's targets divides it. */
export const CHUNK_BYTES = 1 << 18;
/** 64 MiB of chunks. */
const CHUNKS_IN_MEMORY = 256;
/** What is written away at least: the blocks of file systems. */
const BLOCK_BYTES = 4096;

/** What could not be kept: the temporary file cannot be written or read. */
export class PageStoreError extends Error {
  override readonly name = 'PageStoreError';
}

interface Resident {
  readonly bytes: Uint8Array;
  /** Of each block whether it was changed since it was read. */
  readonly changed: Uint8Array;
}

/**
 * Chunks of memory by number, as many as are asked for, of which a bounded number is held in memory. The others lie in a temporary
 * file without a name, which is made when it is first needed: whatever happens to the process, nothing is left of it.
 */
export class PageStore {
  /** Chunks that there are. */
  count = 0;
  /** Spans of pages that may still be kept track of, in all memories that lie here: 256 GiB of 4096-byte pages. */
  freeSpans = 1 << 14;
  private readonly limit: number;
  private readonly folder: string;
  /** Least recently used first. */
  private readonly resident = new Map<number, Resident>();
  private recentNumber = -1;
  private recent: Resident = newResident(0);
  private file = -1;

  /**
   * @param folder of the temporary file
   * @param limit chunks in memory at a time; at least 1
   */
  constructor(folder: string = tmpdir(), limit: number = CHUNKS_IN_MEMORY) {
    this.folder = folder;
    this.limit = limit;
  }

  /** @returns number of a new chunk, all zero */
  add(): number {
    const number = this.count++;
    this.keep(number, newResident(CHUNK_BYTES));
    return number;
  }

  /**
   * @returns the chunk's bytes, valid until another chunk is asked for
   * @throws PageStoreError
   */
  read(number: number): Uint8Array {
    return this.find(number).bytes;
  }

  /** The same, to write into `bytes[at .. at + length)`. @throws PageStoreError */
  change(number: number, at: number, length: number): Uint8Array {
    const { bytes, changed } = this.find(number);
    changed.fill(1, Math.floor(at / BLOCK_BYTES), Math.ceil((at + length) / BLOCK_BYTES));
    return bytes;
  }

  /** Gives everything back; nothing may be asked for afterwards. */
  close(): void {
    this.resident.clear();
    this.recentNumber = -1;
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }

  private find(number: number): Resident {
    if (number === this.recentNumber) return this.recent;
    const found = this.resident.get(number);
    if (found === undefined) {
      const chunk = newResident(CHUNK_BYTES);
      this.readBack(number, chunk.bytes);
      return this.keep(number, chunk);
    }
    this.resident.delete(number);
    return this.keep(number, found);
  }

  private keep(number: number, chunk: Resident): Resident {
    this.resident.set(number, chunk);
    this.recentNumber = number;
    this.recent = chunk;
    if (this.resident.size > this.limit) this.evict();
    return chunk;
  }

  private evict(): void {
    for (const [number, chunk] of this.resident) {
      this.writeAway(number, chunk);
      this.resident.delete(number);
      return;
    }
  }

  private writeAway(number: number, { bytes, changed }: Resident): void {
    try {
      for (let block = changed.indexOf(1); block >= 0; block = changed.indexOf(1, block + 1)) {
        if (this.file < 0) this.file = openNameless(this.folder);
        const end = (block + 1) * BLOCK_BYTES;
        for (let at = block * BLOCK_BYTES; at < end; ) {
          at += writeSync(this.file, bytes, at, end - at, number * CHUNK_BYTES + at);
        }
      }
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** What was never written away is zero: the file is sparse. */
  private readBack(number: number, bytes: Uint8Array): void {
    if (this.file < 0) return;
    try {
      const start = number * CHUNK_BYTES;
      for (let at = 0; at < CHUNK_BYTES; ) {
        const count = readSync(this.file, bytes, at, CHUNK_BYTES - at, start + at);
        if (count === 0) return;
        at += count;
      }
    } catch (error) {
      throw this.failure(error);
    }
  }

  private failure(cause: unknown): PageStoreError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const what = `the rebuilt memory does not fit into ${this.folder}`;
    return new PageStoreError(`${what}: ${reason}; set TMPDIR to a folder with room for it`, { cause });
  }
}

function newResident(bytes: number): Resident {
  return { bytes: new Uint8Array(bytes), changed: new Uint8Array(bytes / BLOCK_BYTES) };
}

/** For its owner alone while it has a name. */
function openNameless(folder: string): number {
  const path = join(folder, `tare-memory-${randomBytes(8).toString('hex')}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}
