/**
 * Fits the second-level cache: reading through buffers of 256 to 512 KiB is about twice as fast as through larger ones,
 * which are out of the cache by the time the decoder comes to them.
 */
export const WINDOW_BYTES = 128 * 1024;

/**
 * The buffer between I/O and parser, used over and over. `bytes[start, end)` is read and not yet parsed. It grows for a
 * record that is longer; parsers bound how long a record may be.
 */
export class RecordWindow {
  bytes: Uint8Array;
  start = 0;
  end = 0;

  constructor(size = WINDOW_BYTES) {
    this.bytes = new Uint8Array(size);
  }

  get restBytes(): number {
    return this.end - this.start;
  }

  get freeBytes(): number {
    return this.bytes.length - this.end;
  }

  /**
   * Moves the rest to the front, so that a record of `neededBytes` fits behind `start`, and at least one byte more than
   * the rest. Frames given out point into `bytes`: call this when they are done with.
   */
  makeRoom(neededBytes: number): void {
    const needed = Math.max(neededBytes, this.restBytes + 1);
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(needed);
      larger.set(this.bytes.subarray(this.start, this.end));
      this.bytes = larger;
    } else if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
    }
    this.end -= this.start;
    this.start = 0;
  }

  /** Takes as much of `chunk` as there is room for. @returns bytes taken */
  append(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, this.freeBytes);
    this.bytes.set(taken === chunk.length ? chunk : chunk.subarray(0, taken), this.end);
    this.end += taken;
    return taken;
  }
}
