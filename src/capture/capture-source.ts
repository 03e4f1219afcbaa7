import { createReadStream, type Stats, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FrameBlock } from '../packet/frame-block.js';
import { CaptureOpenError, directoryError, openErrorFrom } from './capture-open-error.js';
import { createParser } from './create-parser.js';
import { totalDrops } from './drop-tally.js';
import { gunzipChunks } from './gunzip-chunks.js';
import { linkTypeName } from './link-type-name.js';
import { readFileBlocks } from './read-file-blocks.js';
import { peekChunks, readStreamBlocks } from './read-stream-blocks.js';
import type { CaptureError, CaptureFormat, RecordParser } from './record-parser.js';
import { isGzip, requireFormat, SNIFF_BYTES } from './sniff-format.js';

/** The name that stands for standard input. */
export const STANDARD_INPUT = '-';

/** Blocks between two turns of the event loop, about 8 MiB: timers (progress bars) go on, reading is not held up. */
const BLOCKS_PER_TURN = 16;

const COMPRESSED_CHUNK_BYTES = 256 * 1024;

interface Feed {
  readonly format: CaptureFormat;
  readonly compressed: boolean;
  parser(): RecordParser | null;
  /** Bytes taken from the file or pipe, compressed if it is. */
  bytesRead(): number;
  blocks(): AsyncIterable<FrameBlock>;
  cancel(): void;
}

/**
 * An open capture. Iterate it once; each block holds good until the next step, and is the same object each time. What
 * could not be read is in `error` once the iteration has ended: reading itself never throws.
 */
export class CaptureSource implements AsyncIterable<FrameBlock> {
  readonly path: string;
  readonly format: CaptureFormat;
  readonly compressed: boolean;
  /** Bytes of the file as it lies there; null for a pipe. */
  readonly sizeBytes: number | null;
  /** An uncompressed regular file, which `planChunks` can divide. */
  readonly seekable: boolean;
  readonly #feed: Feed;

  constructor(path: string, sizeBytes: number | null, seekable: boolean, feed: Feed) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.seekable = seekable;
    this.format = feed.format;
    this.compressed = feed.compressed;
    this.#feed = feed;
  }

  [Symbol.asyncIterator](): AsyncIterator<FrameBlock> {
    return this.#feed.blocks()[Symbol.asyncIterator]();
  }

  get framesRead(): number {
    return this.#feed.parser()?.frameCount ?? 0;
  }

  /** How far reading has come, of `sizeBytes`. */
  get bytesRead(): number {
    return this.#feed.bytesRead();
  }

  /** tcpdump's names, of all that the file has declared so far. */
  get linkTypes(): string[] {
    return [...(this.#feed.parser()?.linkTypes ?? [])].map(linkTypeName);
  }

  /** Packets lost while capturing, as the file itself says; null if it says nothing. */
  get reportedDrops(): number | null {
    const parser = this.#feed.parser();
    return parser === null ? null : totalDrops(parser.drops);
  }

  get commentCount(): number {
    return this.#feed.parser()?.commentCount ?? 0;
  }

  get error(): CaptureError | null {
    return this.#feed.parser()?.error ?? null;
  }

  /** Lets go of a capture that is not iterated to its end. */
  close(): void {
    this.#feed.cancel();
  }
}

/**
 * Opens a capture file, or standard input for `-`; recognises pcap, pcapng, and gzip of either, by what they begin with.
 *
 * @throws CaptureOpenError
 */
export async function openCapture(path: string): Promise<CaptureSource> {
  if (path === STANDARD_INPUT) return openCaptureStream(process.stdin, 'standard input');
  const stats = statFile(path);
  if (stats.isDirectory()) throw directoryError(path);
  const sizeBytes = stats.isFile() ? stats.size : null;
  const stream = createReadStream(path, { highWaterMark: COMPRESSED_CHUNK_BYTES });
  const opened = await openCaptureStream(stream, path, sizeBytes);
  if (sizeBytes === null || opened.compressed) return opened;
  opened.close();
  return new CaptureSource(path, sizeBytes, true, createFileFeed(path, opened.format));
}

/**
 * Opens a capture that comes through a pipe.
 *
 * @param name stands for the path in messages
 * @throws CaptureOpenError
 */
export async function openCaptureStream(
  stream: Readable,
  name: string,
  sizeBytes: number | null = null,
): Promise<CaptureSource> {
  try {
    return new CaptureSource(name, sizeBytes, false, await createStreamFeed(stream, name));
  } catch (cause) {
    stream.destroy();
    throw cause instanceof CaptureOpenError ? cause : openErrorFrom(name, cause);
  }
}

function statFile(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw openErrorFrom(path, cause);
  }
}

function createFileFeed(path: string, format: CaptureFormat): Feed {
  const reader = readFileBlocks(path);
  return {
    format,
    compressed: false,
    parser: () => reader.parser,
    bytesRead: () => reader.parser?.offset ?? 0,
    blocks: () => takingTurns(reader),
    cancel: () => {},
  };
}

async function* takingTurns(blocks: Iterable<FrameBlock>): AsyncGenerator<FrameBlock, void, undefined> {
  let untilTurn = BLOCKS_PER_TURN;
  for (const block of blocks) {
    yield block;
    if (--untilTurn === 0) {
      await setImmediate();
      untilTurn = BLOCKS_PER_TURN;
    }
  }
}

async function createStreamFeed(stream: Readable, name: string): Promise<Feed> {
  let bytesRead = 0;
  const count = (bytes: number) => {
    bytesRead += bytes;
  };
  const outer = await peekChunks(stream, SNIFF_BYTES);
  const compressed = isGzip(outer.head);
  const plain = compressed ? gunzipChunks(outer.chunks, count) : countBytes(outer.chunks, count);
  const { head, chunks } = await peekChunks(plain, SNIFF_BYTES);
  const parser = createParser(requireFormat(name, head));
  const blocks = readStreamBlocks(chunks, parser);
  return {
    format: parser.format,
    compressed,
    parser: () => parser,
    bytesRead: () => bytesRead,
    blocks: () => blocks,
    cancel: () => stream.destroy(),
  };
}

async function* countBytes(
  chunks: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}
