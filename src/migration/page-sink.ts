/** How a page's content is written where it is not sent as it is. */
export type PageEncoding = 'xbzrle' | 'deflated';

/**
 * Takes the content of pages as it passes, for whoever wants to rebuild the guest's memory. Content comes in as many pieces as
 * there were segments, those of several
 * channels interleaved, and is valid during the call only.
 *
 * Channels overtake each other: of two contents of a page the one with the higher epoch is the later one. Epochs are counted from 0,
 * modulo 2^16, and do not decrease on one connection; pages that post-copy sends are the last in any case, and have none.
 */
export interface PageSink {
  /**
   * @param block name of the RAM block
   * @param offset of the page in its block
   * @param at offset in the page of the piece, which is `data[from .. from + length)`
   */
  content(
    block: string,
    offset: number,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
    timeNs: number,
    epoch?: number,
  ): void;
  /** A page of one repeated byte. */
  fill(block: string, offset: number, byte: number, timeNs: number, epoch?: number): void;
  /**
   * A piece of a page that is written as differences to its content before (QEMU's XBZRLE) or deflated (zlib).
   * @param at offset of the piece in what is written, which has `bytes` bytes
   */
  encoded?(
    block: string,
    offset: number,
    encoding: PageEncoding,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
    bytes: number,
  ): void;
  /** A page was sent, but nothing of its content was captured, or it was within a compressed multifd packet, which is not read. */
  unread?(block: string, offset: number): void;
}
