import { FrameBlock } from '../packet/frame-block.js';
import { BLOCK_CAPACITY } from './read-file-blocks.js';
import type { RecordParser } from './record-parser.js';
import { RecordWindow } from './record-window.js';

/**
 * Reads frames off a stream of bytes: standard input, or what comes out of gzip. Frames are given out as soon as their
 * bytes are there, so that a live pipe is followed.
 *
 * The block is the same object each time and holds good until the next step. Errors, those of the stream included, are
 * left in `parser.error`: what came before them has been given out.
 *
 * @param chunks a Readable, or any other source of bytes
 */
export async function* readStreamBlocks(
  chunks: AsyncIterable<Uint8Array>,
  parser: RecordParser,
): AsyncGenerator<FrameBlock, void, undefined> {
  const window = new RecordWindow();
  const block = new FrameBlock(window.bytes, BLOCK_CAPACITY);
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const chunk = await nextChunk(source, parser);
      if (chunk === null) break;
      for (let taken = 0; taken < chunk.length; ) {
        if (window.freeBytes === 0 || window.restBytes === 0) window.makeRoom(parser.neededBytes);
        taken += window.append(taken === 0 ? chunk : chunk.subarray(taken));
        yield* parseWindow(window, parser, block);
        if (parser.error !== null) return;
      }
    }
    parser.finish(window.restBytes);
  } finally {
    await source.return?.();
  }
}

function* parseWindow(
  window: RecordWindow,
  parser: RecordParser,
  block: FrameBlock,
): Generator<FrameBlock, void, undefined> {
  do {
    window.start = parser.parse(window.bytes, window.start, window.end, block);
    if (block.count > 0) yield block;
  } while (block.count === block.capacity && parser.error === null);
}

/** @returns null at the end, and if the stream fails */
async function nextChunk(
  source: AsyncIterator<Uint8Array>,
  parser: RecordParser,
): Promise<Uint8Array | null> {
  try {
    const step = await source.next();
    return step.done ? null : step.value;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    parser.error = {
      message: `${reason}; every packet before offset ${parser.offset} was read`,
      offset: parser.offset,
    };
    return null;
  }
}

export interface PeekedChunks {
  /** At least as many bytes as were asked for, unless the stream has fewer. */
  head: Uint8Array;
  /** The whole stream, `head` included. */
  chunks: AsyncIterable<Uint8Array>;
}

/**
 * Looks at the beginning of a stream without consuming it.
 *
 * @throws whatever the stream fails with before `bytes` have come
 */
export async function peekChunks(stream: AsyncIterable<Uint8Array>, bytes: number): Promise<PeekedChunks> {
  const source = stream[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  let failure: { cause: unknown } | null = null;
  while (length < bytes) {
    try {
      const step = await source.next();
      if (step.done) break;
      first.push(step.value);
      length += step.value.length;
    } catch (cause) {
      if (length === 0) throw cause;
      failure = { cause };
      break;
    }
  }
  return { head: Buffer.concat(first), chunks: rejoin(first, source, failure) };
}

async function* rejoin(
  first: readonly Uint8Array[],
  source: AsyncIterator<Uint8Array>,
  failure: { cause: unknown } | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* first;
    if (failure !== null) throw failure.cause;
    for (let step = await source.next(); !step.done; step = await source.next()) yield step.value;
  } finally {
    await source.return?.();
  }
}
