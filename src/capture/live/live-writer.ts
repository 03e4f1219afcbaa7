import { closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type { LiveBlock } from './live-block.js';
import type { CaptureCounts } from './native-addon.js';
import { type CapturedInterface, renderFileEnd, renderFileStart } from './pcapng-live-blocks.js';

/** How much a ring of files keeps. */
export interface RingLimits {
  /** Greatest size of a file. */
  readonly fileBytes: number;
  /** Files kept: the oldest goes when one more begins. Null: all. */
  readonly files: number | null;
}

/** A file of captured packets could not be begun or gone on with. What was written before is complete and valid. */
export class LiveWriteError extends Error {
  override readonly name = 'LiveWriteError';
}

/** Guest memory may be in it in the clear. */
const FILE_MODE = 0o600;
const NO_COUNTS: CaptureCounts = { received: 0, kernelDrops: 0, interfaceDrops: 0 };
const STATISTICS_BYTES = renderFileEnd({ startNs: 0n, endNs: 0n, written: 0, counts: NO_COUNTS }).length;

/**
 * Writes live blocks to a pcapng file, or to a ring of them: one write for each block. Every file stands for itself: it begins
 * with section header and interface and ends with the statistics of its time.
 *
 * A file is valid up to its last record at any time; on a full disk it is cut back to the last whole record that leaves room for
 * the statistics.
 */
export class LiveWriter {
  readonly #path: string;
  readonly #captured: CapturedInterface;
  readonly #ring: RingLimits | null;
  readonly #nowNs: () => bigint;
  #packets = 0;
  readonly #files: string[] = [];
  #created = 0;
  /** The file being written, or that could not be. */
  #file = '';
  #fd = -1;
  /** Where the file's whole records end. */
  #end = 0;
  /** Bytes written behind that. */
  #unfinished = 0;
  #filePackets = 0;
  #fileStartNs = 0n;
  #countsBefore: CaptureCounts = NO_COUNTS;

  /**
   * Begins the first file; one of its name is overwritten.
   * @param path of the file; those of a ring get numbers in front of the extension
   * @throws LiveWriteError
   */
  constructor(
    path: string,
    captured: CapturedInterface,
    ring: RingLimits | null,
    nowNs: () => bigint = () => BigInt(Date.now()) * 1_000_000n,
  ) {
    this.#path = path;
    this.#captured = captured;
    this.#ring = ring;
    this.#nowNs = nowNs;
    this.#begin();
  }

  /** Written to all files, those included that are gone by now. */
  get packets(): number {
    return this.#packets;
  }

  /** Files that are there, oldest first. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** Of the file being written. */
  get descriptor(): number {
    return this.#fd;
  }

  /**
   * Adds a block. Call it before ESP in the block is decrypted.
   * @param counts of the capture as they are now
   * @throws LiveWriteError if the disk is full, say; the file has been closed then
   */
  write(block: LiveBlock, counts: () => CaptureCounts): void {
    const needed = this.#end + block.recordBytes + STATISTICS_BYTES;
    if (this.#ring !== null && this.#filePackets > 0 && needed > this.#ring.fileBytes) {
      this.close(counts());
      this.#begin();
    }
    try {
      this.#append(block.data, block.recordBytes);
      this.#count(block.count);
    } catch (cause) {
      this.#keepWholeRecords(block, counts());
      throw this.#failure(cause);
    }
  }

  /** Completes the file. Does nothing if it is closed. @throws LiveWriteError */
  close(counts: CaptureCounts): void {
    if (this.#fd < 0) return;
    try {
      const statistics = this.#statistics(counts);
      this.#append(statistics, statistics.length);
      this.#countsBefore = counts;
    } catch (cause) {
      this.#cutBack();
      throw this.#failure(cause);
    } finally {
      this.#closeFile();
    }
  }

  #begin(): void {
    this.#file = this.#ring === null ? this.#path : numbered(this.#path, ++this.#created);
    const start = renderFileStart(this.#captured);
    try {
      this.#fd = openSync(this.#file, 'w', FILE_MODE);
      this.#files.push(this.#file);
      this.#end = 0;
      this.#filePackets = 0;
      this.#fileStartNs = this.#nowNs();
      this.#removeOldest();
      this.#append(start, start.length);
    } catch (cause) {
      this.#abandonFile();
      throw this.#failure(cause);
    }
  }

  /** A file without its beginning is none. A device is not ours to remove. */
  #abandonFile(): void {
    if (this.#fd < 0) return;
    const isFile = fstatSync(this.#fd).isFile();
    this.#closeFile();
    this.#files.pop();
    try {
      if (isFile) removeIfThere(this.#file);
    } catch {
      // What is wrong is being told already.
    }
  }

  #removeOldest(): void {
    const limit = this.#ring?.files ?? null;
    while (limit !== null && this.#files.length > limit) removeIfThere(this.#files.shift()!);
  }

  #append(data: Uint8Array, length: number): void {
    this.#unfinished = 0;
    while (this.#unfinished < length) {
      this.#unfinished += writeSync(this.#fd, data, this.#unfinished, length - this.#unfinished);
    }
    this.#end += length;
  }

  #count(packets: number): void {
    this.#filePackets += packets;
    this.#packets += packets;
  }

  /** Of a block that was written in part: as many records as leave room for the statistics. */
  #keepWholeRecords(block: LiveBlock, counts: CaptureCounts): void {
    const { records, bytes } = wholeRecords(block, this.#unfinished - STATISTICS_BYTES);
    this.#end += bytes;
    this.#count(records);
    this.#cutBack();
    try {
      const written = writeSync(this.#fd, this.#statistics(counts), 0, STATISTICS_BYTES, this.#end);
      if (written < STATISTICS_BYTES) this.#cutBack();
    } catch {
      // Without statistics the file is whole all the same.
    } finally {
      this.#closeFile();
    }
  }

  /** To the last whole record, where the file lets itself be cut. */
  #cutBack(): void {
    try {
      ftruncateSync(this.#fd, this.#end);
    } catch {
      // What is wrong with the file is being told already.
    }
  }

  #statistics(counts: CaptureCounts): Uint8Array {
    const before = this.#countsBefore;
    return renderFileEnd({
      startNs: this.#fileStartNs,
      endNs: this.#nowNs(),
      written: this.#filePackets,
      counts: {
        received: counts.received - before.received,
        kernelDrops: counts.kernelDrops - before.kernelDrops,
        interfaceDrops: counts.interfaceDrops - before.interfaceDrops,
      },
    });
  }

  #failure(cause: unknown): LiveWriteError {
    const reason = reasonOf(cause, this.#file);
    const kept = this.#packets === 0 ? '' : `; the ${this.#packets} packets before are complete`;
    return new LiveWriteError(`cannot write ${this.#file}: ${reason}${kept}`, { cause });
  }

  #closeFile(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** `capture.pcapng` -> `capture-00001.pcapng`: a shell lists them in the order of time. */
function numbered(path: string, index: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}-${String(index).padStart(5, '0')}${extension}`);
}

/** @returns how many of the block's records fit into `room` bytes, and how long they are */
function wholeRecords(block: LiveBlock, room: number): { records: number; bytes: number } {
  const view = new DataView(block.data.buffer, block.data.byteOffset, block.recordBytes);
  let records = 0;
  let bytes = 0;
  while (records < block.count) {
    const recordBytes = view.getUint32(bytes + 4, true);
    if (bytes + recordBytes > room) break;
    bytes += recordBytes;
    records++;
  }
  return { records, bytes };
}

/** Whoever takes files away may. */
function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function reasonOf(cause: unknown, file: string): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code, errno, path } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EDQUOT') return 'the quota of disk space is used up';
  if (code === 'EISDIR') return 'it is a directory';
  const text = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  // One that is to be removed is another one than the one that is written.
  return text === undefined || (path !== undefined && path !== file) ? cause.message : text;
}
