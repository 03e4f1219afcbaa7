import { closeSync, openSync, readSync } from 'node:fs';
import { FrameBlock } from '../packet/frame-block.js';
import { openErrorFrom } from './capture-open-error.js';
import { createParser, resumeParser } from './create-parser.js';
import { createDropTally, type DropTally } from './drop-tally.js';
import type { CaptureError, CaptureFormat, ParserState, RecordParser } from './record-parser.js';
import { findRecordStart } from './record-resync.js';
import { RecordWindow, WINDOW_BYTES } from './record-window.js';
import { requireFormat, SNIFF_BYTES } from './sniff-format.js';

/** A window full of the smallest frames: 40 captured bytes each. */
export const BLOCK_CAPACITY = 8192;

export interface ReadFileOptions {
  /** Only records that start in `[startOffset, endOffset)` are read, those to their ends. Default: the whole file. */
  readonly startOffset?: number;
  readonly endOffset?: number;
  /**
   * What holds at `startOffset`, as far as one can tell without reading what is before it (`probeCapture` gives the
   * state at the first packet). Where the first record begins is then guessed: verify with `rangeFollows`.
   */
  readonly assumedState?: ParserState;
  /** A place where a record is known to begin, and the state there. Nothing is guessed then. */
  readonly knownStart?: { readonly offset: number; readonly state: ParserState };
  /** Begin reading so much before `startOffset`. Those frames come in blocks of their own: see `warmupFrames`. */
  readonly warmupBytes?: number;
  readonly blockCapacity?: number;
  readonly windowBytes?: number;
}

/** What became of reading a range. Plain data, may be sent from a worker. */
export interface RangeOutcome {
  /** Where the first record of the range begins; null if none was found. 0 for a range that begins with the file. */
  firstRecordOffset: number | null;
  /** Where the first record behind the range begins, or the end of the file, or of what could be read. */
  nextRecordOffset: number | null;
  /** State at `firstRecordOffset`; null at the beginning of the file. */
  startState: ParserState | null;
  /** State at `nextRecordOffset`. */
  endState: ParserState | null;
  /** Frames of the range, warm-up not counted. */
  frames: number;
  /** What to add to the numbers of the range behind this one. At least `frames`. */
  lastFrameNumber: number;
  error: CaptureError | null;
  drops: DropTally;
  commentCount: number;
  linkTypes: number[];
}

/**
 * Reads an uncompressed capture file, or a range of it, synchronously: the way of a worker thread.
 *
 * Iterate once. The block is the same object each time and holds good until the next step. Frames are numbered from 1
 * in the range; those of the warm-up have number 0.
 *
 * @throws CaptureOpenError when iteration begins, if the file cannot be opened or is no capture
 */
export function readFileBlocks(path: string, options: ReadFileOptions = {}): FileBlockReader {
  return new FileBlockReader(path, options);
}

export class FileBlockReader implements Iterable<FrameBlock> {
  readonly path: string;
  /** How many frames of the block at hand lie before the range: all or none. */
  warmupFrames = 0;

  readonly #options: ReadFileOptions;
  readonly #startOffset: number;
  readonly #endOffset: number;
  readonly #window: RecordWindow;
  readonly #block: FrameBlock;
  #fd = -1;
  #filePosition = 0;
  #parser: RecordParser | null = null;
  #firstRecordOffset: number | null = null;
  #startState: ParserState | null = null;

  constructor(path: string, options: ReadFileOptions) {
    this.path = path;
    this.#options = options;
    this.#startOffset = options.startOffset ?? 0;
    this.#endOffset = options.endOffset ?? Number.POSITIVE_INFINITY;
    this.#window = new RecordWindow(options.windowBytes ?? WINDOW_BYTES);
    this.#block = new FrameBlock(this.#window.bytes, options.blockCapacity ?? BLOCK_CAPACITY);
  }

  /** Null until iteration has begun. */
  get format(): CaptureFormat | null {
    return this.#parser?.format ?? null;
  }

  /** Null before the beginning, and if no record was found in the range. */
  get parser(): RecordParser | null {
    return this.#parser;
  }

  outcome(): RangeOutcome {
    const parser = this.#parser;
    const isFound = parser !== null && this.#firstRecordOffset !== null;
    return {
      firstRecordOffset: this.#firstRecordOffset,
      nextRecordOffset: isFound ? parser.offset : null,
      startState: this.#startState,
      endState: isFound ? parser.state() : null,
      frames: isFound ? parser.frameCount : 0,
      lastFrameNumber: isFound ? parser.lastFrameNumber : 0,
      error: parser?.error ?? null,
      drops: parser?.drops ?? createDropTally(),
      commentCount: parser?.commentCount ?? 0,
      linkTypes: [...(parser?.linkTypes ?? [])],
    };
  }

