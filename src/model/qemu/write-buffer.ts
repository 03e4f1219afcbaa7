import { FILE_BUFFER_BYTES, FILE_IOVECS, NORMAL_PAGE_BYTES, PAGE_BYTES } from './stream-framing.js';

/**
 * What is put into a `QEMUFile` and not yet written: small pieces are copied into a buffer of 32 KiB, pages are referred to
 * (`qemu_put_buffer_async`). It goes out when the buffer is full, when 64 pieces are listed, or when it is flushed. Pieces in the buffer
 * that touch are one (`add_to_iovec`), so pages alternate with what lies between them.
 */
export class WriteBuffer {
  #buffered = 0;
  #pages = 0;
  /** A page was put last: what is copied next is a piece of its own. */
  #afterPage = true;
  #pieces = 0;

  get bytes(): number {
    return this.#buffered + this.#pages * PAGE_BYTES;
  }

  /** Whether QEMU writes now. */
  get full(): boolean {
    return this.#buffered >= FILE_BUFFER_BYTES || this.#pieces >= FILE_IOVECS;
  }

  /** Copies bytes into the buffer; at most as many as it holds. */
  put(bytes: number): void {
    if (this.#afterPage) {
      this.#afterPage = false;
      this.#pieces++;
    }
    this.#buffered += bytes;
  }

  /** Refers to a page behind its header of `headerBytes`. */
  putPage(headerBytes: number): void {
    this.put(headerBytes);
    this.#pages++;
    this.#pieces++;
    this.#afterPage = true;
  }

  /** @returns bytes of the write that empties it; what did not fit the full buffer stays */
  take(): number {
    const rest = Math.max(0, this.#buffered - FILE_BUFFER_BYTES);
    const bytes = this.bytes - rest;
    this.#buffered = rest;
    this.#pages = 0;
    this.#afterPage = rest === 0;
    this.#pieces = rest === 0 ? 0 : 1;
    return bytes;
  }
}

/** Pages with content of one write. */
export const PAGES_PER_WRITE = FILE_IOVECS / 2;
/** Bytes of such a write where nothing else is in it. */
export const WRITE_BYTES = PAGES_PER_WRITE * NORMAL_PAGE_BYTES;
