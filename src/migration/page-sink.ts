/**
 * Takes the content of pages as it passes, for whoever wants to rebuild the guest's memory. Content comes in as many pieces as
 * there were segments, those of several
 * channels interleaved, and is valid during the call only. Pages sent compressed or as differences are not offered.
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
  ): void;
  /** A page of one repeated byte. */
  fill(block: string, offset: number, byte: number, timeNs: number): void;
}