  *[Symbol.iterator](): Generator<FrameBlock, void, undefined> {
    try {
      this.#fd = openSync(this.path, 'r');
    } catch (cause) {
      throw openErrorFrom(this.path, cause);
    }
    try {
      this.#parser = this.#createParser();
      if (this.#parser === null) return;
      yield* this.#readWarmup(this.#parser);
      if (this.#parser.error !== null) return;
      this.#firstRecordOffset = this.#parser.offset;
      this.#startState = this.#parser.state();
      this.#parser.stopOffset = this.#endOffset;
      yield* this.#readBlocks(this.#parser);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** @returns a parser at a record, or what is taken for one; null if there is none in the range */
  #createParser(): RecordParser | null {
    const { knownStart, assumedState, warmupBytes = 0 } = this.#options;
    if (knownStart !== undefined) {
      this.#filePosition = knownStart.offset;
      return resumeParser(knownStart.state, knownStart.offset);
    }
    const from = this.#startOffset - warmupBytes;
    if (from <= 0) return createParser(this.#sniff());
    if (assumedState === undefined) {
      throw new TypeError('reading from the middle of a capture takes assumedState or knownStart');
    }
    const found = this.#resynchronise(from, assumedState);
    return found === null ? null : resumeParser(assumedState, found);
  }

  #sniff(): CaptureFormat {
    try {
      while (this.#window.restBytes < SNIFF_BYTES && this.#fill() > 0);
    } catch (cause) {
      throw openErrorFrom(this.path, cause);
    }
    return requireFormat(this.path, this.#window.bytes.subarray(0, Math.min(this.#window.end, SNIFF_BYTES)));
  }

  /** Leaves the window at the record found. */
  #resynchronise(from: number, state: ParserState): number | null {
    const window = this.#window;
    const alignment = state.format === 'pcapng' ? 4 : 1;
    for (let position = Math.ceil(from / alignment) * alignment; position < this.#endOffset; ) {
      this.#filePosition = position;
      window.start = 0;
      window.end = 0;
      while (window.freeBytes > 0 && this.#fill() > 0);
      const isFileEnd = window.freeBytes > 0;
      const found = findRecordStart(window.bytes, 0, window.end, state, isFileEnd);
      if (found >= 0) {
        window.start = found;
        return position + found;
      }
      if (isFileEnd) return null;
      // A chain that began too near to the end of this window fits into the next.
      position += Math.max(alignment, (window.bytes.length >> 1) & ~3);
    }
    return null;
  }

  *#readWarmup(parser: RecordParser): Generator<FrameBlock, void, undefined> {
    if (parser.offset >= this.#startOffset) return;
    parser.stopOffset = this.#startOffset;
    for (const block of this.#readBlocks(parser)) {
      this.warmupFrames = block.count;
      block.frameNumber.fill(0, 0, block.count);
      yield block;
    }
    this.warmupFrames = 0;
    parser.frameCount = 0;
    parser.lastFrameNumber = 0;
    parser.commentCount = 0;
    parser.drops = createDropTally();
  }

  *#readBlocks(parser: RecordParser): Generator<FrameBlock, void, undefined> {
    const window = this.#window;
    const block = this.#block;
    while (parser.offset < parser.stopOffset) {
      window.start = parser.parse(window.bytes, window.start, window.end, block);
      const isFull = block.count === block.capacity;
      if (block.count > 0) yield block;
      if (parser.error !== null) return;
      if (isFull || parser.offset >= parser.stopOffset) continue;
      window.makeRoom(parser.neededBytes);
      if (!this.#readOn(parser)) return;
    }
  }

  /** @returns false at the end of the file, or if it cannot be read on */
  #readOn(parser: RecordParser): boolean {
    try {
      if (this.#fill() > 0) return true;
      parser.finish(this.#window.restBytes);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      parser.error = {
        message: `reading failed at offset ${this.#filePosition}: ${reason}`,
        offset: parser.offset,
      };
    }
    return false;
  }

  #fill(): number {
    const window = this.#window;
    const read = readSync(this.#fd, window.bytes, window.end, window.freeBytes, this.#filePosition);
    window.end += read;
    this.#filePosition += read;
    return read;
  }
}
